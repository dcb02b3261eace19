"""Whatever happens to tables between backups, each backup holds what they held at its time, and proves it."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backups.chunks import Limits
from backups.contents import Contents
from backups.engines.base import Engine
from backups.repository import Committed, Repository
from backups.verification import Level, Status
from tests.databases import Server, database
from tests.yard import back_up, details, entry_of, execute, new_repository, prove

KEYS = st.integers(0, 60)
WORDS = st.sampled_from(["a", "bb" * 10, "c" * 60, "d" * 300])
SPANS = st.tuples(KEYS, KEYS).map(sorted)
CHANGES = st.one_of(
    st.tuples(st.just("put"), st.dictionaries(KEYS, WORDS, min_size=1, max_size=40)),
    st.tuples(st.just("update"), st.tuples(SPANS, WORDS)),
    st.tuples(st.just("delete"), SPANS),
    st.tuples(st.just("nothing"), st.none()),
)
HISTORIES = st.lists(CHANGES, min_size=1, max_size=6)
LIMITS = st.builds(
    Limits,
    target=st.sampled_from([150, 500, 2000]),
    largest=st.sampled_from([2000, 4000]),
    small_table=st.sampled_from([0, 300, 1500]),
    page=st.integers(1, 5),
)


class Tables:
    """A table with a key and one without, in a database and as Python holds them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.rows: dict[int, str] = {}
        execute(
            engine,
            "DROP TABLE IF EXISTS keyed",
            "DROP TABLE IF EXISTS loose",
            "CREATE TABLE keyed (id integer NOT NULL PRIMARY KEY, word varchar(300))",
            "CREATE TABLE loose (part integer, word varchar(300))",
        )

    def change(self, verb: str, what) -> None:
        """Do one thing to both tables; the one without a key holds equal rows, since it has a tenth of the number."""
        changed = dict(self.rows)
        if verb == "put":
            changed |= what
        elif verb == "update":
            (low, high), word = what
            changed |= {key: word for key in changed if low <= key <= high}
        elif verb == "delete":
            changed = {key: word for key, word in changed.items() if not what[0] <= key <= what[1]}
        gone = [key for key in self.rows if changed.get(key) != self.rows[key]]
        new = [(key, word) for key, word in changed.items() if self.rows.get(key) != word]
        self.rows = changed
        if gone:
            execute(self._engine, f"DELETE FROM keyed WHERE id IN ({', '.join(map(str, gone))})")
        if new:
            execute(self._engine, f"INSERT INTO keyed VALUES {', '.join(f'({key}, {word!r})' for key, word in new)}")
        execute(self._engine, "DELETE FROM loose", "INSERT INTO loose SELECT id % 6, word FROM keyed")


def held(repository: Repository, committed: Committed) -> tuple[dict[int, str], Counter]:
    """Return what a backup holds of both tables, read with the standard library."""
    contents = Contents(repository, committed.manifest)
    keyed, loose = (
        [json.loads(line) for line in contents.lines(entry_of(committed, name))] for name in ("keyed", "loose")
    )
    keys = [row["pk"] for row in keyed]
    assert keys == sorted(set(keys))
    return (
        {row["pk"]: row["fields"]["word"] for row in keyed},
        Counter((row["fields"]["part"], row["fields"]["word"]) for row in loose),
    )


def live_through(engine: Engine, folder: Path, history: list, limits: Limits) -> None:
    """Go through a history with a backup after each change, then look at every backup."""
    tables, repository, taken = Tables(engine), new_repository(folder), []
    for change in history:
        tables.change(*change)
        taken.append((back_up(engine, repository, limits), dict(tables.rows)))
        if change[0] == "nothing" and len(taken) > 1:
            assert taken[-1][0].manifest.totals.new_chunks == 0
    for committed, rows in taken:
        assert held(repository, committed) == (rows, Counter((key % 6, word) for key, word in rows.items()))
        assert max((entry.bytes for entry in chunks_of(repository, committed)), default=0) <= limits.largest
        assert prove(engine, repository, committed, Level.STORED).status == Status.PASSED
    again = back_up(engine, repository, limits)
    assert (again.manifest.totals.new_chunks, again.manifest.tables) == (0, taken[-1][0].manifest.tables)
    result = prove(engine, repository, again)
    assert result.status == Status.PASSED, details(result.findings)


def chunks_of(repository: Repository, committed: Committed) -> list:
    contents = Contents(repository, committed.manifest)
    return [entry for name in ("keyed", "loose") for entry in contents.entries(entry_of(committed, name))]


quickly = settings(max_examples=10, deadline=None, derandomize=True)


@pytest.mark.slow
def test_histories_of_a_file(sqlite: Server, tmp_path_factory):
    @settings(quickly, max_examples=25)
    @given(HISTORIES, LIMITS)
    def histories(history, limits):
        live_through(engine, tmp_path_factory.mktemp("history"), history, limits)

    with database(sqlite) as engine:
        histories()


@pytest.mark.slow
@settings(quickly, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HISTORIES, LIMITS)
def test_histories_on_each_server(engine, tmp_path_factory, history, limits):
    live_through(engine, tmp_path_factory.mktemp("history"), history, limits)
