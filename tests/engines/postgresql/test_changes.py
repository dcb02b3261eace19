"""What PostgreSQL says has not changed: never of a range that has, whatever happened, and of most that have not."""

import random
from contextlib import ExitStack
from itertools import pairwise

import psycopg
import pytest

from backups.engines.base import Engine, Snapshot
from backups.engines.postgresql import snapshot as snapshot_module
from backups.engines.postgresql.session import Connection, run, session
from backups.facts import EVERYTHING, Span
from tests.databases import Server
from tests.engines.dumps import execute, fetch, named

MARKERS = "CREATE TABLE backups_marker (token varchar(32) PRIMARY KEY, created timestamptz NOT NULL)"
ROWS = 400
BOTH = pytest.mark.parametrize("server", ["postgresql_18", "postgresql"], indirect=True)
SPANS = [Span(*bounds) for bounds in pairwise([None, ("100",), ("200",), ("300",), None])]


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Server:
    """The server of this suite alone; on another, somebody's long transaction may make rows look younger than they are."""
    found: Server = request.getfixturevalue(getattr(request, "param", "postgresql_18"))
    return found


@pytest.fixture
def accounts(engine: Engine) -> Engine:
    """A database with some rows and a place for markers."""
    execute(
        engine,
        MARKERS,
        "CREATE TABLE accounts (id integer PRIMARY KEY, word text NOT NULL)",
        f"INSERT INTO accounts SELECT n, 'word ' || n FROM generate_series(1, {ROWS}) n",
    )
    return engine


def recorded(snapshot: Snapshot) -> tuple[dict[str, str], list[bytes]]:
    """Return a snapshot's signal, and what it reads of each span."""
    table = named(snapshot.tables(), "accounts")
    return snapshot.signal({}), [b"".join(snapshot.lines(table, span)) for span in SPANS]


def told(engine: Engine, since: dict[str, str], before: list[bytes]) -> tuple[list[bool], list[bytes]]:
    """Return what a later snapshot says of each span, and what it reads of them."""
    with engine.snapshot() as snapshot:
        assert snapshot.follows(since)
        table = named(snapshot.tables(), "accounts")
        ranges = [(span, text.count(b"\n")) for span, text in zip(SPANS, before, strict=True)]
        flags = list(snapshot.unchanged(table, since, ranges))
        whole = next(snapshot.unchanged(table, since, [(EVERYTHING, sum(rows for _, rows in ranges))]))
        assert whole == all(flags)
        with pytest.MonkeyPatch.context() as patch:
            # The other connections of the snapshot say the same.
            patch.setattr(snapshot_module, "_RANGES", 1)
            patch.setattr(snapshot, "_value", None)
            assert list(snapshot.unchanged(table, since, ranges)) == flags
        return flags, [b"".join(snapshot.lines(table, span)) for span in SPANS]


CHANGES = {
    "update": "UPDATE accounts SET word = 'other' WHERE id = 150",
    "update to the same": "UPDATE accounts SET word = word WHERE id = 150",
    "delete": "DELETE FROM accounts WHERE id = 150",
    "delete and insert again": "DELETE FROM accounts WHERE id = 150; INSERT INTO accounts VALUES (150, 'other')",
    "move within": "DELETE FROM accounts WHERE id = 199; UPDATE accounts SET id = 199 WHERE id = 101",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_range_with_a_change_is_not_unchanged_and_the_others_are(accounts: Engine, change: str) -> None:
    with accounts.snapshot() as snapshot:
        since, before = recorded(snapshot)
    execute(accounts, change)
    flags, _ = told(accounts, since, before)
    assert flags == [True, False, True, True]


def test_the_same_rows_again_after_a_truncate_have_changed(accounts: Engine) -> None:
    with accounts.snapshot() as snapshot:
        since, before = recorded(snapshot)
    execute(
        accounts,
        "CREATE TABLE copy AS TABLE accounts",
        "TRUNCATE accounts",
        "INSERT INTO accounts SELECT * FROM copy ORDER BY id",
    )
    flags, after = told(accounts, since, before)
    assert after == before
    assert not any(flags)


@pytest.mark.parametrize(
    "statement", ["VACUUM FREEZE accounts", "VACUUM FULL accounts", "CLUSTER accounts USING accounts_pkey"]
)
def test_housekeeping_is_no_change(accounts: Engine, statement: str) -> None:
    with accounts.snapshot() as snapshot:
        since, before = recorded(snapshot)
    with session(accounts) as connection:
        run(connection, statement)
    assert told(accounts, since, before)[0] == [True] * 4


def test_what_was_begun_before_and_committed_after_has_changed(accounts: Engine) -> None:
    """Its transaction is older than many that had ended when the first snapshot was taken."""
    with session(accounts) as early:
        run(early, "BEGIN; UPDATE accounts SET word = 'early' WHERE id = 350")
        execute(accounts, "UPDATE accounts SET word = 'in time' WHERE id = 250")
        with accounts.snapshot() as snapshot:
            since, before = recorded(snapshot)
        run(early, "SAVEPOINT s; UPDATE accounts SET word = 'late' WHERE id = 50; RELEASE SAVEPOINT s; COMMIT")
    flags, after = told(accounts, since, before)
    assert [flag and old != new for flag, old, new in zip(flags, before, after, strict=True)] == [False] * 4
    assert flags[1] and not flags[0] and not flags[3]


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("seed", range(4))
def test_whatever_writers_do_no_change_is_missed(accounts: Engine, seed: int) -> None:
    chance = random.Random(seed)
    looked_at = changed = false_alarms = 0
    with ExitStack() as stack:
        writers = [stack.enter_context(session(accounts)) for _ in range(3)]
        with accounts.snapshot() as snapshot:
            since, before = recorded(snapshot)
        for _ in range(25):
            for _ in range(chance.randint(0, 6)):
                _one_step(chance, chance.choice(writers))
            flags, after = told(accounts, since, before)
            for flag, old, new in zip(flags, before, after, strict=True):
                assert not flag or old == new
                looked_at, changed = looked_at + 1, changed + (old != new)
                false_alarms += not flag and old == new
            if chance.random() < 0.5:
                with accounts.snapshot() as snapshot:
                    since, before = recorded(snapshot)
    print(f"{looked_at} ranges looked at, {changed} had changed, {false_alarms} false alarms")
    assert 0 < changed < looked_at


def _one_step(chance: random.Random, writer: Connection) -> None:
    """Do something with a writer that may be in a transaction, or in a savepoint; what fails is rolled back."""
    try:
        run(writer, _statement(chance, writer))
    except psycopg.Error:
        run(writer, "ROLLBACK")


def _statement(chance: random.Random, writer: Connection) -> str:
    inside = writer.info.transaction_status != psycopg.pq.TransactionStatus.IDLE
    row = chance.randint(1, ROWS)
    other = chance.choice([row, chance.randint(1, ROWS)])
    write = chance.choice(
        [
            f"UPDATE accounts SET word = word || '.' WHERE id = {row}",
            f"DELETE FROM accounts WHERE id = {row}",
            f"INSERT INTO accounts VALUES ({row}, 'new') ON CONFLICT DO NOTHING",
            f"DELETE FROM accounts WHERE id = {row}; INSERT INTO accounts VALUES ({other}, 'again') ON CONFLICT DO NOTHING",
            f"UPDATE accounts SET id = {other} WHERE id = {row} AND NOT EXISTS (SELECT FROM accounts WHERE id = {other})",
            f"SELECT FROM accounts WHERE id = {row} FOR UPDATE",
        ]
    )
    write = f"SET lock_timeout = '50ms'; {write}"
    if not inside:
        return chance.choice([write, f"BEGIN; {write}"])
    return chance.choice(
        [
            f"SAVEPOINT s; {write}; RELEASE SAVEPOINT s",
            f"SAVEPOINT s; {write}; ROLLBACK TO SAVEPOINT s",
            write,
            "COMMIT",
            "COMMIT",
            "ROLLBACK",
        ]
    )


def test_nothing_is_taken_for_unchanged_where_the_marker_is_lost(accounts: Engine) -> None:
    """As it is after a crash that lost the last transactions, a disk rolled back, or a failover to a replica that lagged."""
    with accounts.snapshot() as snapshot:
        since, _ = recorded(snapshot)
    execute(accounts, "DELETE FROM backups_marker")
    with accounts.snapshot() as snapshot:
        assert not snapshot.follows(since)


def test_nothing_is_taken_for_unchanged_in_another_database_or_after_too_many_transactions(accounts: Engine) -> None:
    with accounts.snapshot() as snapshot:
        since, _ = recorded(snapshot)
    with accounts.snapshot() as snapshot:
        assert snapshot.follows(since)
        assert not snapshot.follows(since | {"system": "1"})
        assert not snapshot.follows(since | {"database": "1"})
        assert not snapshot.follows(since | {"marker": "0" * 32})
        assert not snapshot.follows(since | {"xmin": str(int(since["xmin"]) - 2**31)})
        assert not snapshot.follows(since | {"xmin": str(int(since["xmin"]) + 2**31)})
        assert not snapshot.follows({})


def test_the_marker_before_stays_until_the_next_backup_is_done(accounts: Engine) -> None:
    signals: list[dict[str, str]] = [{}]
    for _ in range(3):
        with accounts.snapshot() as snapshot:
            signals.append(snapshot.signal(signals[-1]))
    found = {token for (token,) in fetch(accounts, "SELECT token FROM backups_marker")}
    assert found == {signals[-1]["marker"], signals[-2]["marker"]}


def test_there_is_no_signal_without_a_place_for_markers_or_the_right_to_write(engine: Engine) -> None:
    execute(engine, "CREATE TABLE accounts (id integer PRIMARY KEY)")
    with engine.snapshot() as snapshot:
        assert snapshot.signal({}) == {}
    execute(engine, MARKERS, f'ALTER DATABASE "{engine.name}" SET default_transaction_read_only = on')
    with engine.snapshot() as snapshot:
        assert snapshot.signal({}) == {}


STATES = {
    "a label of an enumeration": "ALTER TYPE mood RENAME VALUE 'happy' TO 'glad'",
    "a column": "ALTER TABLE moody ADD COLUMN more integer DEFAULT 7",
    "a type": "ALTER TABLE moody ALTER note TYPE varchar(80)",
    "an extension": "DROP EXTENSION citext",
}


@BOTH
@pytest.mark.parametrize("change", STATES.values(), ids=STATES)
def test_what_lines_depend_on_beside_rows_is_in_the_state(engine: Engine, change: str) -> None:
    execute(
        engine,
        "CREATE EXTENSION citext",
        "CREATE TYPE mood AS ENUM ('happy', 'sad')",
        "CREATE TABLE moody (id integer PRIMARY KEY, mood mood, note text)",
    )
    with engine.snapshot() as snapshot:
        before, again = snapshot.states(), snapshot.states()
    execute(engine, change)
    with engine.snapshot() as snapshot:
        after = snapshot.states()
    assert before == again
    assert before["public.moody"] and before["public.moody"] != after["public.moody"]


UNSTEADY = {
    "names of other objects": "CREATE TABLE t (id integer PRIMARY KEY, a regclass)",
    "arrays of them": "CREATE TABLE t (id integer PRIMARY KEY, a regtype[])",
    "composite types": "CREATE TYPE pair AS (a integer, b regclass); CREATE TABLE t (id integer PRIMARY KEY, a pair)",
    "domains": "CREATE DOMAIN name_of AS regclass; CREATE TABLE t (id integer PRIMARY KEY, a name_of)",
    "tables that a crash empties": "CREATE UNLOGGED TABLE t (id integer PRIMARY KEY)",
}


@BOTH
@pytest.mark.parametrize("made", UNSTEADY.values(), ids=UNSTEADY)
def test_tables_whose_text_may_change_by_itself_have_no_state(engine: Engine, made: str) -> None:
    execute(engine, made, "CREATE TABLE plain (id integer PRIMARY KEY, a text, b integer[], c jsonb, d numrange)")
    with engine.snapshot() as snapshot:
        assert snapshot.states().keys() == {"public.plain"}
