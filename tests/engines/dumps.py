"""Dumps and restores by an engine's own means, for tests: what the archiver and the restorer do, without a repository."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connections

from backups.engines.base import Engine, Snapshot
from backups.facts import EVERYTHING, EngineFacts, Orphans, Witness
from backups.rows import Cell, Decoder, Row, encode
from backups.schema import Schema, differences
from backups.schema import Sequence as Counter
from backups.tables import Table


@dataclass
class Dump:
    """All that a backup holds of a database."""

    facts: EngineFacts
    schema: Schema
    tables: list[Table]
    sequences: list[Counter]
    orphans: list[Orphans]
    lines: dict[str, list[bytes]] = field(default_factory=dict)
    witnesses: dict[str, Witness] = field(default_factory=dict)

    def table(self, name: str) -> Table:
        """Return the table of that name."""
        return named(self.tables, name)


def named(tables: Iterable[Table], name: str) -> Table:
    """Return the table of that name."""
    (found,) = [table for table in tables if table.name == name]
    return found


def dump_of(snapshot: Snapshot) -> Dump:
    """Read everything from a snapshot, the fast way."""
    tables = snapshot.tables()
    dump = Dump(snapshot.facts(), snapshot.schema(), tables, snapshot.sequences(), snapshot.orphans(tables))
    for table in tables:
        dump.lines[table.qualified] = list(snapshot.lines(table))
        dump.witnesses[table.qualified] = snapshot.witness(table)
    snapshot.confirm()
    return dump


def dump(engine: Engine) -> Dump:
    """Read everything."""
    with engine.snapshot() as snapshot:
        return dump_of(snapshot)


def restore(dump: Dump, target: Engine) -> None:
    """Make a database and load a dump into it."""
    assert target.preflight(dump.facts) == []
    target.create(dump.facts)
    with target.loader() as loader:
        loader.define(dump.schema)
        for table in dump.tables:
            lines = dump.lines[table.qualified]
            assert loader.load(table, lines) == len(lines)
        loader.complete(dump.schema, dump.orphans)
        loader.set_sequences(dump.sequences)
        loader.settle()


def assert_same(expected: Dump, actual: Dump, engine: Engine) -> None:
    """Compare two dumps by everything that a verification compares."""
    assert actual.lines == expected.lines
    assert actual.tables == expected.tables
    assert differences(expected.schema, actual.schema, engine.normal) == []
    assert actual.sequences == expected.sequences
    assert actual.witnesses == expected.witnesses
    assert actual.orphans == expected.orphans


def referenced(snapshot: Snapshot, table: Table) -> list[bytes]:
    """Return the lines of a table as the reference writes them, and see that a proof and reading them as one text do so."""
    lines = [encode(table, row) for row in snapshot.rows(table)]
    assert list(snapshot.read_back(table)) == lines, table.qualified
    assert list(snapshot.texts(table, [EVERYTHING], 2**24)) in ([b"".join(lines)], [None]), table.qualified
    return lines


def changed(table: Table, line: bytes, **cells: Cell) -> bytes:
    """Return a line with other cells in some columns."""
    row: Row = Decoder(table).decode(line)
    for name, cell in cells.items():
        row[[column.name for column in table.columns].index(name)] = cell
    return encode(table, row)


def execute(engine: Engine, *statements: str) -> None:
    """Run statements through Django's connection."""
    with connections[engine.alias].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, None)


def fetch(engine: Engine, query: str) -> list[Sequence[object]]:
    """Run a query through Django's connection."""
    with connections[engine.alias].cursor() as cursor:
        cursor.execute(query, None)
        return list(cursor.fetchall())


@contextmanager
def meanwhile(work: Callable[[], None], engine: Engine, patience: float = 0.0) -> Iterator[list[BaseException]]:
    """Have a thread do some work on a database; yields what it raised, in a list that may fill later.

    Waits ``patience`` seconds for it before the body begins, and for its end after the body.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 (it is handed to the test)
            raised.append(error)
        finally:
            connections[engine.alias].close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(patience)
    try:
        yield raised
    finally:
        thread.join(60)
        assert not thread.is_alive()
