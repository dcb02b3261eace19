"""The chain: each way to remove, replace, reorder or roll back a backup is told, and pruning is not mistaken for it."""

import pytest

from backups.chain import Gap, Head, Link, heads_of, problems


def chain_of(count: int, gaps: tuple[Gap, ...] = ()) -> list[Link]:
    links: list[Link] = []
    for number in range(1, count + 1):
        before = tuple(Head(link.sequence, link.digest) for link in links[-1:])
        links.append(Link(number, f"backups/{number}", f"digest{number}", before, gaps))
    return links


def test_a_whole_chain_has_no_problem():
    assert problems(chain_of(5), (), [Head(3, "digest3"), Head(5, "digest5")]) == []


def test_an_empty_repository_has_no_problem():
    assert problems([], (), []) == []


@pytest.mark.parametrize("removed", [0, 1, 2, 3])
def test_a_removed_backup_is_missed(removed):
    links = chain_of(5)
    del links[removed]
    assert problems(links, (), []) == [
        f"Backup number {removed + 1} was removed: no manifest, tombstone or gap accounts for it."
    ]


def test_several_removed_backups_are_told_in_one_sentence():
    links = chain_of(7)
    assert problems([links[0], links[4], links[6]], (), []) == [
        "Backups number 2 to 4 were removed: no manifest, tombstone or gap accounts for them.",
        "Backup number 6 was removed: no manifest, tombstone or gap accounts for it.",
    ]


def test_a_number_that_cannot_be_read_shows_that_those_before_it_were_there():
    assert problems(chain_of(2), {99_999_999}, []) == [
        "Backups number 3 to 99999998 were removed: no manifest, tombstone or gap accounts for them."
    ]


def test_a_pruned_backup_is_not_missed():
    links = chain_of(5, (Gap(2, 3, "digest1", "digest3"),))
    assert problems([links[0], *links[3:]], (), []) == []
    assert problems([*chain_of(5)[:2], *chain_of(5)[3:]], {3}, []) == []


def test_a_replaced_backup_is_found():
    links = chain_of(3)
    links[1] = Link(2, "backups/2", "forged", links[1].heads)
    assert problems(links, (), []) == ["Backup number 2 is not the one that backups/3 followed."]


def test_an_order_turned_round_is_found():
    links = [Link(1, "backups/1", "a", (Head(2, "b"),)), Link(2, "backups/2", "b", ())]
    assert problems(links, (), []) == ["backups/1 says that it follows number 2, which is not before it."]


def test_a_rolled_back_repository_is_found_by_whoever_has_seen_more():
    assert problems(chain_of(3), (), []) == []
    assert problems(chain_of(3), (), [Head(5, "digest5")]) == [
        "Backup number 5 was seen before and is gone: the repository was rolled back."
    ]


def test_the_same_number_with_another_content_is_found():
    assert problems(chain_of(3), (), [Head(3, "other")]) == [
        "Backup number 3 has another content than when it was last seen."
    ]


def test_two_writers_make_two_heads_and_the_next_backup_closes_the_fork():
    one, two = chain_of(2)
    other = Link(2, "backups/2b", "digest2b", (Head(1, "digest1"),))
    assert heads_of([one, two, other]) == (Head(2, "digest2"), Head(2, "digest2b"))
    closing = Link(3, "backups/3", "digest3", (Head(2, "digest2"), Head(2, "digest2b")))
    assert heads_of([one, two, other, closing]) == (Head(3, "digest3"),)
    assert problems([one, two, other, closing], (), []) == []
