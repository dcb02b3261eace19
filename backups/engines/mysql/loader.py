"""Fills one fresh database: tables, rows, then indexes, constraints and all that depends on them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from backups.engines.base import Loader
from backups.engines.mysql import ddl, errors, foreign_keys, objects, text
from backups.engines.mysql.inserting import Inserter
from backups.engines.mysql.session import DATABASE_ERRORS, LOADING_MODE, Session, said
from backups.exceptions import RestoreError
from backups.facts import Orphans
from backups.progress import Progress, Step, silent
from backups.schema import Schema, Sequence, Statement
from backups.tables import Table

_TABLES_AT_ONCE = 100


class MySqlLoader(Loader):
    """See ``Loader``. ``named`` is how a sentence names the database."""

    def __init__(self, session: Session, database: str, named: str) -> None:
        self._session, self._database, self._named = session, database, named
        self._keys: dict[str, tuple[str, ...]] = {}
        self._tables: list[str] = []
        self._look_up: set[str] = set()
        with errors.making(named):
            session.set({"sql_mode": text.string(LOADING_MODE), "foreign_key_checks": 0})
            collation = text.string(session.value("SELECT @@collation_connection"))
            self._usual = f"collation_connection = {collation}, time_zone = '+00:00'"

    def define(self, schema: Schema, progress: Progress = silent) -> None:
        """See ``Loader.define``."""
        for statement in schema.before:
            progress(Step("define", statement.table))
            self._make(statement.sql, statement)
            if statement.kind == "table":
                self._tables.append(statement.name)
                if ddl.makes_unique(statement.sql):
                    self._look_up.add(statement.name)

    def load(self, table: Table, lines: Iterable[bytes]) -> int:
        """See ``Loader.load``."""
        self._keys[table.name] = table.pk or table.key
        try:
            return Inserter(self._session, table, bulk=table.name not in self._look_up).insert(lines)
        except DATABASE_ERRORS as error:
            raise RestoreError(f"Table {table.name} could not be loaded: {said(error)}.", table=table.name) from error

    def complete(self, schema: Schema, orphans: Iterable[Orphans], progress: Progress = silent) -> None:
        """See ``Loader.complete``. Foreign keys are made unchecked, which copies no table, and then looked into."""
        with errors.making(self._named):
            self._session.set({"unique_checks": 1, "sql_mode": text.string(LOADING_MODE)})
        self._alter("index", schema, progress)
        self._alter("foreign key", schema, progress)
        known = {(orphan.table, orphan.columns, orphan.parent): orphan.rows for orphan in orphans}
        for statement in schema.after:
            if statement.kind == "foreign key":
                progress(Step("check", statement.table))
                self._look_into(ddl.foreign_key_of(statement), known)
            elif statement.kind != "index":
                progress(Step(statement.kind, statement.table))
                self._make(objects.disabled(statement.sql) if statement.kind == "event" else statement.sql, statement)

    def set_sequences(self, sequences: Iterable[Sequence]) -> None:
        """See ``Loader.set_sequences``."""
        for sequence in sequences:
            value = sequence.value + sequence.called
            if not sequence.table:
                sql = f"SELECT SETVAL({text.name(sequence.name)}, {value}, 0)"
            elif self._counter(sequence.table) != value:
                sql = f"{ddl.alter(sequence.table)}AUTO_INCREMENT = {value}"
            else:
                continue
            self._try(sql, Statement("sequence", sequence.name, sql, sequence.table))

    def settle(self) -> None:
        """See ``Loader.settle``. What was committed is in the server's log; its statistics are taken here."""
        with errors.making(self._named):
            for first in range(0, len(self._tables), _TABLES_AT_ONCE):
                names = text.names(self._tables[first : first + _TABLES_AT_ONCE])
                self._session.query(f"ANALYZE LOCAL TABLE {names}")

    def _alter(self, kind: str, schema: Schema, progress: Progress) -> None:
        """Run the statements of a kind, those of one table in one: the table is gone through once."""
        wanted = [statement for statement in schema.after if statement.kind == kind]
        for table, group in groupby(wanted, key=lambda statement: statement.table):
            progress(Step(kind, table))
            prefix = ddl.alter(table)
            for alone, some in groupby(group, key=lambda statement: statement.sql.startswith(_alone(prefix))):
                several = list(some)
                if alone:
                    for statement in several:
                        self._make(statement.sql, statement)
                else:
                    changes = ", ".join(statement.sql.removeprefix(prefix) for statement in several)
                    self._make(prefix + changes, Statement(kind, "", "", table))

    def _look_into(self, key: ddl.ForeignKey, known: dict[tuple[str, tuple[str, ...], str], int]) -> None:
        if key.table not in self._keys:
            return
        with errors.making(self._named):
            found = foreign_keys.orphans(self._session, key)
            if found > known.get((key.table, key.columns, key.parent_name), 0):
                row = foreign_keys.first_orphan(self._session, key, self._keys[key.table])
                raise RestoreError(
                    f"{found} rows of table {key.table} point at rows of {key.parent_name} that are not there "
                    f"(foreign key {key.name}), among them the one with primary key {row}.",
                    table=key.table,
                    key=row,
                )

    def _make(self, sql: str, statement: Statement) -> None:
        header, body = objects.parts(sql)
        if header:
            self._try(header, statement)
        self._try(body, statement)
        if header:
            self._try(f"SET sql_mode = {text.string(LOADING_MODE)}, {self._usual}", statement)

    def _try(self, sql: str, statement: Statement) -> None:
        try:
            self._session.query(sql)
        except DATABASE_ERRORS as error:
            what = " ".join(part for part in (statement.kind, statement.name) if part)
            where = f" of table {statement.table}" if statement.table not in ("", statement.name) else ""
            raise RestoreError(f"The {what}{where} could not be made: {said(error)}.", table=statement.table) from error

    def _counter(self, table: str) -> int:
        shown = self._session.query(f"SHOW CREATE TABLE {text.name(table)}")[0][1]
        return ddl.definition(table, shown, self._database).counter


def _alone(prefix: str) -> tuple[str, ...]:
    """Return how the statements begin that make an index of which the server builds one at a time."""
    return tuple(f"{prefix}ADD {kind} " for kind in ("FULLTEXT", "SPATIAL", "VECTOR"))
