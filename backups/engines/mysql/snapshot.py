"""One consistent read view of a database: a repeatable read that began at one moment, with every table held."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby
from typing import Any

from backups.engines.base import Answers, Snapshot, is_named
from backups.engines.mysql import columns, errors, foreign_keys, objects, text, violations, witness
from backups.engines.mysql.ddl import Definition, definition
from backups.engines.mysql.reading import Reader
from backups.engines.mysql.session import Session
from backups.exceptions import ConfigurationError
from backups.facts import EVERYTHING, EngineFacts, Orphans, Span, Uncovered, Witness
from backups.rows import Row
from backups.schema import Schema
from backups.schema import Sequence as Counter
from backups.tables import Table, labelled, model_columns, models_by_table

# Rows of these are other tables', or another server's.
_ELSEWHERE = {"MRG_MYISAM", "FEDERATED", "CONNECT", "SPIDER", "OQGRAPH", "SPHINX", "S3", "MROONGA"}
_WITH_SNAPSHOTS = {"INNODB", "ROCKSDB"}


class MySqlSnapshot(Snapshot):
    """See ``Snapshot``. ``settings`` are those of the database, ``named`` is how a sentence names it."""

    def __init__(self, session: Session, database: str, settings: dict[str, Any], named: str) -> None:
        self._session, self._database, self._settings, self._named = session, database, settings, named
        self._out: dict[str, str] = {}
        self._excluded: list[Table] = []

    def begin(self, excluded: Collection[str]) -> None:
        """Begin the read view and hold every table, so that who wants to alter one waits."""
        run = self._session.run
        with errors.reading(self._named):
            # Under any other level the server lets the words about a snapshot pass, and makes none.
            run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            self._engines = self._base_tables()
            for table, engine in self._engines.items():
                if engine in _ELSEWHERE:
                    self._out[table] = f"its rows belong to other tables or another server (engine {engine})"
                else:
                    run(f"SELECT 1 FROM {text.name(table)} LIMIT 1")
            self._all = self._read_tables()
            self._excluded = [table for table in self._all if is_named(table, excluded)]
            self._out |= {table.name: "it is excluded by BACKUPS['EXCLUDE']" for table in self._excluded}
            self._refuse_dangling()

    def look(self) -> None:
        """Take note of the tables in a transaction that somebody else has begun; none of them is held."""
        with errors.reading(self._named):
            self._engines = self._base_tables()
            self._out = {name: "" for name, engine in self._engines.items() if engine in _ELSEWHERE}
            self._all = self._read_tables()

    def definition(self, table: Table) -> Definition:
        """Return a table's definition."""
        return self._definitions[table.name]

    def facts(self) -> EngineFacts:
        """See ``Snapshot.facts``."""
        with errors.reading(self._named):
            charset, collation = self._session.query("SELECT @@character_set_database, @@collation_database")[0]
            tables = [table.name for table in self.tables()]
            broken = {name: violations.count(self._session, self._definitions[name]) for name in tables}
        found = [column for column in self._columns if column.table not in self._out]
        return EngineFacts(
            "mysql",
            self._session.version,
            {
                "product": "MariaDB" if self._session.is_mariadb else "MySQL",
                "charset": charset,
                "collation": collation,
                "collations": " ".join(sorted({column.collation for column in found if column.collation})),
                "types": " ".join(sorted({column.base for column in found})),
                **violations.property_of(broken),
            },
        )

    def tables(self) -> list[Table]:
        """See ``Snapshot.tables``; in the order of their names, since foreign keys are made after all rows."""
        return [table for table in self._all if table.name not in self._out]

    def schema(self) -> Schema:
        """See ``Snapshot.schema``."""
        with errors.reading(self._named):
            found = [self._definitions[table.name] for table in self.tables()]
            tables = [statement for one in found for statement in (one.create, *one.checks)]
            indexes = [statement for one in found for statement in one.indexes]
            constraints = [statement for one in found for statement in one.constraints]
            return Schema((*self._objects.before, *tables), (*indexes, *constraints, *self._objects.after))

    def sequences(self) -> list[Counter]:
        """See ``Snapshot.sequences``: every AUTO_INCREMENT, and MariaDB's sequences."""
        found = []
        with errors.reading(self._named):
            for table in self.tables():
                one = self._define(table.name)
                if one.counted:
                    named = f"{table.name}.{one.counted}"
                    found.append(Counter(named, one.counter, called=False, table=table.name, column=one.counted))
            names = objects.sequence_names(self._session, self._database)
            return found + [objects.sequence_state(self._session, name) for name in names]

    def uncovered(self) -> list[Uncovered]:
        """See ``Snapshot.uncovered``."""
        with errors.reading(self._named):
            found = [
                Uncovered("table", table.qualified, self._out[table.name], self.count(table))
                for table in self._excluded
            ]
            found += [
                Uncovered("table", name, self._out[name]) for name in self._out if self._engines[name] in _ELSEWHERE
            ]
            return [
                *found,
                *self._not_held(),
                *self._histories(),
                *self._objects.uncovered,
                *objects.unseen(self._session, self._database),
            ]

    def count(self, table: Table) -> int:
        """See ``Snapshot.count``."""
        with errors.reading(self._named):
            return int(self._session.value(f"SELECT COUNT(*) FROM {text.name(table.name)}"))

    def lines(self, table: Table, span: Span = EVERYTHING) -> Iterator[bytes]:
        """See ``Snapshot.lines``."""
        with errors.reading(self._named):
            yield from self._reader(table).lines(span)

    def batches(self, table: Table, span: Span = EVERYTHING) -> Iterator[list[bytes]]:
        """See ``Snapshot.batches``."""
        with errors.reading(self._named):
            yield from self._reader(table).batches(span)

    def texts(self, table: Table, spans: Sequence[Span], largest: int) -> Answers:
        """See ``Snapshot.texts``; one after another, while what was read is compressed and stored.

        Spans are those of the backup before: to find out where to cut, the server would read every row once more.
        """
        reader = self._reader(table)
        for span in spans:
            with errors.reading(self._named):
                text = reader.text(span, largest) if self._session.is_mariadb else None
            yield text

    def digests(self, table: Table, ranges: Iterable[tuple[Span, int]]) -> Answers:
        """See ``Snapshot.digests``; one more row than there should be is looked at."""
        reader = self._reader(table)
        for span, rows in ranges:
            with errors.reading(self._named):
                digest = reader.digest(span, rows + 1) if self._session.is_mariadb else None
            yield digest

    def rows(self, table: Table, span: Span = EVERYTHING) -> Iterator[Row]:
        """See ``Snapshot.rows``."""
        with errors.reading(self._named):
            yield from self._reader(table).rows(span)

    def witness(self, table: Table) -> Witness:
        """See ``Snapshot.witness``."""
        with errors.reading(self._named):
            return witness.take(self._session, table)

    def orphans(self, tables: Collection[Table], settled: Collection[str] = ()) -> list[Orphans]:
        """See ``Snapshot.orphans``."""
        with errors.reading(self._named):
            keys = [key for table in tables for key in self._definitions[table.name].foreign_keys]
            counted = [(key, foreign_keys.orphans(self._session, key)) for key in keys]
            return [Orphans(key.table, key.columns, key.parent_name, rows) for key, rows in counted if rows]

    def referring(self, table: Table) -> list[str]:
        """See ``Snapshot.referring``."""
        with errors.reading(self._named):
            keys = [key for other in self.tables() for key in self._definitions[other.name].foreign_keys]
            pointing = [key for key in keys if key.parent == table.name and not key.schema and key.table != table.name]
            return sorted({key.table for key in pointing if foreign_keys.points(self._session, key)})

    def confirm(self) -> None:
        """See ``Snapshot.confirm``: the tables were held, so it is enough that the connection still is."""
        with errors.reading(self._named):
            self._session.run("DO 1")

    @cached_property
    def _columns(self) -> list[columns.Described]:
        return [columns.described(row) for row in self._session.query(columns.query(text.string(self._database)))]

    @cached_property
    def _definitions(self) -> dict[str, Definition]:
        return {name: self._define(name) for name, engine in self._engines.items() if engine not in _ELSEWHERE}

    @cached_property
    def _objects(self) -> objects.Objects:
        return objects.capture(self._session, self._database)

    @cached_property
    def _row_bytes(self) -> dict[str, int]:
        where = f"WHERE TABLE_SCHEMA = {text.string(self._database)}"
        sql = f"SELECT TABLE_NAME, AVG_ROW_LENGTH FROM information_schema.TABLES {where}"
        return {name: int(size or 0) for name, size in self._session.query(sql)}

    def _define(self, table: str) -> Definition:
        shown = self._session.query(f"SHOW CREATE TABLE {text.name(table)}")[0][1]
        return definition(table, shown, self._database)

    def _base_tables(self) -> dict[str, str]:
        sql = (
            "SELECT TABLE_NAME, ENGINE, TABLE_TYPE FROM information_schema.TABLES "
            f"WHERE TABLE_SCHEMA = {text.string(self._database)} AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"
        )
        rows = sorted(self._session.query(sql))
        self._versioned = [name for name, _, kind in rows if kind == "SYSTEM VERSIONED"]
        return {name: (engine or "").upper() for name, engine, _ in rows}

    def _read_tables(self) -> list[Table]:
        models = models_by_table()
        if self._session.folds_names:
            models = {name.lower(): model for name, model in models.items()}
        found = []
        for name, group in groupby(self._columns, key=lambda column: column.table):
            if name not in self._engines or self._engines[name] in _ELSEWHERE:
                continue
            described, model = list(group), models.get(name)
            fields = model_columns(model) if model else {}
            kept = [columns.column(one, fields.get(one.name), self._settings) for one in described if not one.generated]
            bare = Table(name, "", tuple(kept), key=self._key(name, described))
            found.append(labelled(bare, model))
        return sorted(found, key=lambda table: table.name)

    def _key(self, table: str, described: list[columns.Described]) -> tuple[str, ...]:
        """Return the first unique key, the primary one before others, that orders rows by what their lines say."""
        fit = {column.name for column in described if columns.orders_rows(column)}
        keys = sorted(self._definitions[table].unique_keys, key=lambda key: (key.name != "PRIMARY", key.name))
        return next((key.columns for key in keys if key.plain and fit.issuperset(key.columns)), ())

    def _reader(self, table: Table) -> Reader:
        found = self._definitions.get(table.name)
        keys = found.unique_keys if found else ()
        index = next((key.name for key in keys if key.plain and key.columns == table.key), "")
        return Reader(self._session, table, self._row_bytes.get(table.name, 0), index)

    def _refuse_dangling(self) -> None:
        """What is left out altogether must not be needed by what stays."""
        out = {table.name for table in self._excluded}
        if not out:
            return
        keys = [key for table in self.tables() for key in self._definitions[table.name].foreign_keys]
        needed = [(f"table {key.table}", key.parent) for key in keys if key.parent in out and not key.schema]
        needed += [
            (f"view {view}", name) for view, names in self._objects.views.items() for name in sorted(names & out)
        ]
        if needed:
            user, table = needed[0]
            raise ConfigurationError(
                f"The {user} of {self._named} needs table {table}, which is excluded, so such a backup could not be "
                "restored.",
                hint="Take it out of BACKUPS['EXCLUDE'], or leave out its rows only: BACKUPS['EXCLUDE_DATA'].",
            )

    def _not_held(self) -> Iterator[Uncovered]:
        for table in self.tables():
            engine = self._engines[table.name]
            if engine not in _WITH_SNAPSHOTS:
                reason = (
                    f"engine {engine} keeps no snapshots: its rows are backed up as they were when they were read, which "
                    "may be later than those of the other tables. ALTER TABLE … ENGINE=InnoDB mends that"
                )
                yield Uncovered("snapshot", table.name, reason)

    def _histories(self) -> Iterator[Uncovered]:
        for name in self._versioned:
            if name not in self._out:
                sql = f"SELECT COUNT(*) FROM {text.name(name)} FOR SYSTEM_TIME ALL"
                past = int(self._session.value(sql)) - int(
                    self._session.value(f"SELECT COUNT(*) FROM {text.name(name)}")
                )
                reason = "rows that were changed or deleted, which its system versioning keeps; the rows of now are backed up"
                yield Uncovered("history", name, reason, past)
