"""A backup's contents as another schema holds them: its rows, under the tables and in the kinds of that schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from backups.chunks import split_lines
from backups.contents import Contents
from backups.facts import EngineFacts, Orphans
from backups.manifest import TableEntry
from backups.recast.matching import Match
from backups.recast.moments import Zones
from backups.rows import Decoder, Encoder, Row
from backups.schema import Schema, Sequence
from backups.tables import Table


@dataclass(frozen=True, slots=True)
class Built:
    """A schema that migrations built in an empty database, as it was captured there."""

    facts: EngineFacts
    schema: Schema
    tables: tuple[Table, ...]
    sequences: tuple[Sequence, ...]


class Recast(Contents):
    """Reads a backup as the built schema holds it; what the schema cannot hold was found before (``recast.survey``)."""

    def __init__(
        self, archived: Contents, built: Built, matches: list[Match], sequences: tuple[Sequence, ...], zones: Zones
    ) -> None:
        self.archived, self.zones, self._built = archived, zones, built
        self._matches = {match.table.qualified: match for match in matches}
        names = {match.entry.table.qualified: match.table.qualified for match in matches}
        entries = [self._entry(table) for table in built.tables]
        manifest = replace(
            archived.manifest,
            engine=built.facts,
            tables=tuple(entries),
            sequences=sequences,
            orphans=tuple(_renamed(found, names) for found in archived.manifest.orphans if found.table in names),
            totals=replace(archived.manifest.totals, tables=len(entries), rows=sum(entry.rows for entry in entries)),
        )
        super().__init__(archived.repository, manifest)
        self.complete = archived.complete
        self.dangling = frozenset(
            (names.get(table, table), columns, names.get(parent, parent))
            for table, columns, parent in archived.dangling
        )

    def schema(self) -> Schema:
        """Return the built definition."""
        return self._built.schema

    def witness(self) -> dict[str, Any]:
        """Return what of the recorded facts another engine says in the same words, by the names of the built schema."""
        recorded = self.archived.witness()
        told = {}
        for name, match in self._matches.items():
            facts = recorded.get(match.entry.table.qualified)
            if facts:
                kinds = {column.name: column.kind for column in match.entry.table.columns}
                columns = comparable(kinds, facts["columns"])
                told[name] = {
                    "rows": facts["rows"],
                    "columns": {new.name: columns[old.name] for old, new in match.pairs if old.name in columns},
                }
        return told

    def source(self, entry: TableEntry) -> TableEntry | None:
        """Return the archived table whose rows these are; None for one that the backup has not."""
        match = self._matches.get(entry.table.qualified)
        return match.entry if match else None

    def texts(self, table: TableEntry) -> Iterator[bytes]:
        """Yield the lines of a table in the kinds of the built schema, as many at a time as a chunk of the archive holds."""
        match = self._matches.get(table.table.qualified)
        if match is not None:
            yield from converted(self.archived.texts(match.entry), match)

    def source_rows(self, table: TableEntry) -> Iterator[Row]:
        """Yield the archived rows as they were recorded."""
        source = self.source(table)
        if source is not None:
            yield from map(Decoder(source.table).decode, self.archived.lines(source))

    def _entry(self, table: Table) -> TableEntry:
        match = self._matches.get(table.qualified)
        return TableEntry(match.table, match.entry.rows) if match else TableEntry(table, 0)


def comparable(kinds: dict[str, str], columns: dict[str, Any]) -> dict[str, Any]:
    """Return facts of columns as every engine tells them: how many values, and of whole numbers the least and greatest."""
    return {
        name: facts if kinds.get(name) == "integer" else {**facts, "least": None, "greatest": None}
        for name, facts in columns.items()
    }


def converted(texts: Iterator[bytes], match: Match) -> Iterator[bytes]:
    """Yield texts of the lines of one table as the other one's columns write them."""
    if match.is_spelt_alike:
        # A marker of what the other engine has no form for was found by the survey; all else says the same in every kind.
        yield from texts
        return
    decode, encode = Decoder(match.entry.table).decode, Encoder(match.table).encode
    converters = match.converters()
    for text in texts:
        rows = (decode(line) for line in split_lines(text))
        yield b"".join(encode([convert(cell) for convert, cell in zip(converters, row, strict=True)]) for row in rows)


def _renamed(orphan: Orphans, names: dict[str, str]) -> Orphans:
    table, parent = (names.get(name, name) for name in (orphan.table, orphan.parent))
    return replace(orphan, table=table, parent=parent)
