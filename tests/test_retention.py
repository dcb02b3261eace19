"""Retention: whatever the policy and whatever the backups, what must stay stays, and only the policy removes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.conf import BackupSettings
from backups.retention import Candidate, EmptyPolicy, Policy, decide

NOW = datetime(2026, 11, 22, 16, 43, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAMES = ("last", "hourly", "daily", "weekly", "monthly")


def hourly(count: int, newest: datetime = NOW) -> list[Candidate]:
    """So many backups, one an hour; the last is the newest."""
    return [Candidate(f"b{n}", n, newest - (count - n) * HOUR) for n in range(1, count + 1)]


def kept(policy: Policy, backups: list[Candidate], now: datetime = NOW) -> list[int]:
    """The numbers of the kept ones, oldest first."""
    return sorted(decision.backup.sequence for decision in decide(policy, backups, now) if decision.kept)


def reasons(policy: Policy, backups: list[Candidate], now: datetime = NOW) -> dict[str, tuple[str, ...]]:
    return {decision.backup.id: decision.reasons for decision in decide(policy, backups, now)}


@pytest.mark.parametrize("given_policy", [{}, {"last": 0}, dict.fromkeys(NAMES, 0)])
def test_an_empty_policy_is_refused(given_policy: dict[str, int]) -> None:
    with pytest.raises(EmptyPolicy):
        Policy.of(given_policy)


def test_the_default_policy_keeps_some_of_each() -> None:
    policy = Policy.of(BackupSettings().RETENTION)
    three_years = hourly(3 * 365 * 24)
    # 24 hours, 13 more days, 6 more weeks at least, 10 more months at least.
    assert 50 < len(kept(policy, three_years)) < 60
    # Pruning what was pruned removes nothing more.
    left = [decision.backup for decision in decide(policy, three_years, NOW) if decision.kept]
    assert len(kept(policy, left)) == len(left)


def test_each_rule_alone() -> None:
    day = hourly(72)
    assert kept(Policy(last=3), day) == [70, 71, 72]
    assert kept(Policy(hourly=4), day) == [69, 70, 71, 72]
    # 72 is at 16:43; the newest of each day before it is at 23:43.
    assert kept(Policy(daily=3), day) == [31, 55, 72]
    sundays = [Candidate(f"d{n}", n, NOW - timedelta(days=30 - n)) for n in range(1, 31)]
    assert kept(Policy(weekly=2), sundays) == [23, 30]
    assert kept(Policy(monthly=2), sundays) == [8, 30]


def test_windows_are_measured_from_the_newest_and_not_from_now() -> None:
    policy, backups = Policy(hourly=5, daily=2), hourly(50)
    assert kept(policy, backups, NOW + timedelta(days=4000)) == kept(policy, backups)


def test_reasons_are_told() -> None:
    told = reasons(Policy(last=1, daily=2), [replace(backup, proven=backup.sequence == 3) for backup in hourly(30)])
    assert told["b30"] == ("the newest", "last 1", "daily")
    assert told["b3"] == ("the newest that has passed at level restore",)
    assert told["b13"] == ("daily",) and told["b12"] == ()


def test_only_the_newest_of_the_proven_is_kept_for_it() -> None:
    backups = [replace(backup, proven=backup.sequence in (2, 5)) for backup in hourly(9)]
    assert kept(Policy(last=1), backups) == [5, 9]


def test_a_backup_from_the_future_stays_and_anchors_nothing() -> None:
    future = Candidate("future", 100, NOW + timedelta(days=400), proven=True)
    told = reasons(Policy(hourly=2), [*hourly(9), future])
    assert told["future"] == ("dated in the future",)
    assert told["b9"] == ("the newest", "hourly") and told["b8"] == ("hourly",) and told["b7"] == ()
    # A clock that is a little ahead is none of the future.
    assert reasons(Policy(last=1), [Candidate("a", 1, NOW + timedelta(minutes=4))])["a"] == ("the newest", "last 1")


def test_what_cannot_be_read_stays_and_does_not_count() -> None:
    damaged = [Candidate(f"x{n}", 10 + n, NOW, complete=False) for n in range(5)]
    assert kept(Policy(last=2), [*hourly(9), *damaged]) == [8, 9, 10, 11, 12, 13, 14]


def test_of_two_writers_with_one_number_both_are_the_newest() -> None:
    assert len(kept(Policy(last=1), [*hourly(3), Candidate("other", 3, NOW - HOUR)])) == 2


def test_the_number_decides_what_is_newest_whatever_the_clock_did() -> None:
    back = [Candidate("a", 1, NOW), Candidate("b", 2, NOW - timedelta(days=40)), Candidate("c", 3, NOW - 3 * HOUR)]
    assert reasons(Policy(last=1), back) == {"c": ("the newest", "last 1"), "b": (), "a": ()}
    # One that is dated after the newest, by a clock that was set back, is of a period of its own.
    assert reasons(Policy(hourly=1), back)["a"] == ("hourly",)


policies = st.builds(Policy, *[st.integers(0, 6)] * 5).filter(lambda policy: policy != Policy())
moments = st.integers(-5_000_000, 300_000).map(lambda minutes: NOW + timedelta(minutes=minutes))
candidates = st.builds(
    Candidate,
    id=st.uuids().map(str),
    sequence=st.integers(1, 60),
    created=moments,
    complete=st.booleans(),
    proven=st.booleans(),
    keep=st.sampled_from([(), (), (), ("pinned: an audit",)]),
)
histories = st.lists(candidates, max_size=40, unique_by=lambda backup: backup.id)


@given(policies, histories)
def test_what_must_stay_stays(policy: Policy, backups: list[Candidate]) -> None:
    stays = {decision.backup.id for decision in decide(policy, backups, NOW) if decision.kept}
    assert {decision.backup.id for decision in decide(policy, backups, NOW)} == {backup.id for backup in backups}
    future = {backup.id for backup in backups if backup.created > NOW + timedelta(minutes=5)}
    unread = {backup.id for backup in backups if not backup.complete}
    pinned = {backup.id for backup in backups if backup.keep}
    assert future | unread | pinned <= stays
    good = sorted(
        (backup for backup in backups if backup.id not in future | unread), key=lambda b: (b.sequence, b.created, b.id)
    )
    if good:
        assert good[-1].id in stays
        assert {backup.id for backup in good[-policy.last :] if policy.last} <= stays
    proven = [backup for backup in good if backup.proven]
    if proven:
        assert proven[-1].id in stays


@given(policies, histories)
def test_a_second_decision_removes_nothing_more(policy: Policy, backups: list[Candidate]) -> None:
    left = [decision.backup for decision in decide(policy, backups, NOW) if decision.kept]
    assert all(decision.kept for decision in decide(policy, left, NOW))


@given(policies, histories, st.sampled_from(NAMES))
def test_a_larger_policy_keeps_no_less(policy: Policy, backups: list[Candidate], name: str) -> None:
    larger = replace(policy, **{name: getattr(policy, name) + 1})
    assert set(kept_ids(policy, backups)) <= set(kept_ids(larger, backups))


@given(policies, histories)
def test_the_order_of_the_list_does_not_matter(policy: Policy, backups: list[Candidate]) -> None:
    assert decide(policy, backups, NOW) == decide(policy, backups[::-1], NOW)


@given(policies, histories, st.timedeltas(timedelta(0), timedelta(days=5000)))
def test_time_alone_takes_nothing_from_a_database_that_is_not_backed_up_any_more(
    policy: Policy, backups: list[Candidate], later: timedelta
) -> None:
    past = [replace(backup, created=min(backup.created, NOW)) for backup in backups]
    assert decide(policy, past, NOW + later) == decide(policy, past, NOW)


def kept_ids(policy: Policy, backups: list[Candidate]) -> list[str]:
    return [decision.backup.id for decision in decide(policy, backups, NOW) if decision.kept]


@pytest.mark.parametrize("every", [HOUR, timedelta(minutes=20), timedelta(hours=7), timedelta(days=2)])
def test_pruning_after_each_backup_leaves_what_pruning_once_would(every: timedelta) -> None:
    """What is thinned out as it grows still has its dailies, weeklies and monthlies when they are asked for."""
    policy, left, all_of_them = Policy(last=2, hourly=4, daily=3, weekly=2, monthly=3), [], []
    clock: Callable[[int], datetime] = lambda n: NOW + n * every  # noqa: E731
    for number in range(1, 1500):
        now = clock(number)
        made = Candidate(f"b{number}", number, now)
        all_of_them.append(made)
        left = [decision.backup for decision in decide(policy, [*left, made], now) if decision.kept]
    assert {backup.id for backup in left} == set(kept_ids_at(policy, all_of_them, clock(1499)))


def kept_ids_at(policy: Policy, backups: list[Candidate], now: datetime) -> list[str]:
    return [decision.backup.id for decision in decide(policy, backups, now) if decision.kept]
