"""Fills one fresh database: tables, rows, then what is looked into and all that depends on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backups.chunks import lines_of
from backups.engines.base import Loader
from backups.engines.mysql import ddl, errors, foreign_keys, text, unfinished, violations
from backups.engines.mysql.building import Builder
from backups.engines.mysql.inserting import Inserter
from backups.engines.mysql.session import DATABASE_ERRORS, LOADING_MODE, Session, said
from backups.exceptions import RestoreError
from backups.facts import Orphans
from backups.progress import Progress, Step, silent
from backups.schema import Schema, Sequence, Statement
from backups.tables import Table

_TABLES_AT_ONCE = 100
_ROWS_AT_ONCE = 20_000  # of small tables that share one transaction, since each ends with a wait for the disk


class MySqlLoader(Loader):
    """See ``Loader``. ``named`` is how a sentence names the database.

    ``broken`` counts the rows of each table that break a CHECK of it in the source too.
    """

    def __init__(self, session: Session, database: str, named: str, broken: Mapping[str, int]) -> None:
        self._session, self._database, self._named, self._broken = session, database, named, broken
        self._keys: dict[str, tuple[str, ...]] = {}
        self._uncommitted = 0
        with errors.making(named):
            session.set({"sql_mode": text.string(LOADING_MODE), "foreign_key_checks": 0, "autocommit": 0})
            self._builder = Builder(session)

    def define(self, schema: Schema, progress: Progress = silent) -> None:
        """See ``Loader.define``."""
        self._builder.define(schema, progress)

    def load(self, table: Table, texts: Iterable[bytes]) -> int:
        """See ``Loader.load``."""
        self._keys[table.name] = table.pk or table.key
        try:
            if table.name in self._broken:
                self._session.set({"check_constraint_checks": 0})
            rows = Inserter(self._session, table, lambda: self._builder.lay_bare(table.name)).insert(lines_of(texts))
            if table.name in self._broken:
                self._session.set({"check_constraint_checks": 1})
                self._count_broken(table)
            self._uncommitted += rows
            if self._uncommitted > _ROWS_AT_ONCE:
                self._commit()
        except DATABASE_ERRORS as error:
            raise RestoreError(f"Table {table.name} could not be loaded: {said(error)}.", table=table.name) from error
        return rows

    def complete(self, schema: Schema, orphans: Iterable[Orphans], progress: Progress = silent) -> None:
        """See ``Loader.complete``. Foreign keys are made unchecked, which copies no table, and looked into here."""
        with errors.making(self._named):
            self._commit()
            self._session.set({"unique_checks": 1, "sql_mode": text.string(LOADING_MODE), "autocommit": 1})
        self._builder.fill_in(progress)
        known = {(orphan.table, orphan.columns, orphan.parent): orphan.rows for orphan in orphans}
        for statement in schema.after:
            if statement.kind == "foreign key":
                progress(Step("check", statement.table))
                self._look_into(ddl.foreign_key_of(statement), known)
            elif statement.kind != "index":
                progress(Step(statement.kind, statement.table))
                self._builder.make(statement)

    def set_sequences(self, sequences: Iterable[Sequence]) -> None:
        """See ``Loader.set_sequences``."""
        for sequence in sequences:
            value = sequence.value + sequence.called
            if not sequence.table:
                sql = f"SELECT SETVAL({text.name(sequence.name)}, {value}, 0)"
            elif self._definition(sequence.table).counter != value:
                sql = f"{ddl.alter(sequence.table)}AUTO_INCREMENT = {value}"
            else:
                continue
            self._builder.run(sql, Statement("sequence", sequence.name, sql, sequence.table))

    def settle(self) -> None:
        """See ``Loader.settle``. What was committed is in the server's log; its statistics are taken here."""
        tables = self._builder.tables
        with errors.making(self._named):
            for first in range(0, len(tables), _TABLES_AT_ONCE):
                self._session.query(f"ANALYZE LOCAL TABLE {text.names(tables[first : first + _TABLES_AT_ONCE])}")
            unfinished.unmark(self._session, self._database)

    def _commit(self) -> None:
        self._session.run("COMMIT")
        self._uncommitted = 0

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

    def _count_broken(self, table: Table) -> None:
        found = violations.count(self._session, self._definition(table.name))
        if found > self._broken[table.name]:
            raise RestoreError(
                f"{found} rows of table {table.name} break a CHECK of it, more than in the source.", table=table.name
            )

    def _definition(self, table: str) -> ddl.Definition:
        shown = self._session.query(f"SHOW CREATE TABLE {text.name(table)}")[0][1]
        return ddl.definition(table, shown, self._database)
