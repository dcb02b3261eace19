"""Makes what statements define: whole tables first, the indexes of large ones after their rows, then all else."""

from __future__ import annotations

from itertools import groupby

from backups.engines.mysql import ddl, objects, text
from backups.engines.mysql.session import DATABASE_ERRORS, LOADING_MODE, Session, said
from backups.exceptions import RestoreError
from backups.progress import Progress, Step, silent
from backups.schema import Schema, Statement

_PARTS = ("check", "index", "foreign key")
# The server builds one of these at a time.
_ALONE = ("FULLTEXT", "SPATIAL", "VECTOR")


class Builder:
    """Makes tables in one statement each, since every statement costs the server a wait for its disk.

    A table that turns out to be large loses its indexes again while it is empty (``lay_bare``), and gets them back, built
    in one go, when its rows are in (``fill_in``).
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._parts: dict[str, list[Statement]] = {}
        self._creates: dict[str, Statement] = {}
        self._bare: dict[str, list[Statement]] = {}
        collation = text.string(session.value("SELECT @@collation_connection"))
        self._usual = (
            f"SET sql_mode = {text.string(LOADING_MODE)}, collation_connection = {collation}, time_zone = '+00:00'"
        )

    @property
    def tables(self) -> list[str]:
        """The names of the tables that were made."""
        return list(self._creates)

    def define(self, schema: Schema, progress: Progress = silent) -> None:
        """Make everything that stands before the rows, and tables with all that belongs to them."""
        for statement in schema.statements():
            if statement.kind in _PARTS:
                self._parts.setdefault(statement.table, []).append(statement)
        for statement in schema.before:
            progress(Step("define", statement.table))
            if statement.kind == "table":
                self._creates[statement.name] = statement
                self.run(ddl.whole(statement, self._parts.get(statement.name, [])), statement)
            elif statement.kind not in _PARTS:
                self.make(statement)

    def lay_bare(self, table: str) -> bool:
        """Take indexes and foreign keys away from an empty table; say whether no unique one but the primary is left.

        What other tables' foreign keys refer to stays.
        """
        needed = [
            key.parent_columns
            for other in self.tables
            if other != table
            for key in map(ddl.foreign_key_of, self._of(other, "foreign key"))
            if key.parent == table and not key.schema
        ]
        stay = [index for index in self._of(table, "index") if ddl.begins_with(index, needed)]
        indexes = [index for index in self._of(table, "index") if index not in stay]
        self._bare[table] = [*indexes, *self._of(table, "foreign key")]
        gone = [f"DROP FOREIGN KEY {text.name(key.name)}" for key in self._of(table, "foreign key")]
        gone += [f"DROP KEY {text.name(index.name)}" for index in indexes]
        if gone:
            self.run(ddl.alter(table) + ", ".join(gone), Statement("table", table, "", table))
        return not any(map(ddl.is_unique, stay)) and not ddl.makes_unique(self._creates[table].sql)

    def fill_in(self, progress: Progress = silent) -> None:
        """Give the tables that were laid bare their indexes and foreign keys back, the latter unchecked."""
        for table, statements in self._bare.items():
            progress(Step("index", table))
            prefix = ddl.alter(table)
            alone = tuple(f"{prefix}ADD {kind} " for kind in _ALONE)

            def step(statement: Statement, alone: tuple[str, ...] = alone) -> str:
                return statement.sql if statement.sql.startswith(alone) else statement.kind

            for _, group in groupby(statements, key=step):
                some = list(group)
                changes = ", ".join(statement.sql.removeprefix(prefix) for statement in some)
                self.run(prefix + changes, some[0] if len(some) == 1 else Statement(some[0].kind, "", "", table))

    def make(self, statement: Statement) -> None:
        """Run one statement, in the session that it means what it means in."""
        header, body = objects.parts(statement.sql)
        if header:
            self.run(header, statement)
        self.run(objects.disabled(body) if statement.kind == "event" else body, statement)
        if header:
            self.run(self._usual, statement)

    def run(self, sql: str, statement: Statement) -> None:
        """Run some SQL; what goes wrong is said of ``statement``."""
        try:
            self._session.query(sql)
        except DATABASE_ERRORS as error:
            what = " ".join(part for part in (statement.kind, statement.name) if part)
            where = f" of table {statement.table}" if statement.table not in ("", statement.name) else ""
            raise RestoreError(f"The {what}{where} could not be made: {said(error)}.", table=statement.table) from error

    def _of(self, table: str, kind: str) -> list[Statement]:
        return [statement for statement in self._parts.get(table, []) if statement.kind == kind]
