"""The chain: each way to remove, replace, reorder or roll back a backup is told, and pruning is not mistaken for it."""

import os
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.chain import Gap, Head, Link, breaks, heads_of, merged, tells_of, unvouched
from backups.conf import BackupSettings
from backups.retention import Candidate, Policy, decide


def problems(links: list[Link], excused: object, known: object) -> list[str]:
    return [found.sentence for found in breaks(links, excused, known)]  # type: ignore[arg-type]


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


class TestGaps:
    """What is left of pruned backups."""

    def test_a_pruned_manifest_leaves_a_gap_for_each_that_it_followed(self):
        assert chain_of(1)[0].as_gaps() == (Gap(1, 1, "", "digest1"),)
        assert chain_of(3)[2].as_gaps() == (Gap(3, 3, "digest2", "digest3"),)
        closing = Link(3, "backups/3", "c", (Head(2, "a"), Head(2, "b")))
        assert closing.as_gaps() == (Gap(3, 3, "a", "c"), Gap(3, 3, "b", "c"))

    def test_neighbours_merge_and_others_do_not(self):
        gaps = [gap for link in chain_of(9) if link.sequence not in (4, 7) for gap in link.as_gaps()]
        whole = (Gap(1, 3, "", "digest3"), Gap(5, 6, "digest4", "digest6"), Gap(8, 9, "digest7", "digest9"))
        assert merged(gaps) == merged(reversed(gaps)) == merged([*gaps, *whole]) == whole

    def test_a_number_that_nobody_pruned_keeps_gaps_apart(self):
        assert len(merged([Gap(2, 2, "a", "b"), Gap(4, 4, "b", "d")])) == 2
        assert len(merged([Gap(2, 2, "a", "b"), Gap(3, 3, "another", "c")])) == 2
        acknowledged = Gap(2, 2, "", "")
        assert merged([acknowledged, Gap(3, 3, "", "c")]) == (acknowledged, Gap(3, 3, "", "c"))

    def test_a_fork_inside_is_followed_both_ways(self):
        one, two = chain_of(2)
        other = Link(2, "backups/2b", "digest2b", (one.head,))
        closing = Link(3, "backups/3", "digest3", (two.head, other.head))
        gaps = [gap for link in (two, other, closing) for gap in link.as_gaps()]
        assert merged(gaps) == (Gap(2, 3, "digest1", "digest3"),)

    @given(st.lists(st.booleans(), max_size=40), st.randoms(use_true_random=False))
    def test_the_order_in_which_backups_are_pruned_does_not_matter(self, pruned, chance):
        links = [link for link, gone in zip(chain_of(len(pruned)), pruned, strict=True) if gone]
        at_once = merged(gap for link in links for gap in link.as_gaps())
        chance.shuffle(links)
        one_by_one: tuple[Gap, ...] = ()
        for link in links:
            one_by_one = merged([*one_by_one, *link.as_gaps()])
        assert one_by_one == at_once
        covered = {number for gap in at_once for number in range(gap.first, gap.last + 1)}
        assert covered == {link.sequence for link in links}
        assert all(tells_of(at_once, link) == (link in links) for link in chain_of(len(pruned)))

    def test_ten_thousand_at_once(self):
        assert merged(gap for link in chain_of(10_000) for gap in link.as_gaps()) == (
            Gap(1, 10_000, "", "digest10000"),
        )


class TestAcknowledging:
    """What was found once and accepted is not found again, and anything new is."""

    @staticmethod
    def adopted(links: list[Link], known: list[Head] = []) -> list[Link]:  # noqa: B006
        gaps = [gap for found in breaks(links, (), known) for gap in found.gaps]
        number = max(link.sequence for link in [*links, *(Link(h.sequence, "", "", ()) for h in known)]) + 1
        return [*links, Link(number, f"backups/{number}", f"digest{number}", (links[-1].head,), merged(gaps))]

    def test_removed_backups(self):
        links = chain_of(9)
        left = [links[0], *links[3:6], *links[7:]]
        assert len(problems(left, (), [])) == 2
        after = self.adopted(left)
        assert problems(after, (), [link.head for link in links]) == []
        assert problems([link for link in after if link.sequence != 5], (), []) == [
            "Backup number 5 was removed: no manifest, tombstone or gap accounts for it."
        ]

    def test_a_rolled_back_repository(self):
        known = [link.head for link in chain_of(5)]
        after = self.adopted(chain_of(3), known)
        assert after[-1].sequence == 6 and problems(after, (), known) == []

    def test_a_replaced_backup(self):
        links = chain_of(4)
        known = [link.head for link in links]
        links[1] = replace(links[1], digest="other")
        assert len(problems(links, (), known)) == 2
        assert problems(self.adopted(links, known), (), known) == []

    def test_of_two_writers_with_one_number_one_may_be_pruned(self):
        one, two, *_ = chain_of(2)
        other = Link(2, "backups/2b", "digest2b", (one.head,))
        closing = Link(3, "backups/3", "digest3", (two.head, other.head))
        newest = Link(4, "backups/4", "digest4", (closing.head,), merged(other.as_gaps()))
        known = [link.head for link in (one, two, other, closing)]
        assert problems([one, two, closing, newest], (), known) == []
        # The closing one pruned as well: the fork lies inside a gap, and what is left of it is followed.
        newest = replace(newest, gaps=merged([*other.as_gaps(), *closing.as_gaps()]))
        assert problems([one, two, newest], (), known) == []
        assert heads_of([one, two, newest]) == (newest.head,)


class TestEarlierKeys:
    """An earlier key vouches only for what a manifest under today's key reaches."""

    def test_before_the_first_manifest_under_todays_key_it_is_believed(self):
        assert unvouched([replace(link, fallback=True) for link in chain_of(3)], ()) == []

    def test_what_the_chain_reaches_is_vouched_for(self):
        links = chain_of(5)
        assert unvouched([replace(link, fallback=link.sequence < 4) for link in links], ()) == []

    def test_over_gaps_too(self):
        links = [replace(link, fallback=link.sequence < 6) for link in chain_of(6)]
        gaps = merged(gap for link in links if link.sequence in (2, 3, 5) for gap in link.as_gaps())
        links = [links[0], links[3], replace(links[5], gaps=gaps)]
        assert unvouched(links, ()) == []

    def test_one_that_nothing_leads_to_is_not(self):
        links = [replace(link, fallback=link.sequence < 3) for link in chain_of(4)]
        forged = Link(5, "backups/5", "forged", (links[-1].head,), (Gap(1, 4, "", "digest4"),), fallback=True)
        between = Link(2, "backups/2b", "forged too", (links[0].head,), fallback=True)
        assert unvouched([*links, forged, between], ()) == [forged, between]
        assert unvouched([*links, forged, between], [forged.head]) == [between]


class TestYears:
    """Years of hourly backups and prunes under a fake clock: only what somebody does to the storage is found."""

    DAYS = int(os.environ.get("LIFEBOAT_DAYS", "250"))

    def test_pruned_ones_are_never_taken_for_removed_ones(self):
        chance, policy = random.Random(3), Policy.of(BackupSettings().RETENTION)
        live: list[Link] = []
        trash: list[Link] = []
        created: dict[int, datetime] = {}
        known: list[Head] = []
        most = 0
        for number in range(1, self.DAYS * 24 + 1):
            created[number] = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=number)
            gaps = live[-1].gaps if live else ()
            new = [gap for link in trash if not tells_of(gaps, link) for gap in link.as_gaps()]
            gaps = merged([*gaps, *new]) if new else gaps
            live.append(Link(number, f"backups/{number}", f"d{number}", tuple(x.head for x in live[-1:]), gaps))
            known.append(live[-1].head)
            if number % 24:
                continue
            # What was in the trash has its gap now, in the newest manifest; then others go there.
            trash = []
            backups = [Candidate(str(link.sequence), link.sequence, created[link.sequence]) for link in live]
            kept = {choice.backup.sequence for choice in decide(policy, backups, created[number]) if choice.kept}
            trash = [link for link in live if link.sequence not in kept]
            live = [link for link in live if link.sequence in kept]
            most = max(most, len(live[-1].gaps))
            if number % 168 == 0:
                assert problems([*live, *trash], (), known[-500:]) == []
                assert heads_of([*live, *trash]) == (live[-1].head,)
            if number % 720 == 0:
                self.attacked(live, trash, known, chance)
        assert most < 60 and problems([*live, *trash], (), known) == []

    @staticmethod
    def attacked(live: list[Link], trash: list[Link], known: list[Head], chance: random.Random) -> None:
        """Remove, empty the trash, roll back, replace: each is found."""
        all_of_them = [*live, *trash]
        taken = chance.choice(live[:-1])
        removed = [link for link in all_of_them if link is not taken]
        assert [f"number {taken.sequence} was removed" in said for said in problems(removed, (), [])] == [True]
        assert problems(live, (), [])
        older = [link for link in all_of_them if link.sequence < live[-1].sequence - 3]
        assert any("rolled back" in said for said in problems(older, (), known[-500:]))
        other = [replace(link, digest="other") if link is live[-2] else link for link in all_of_them]
        assert any("is not the one" in said or "another content" in said for said in problems(other, (), known[-500:]))
        swapped = [replace(link, sequence=live[-1].sequence + 1) if link is taken else link for link in all_of_them]
        assert problems(swapped, (), [])
