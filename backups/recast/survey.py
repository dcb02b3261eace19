"""The look at every row before anything is loaded: what will not fit, by table, key and column; and the greatest keys."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from backups.contents import Contents
from backups.progress import Progress, Step, silent
from backups.recast.limits import Limit, limits
from backups.recast.matching import Match
from backups.recast.moments import Unfit
from backups.rows import Cell, Decoder, Exact, Row
from backups.tables import Table

SHOWN = 100
"""How many rows are told one by one."""
_PLAIN = re.compile(r"[\w@.+-]+")


@dataclass(slots=True)
class Survey:
    """What was found. ``greatest`` is the greatest whole number in each column of a key, by (table, column)."""

    sentences: list[str] = field(default_factory=list)
    unfit: int = 0
    greatest: dict[tuple[str, str], int] = field(default_factory=dict)

    def note(self, sentence: str) -> None:
        """Count one value that does not fit; the first hundred are kept."""
        self.unfit += 1
        if self.unfit <= SHOWN:
            self.sentences.append(sentence)


def survey(vendor: str, contents: Contents, matches: list[Match], progress: Progress = silent) -> Survey:
    """Look at every row."""
    found = Survey()
    for match in matches:
        _Table(vendor, contents.manifest.engine.vendor, match, found).look(contents, progress)
    return found


class _Table:
    """One table."""

    def __init__(self, vendor: str, source: str, match: Match, found: Survey) -> None:
        self._match, self._found = match, found
        self._source = match.entry.table
        asked = [limits(vendor, column, source) for column in match.table.columns]
        self._asked: list[tuple[int, Callable[[Cell], Cell], list[Limit]]] = [
            (place, *pair) for place, pair in enumerate(zip(match.converters(), asked, strict=True))
        ]
        self._key = key_of(self._source)
        self._counted = [
            (place, (match.table.qualified, column.name))
            for place, column in enumerate(match.table.columns)
            if column.kind == "integer" and column.name in (*match.table.pk, *match.table.key)
        ]

    def look(self, contents: Contents, progress: Progress) -> None:
        """Look at every row of it."""
        decode, entry = Decoder(self._source).decode, self._match.entry
        for number, line in enumerate(contents.lines(entry) if entry.rows else (), 1):
            row = decode(line)
            for sentence in self._problems(row):
                self._found.note(sentence)
            self._count(row)
            if number % 5000 == 0:
                progress(Step("survey", self._source.qualified, number, 0, entry.rows))

    def _problems(self, row: Row) -> Iterator[str]:
        for place, convert, asked in self._asked:
            reason = _reason(row[place], convert, asked)
            if reason:
                yield (
                    f"Row {self._key(row)} of {self._source.qualified}, column {self._source.columns[place].name}: {reason}."
                )

    def _count(self, row: Row) -> None:
        for place, name in self._counted:
            cell = row[place]
            if isinstance(cell, str) and int(cell) > self._found.greatest.get(name, 0):
                self._found.greatest[name] = int(cell)


def key_of(table: Table) -> Callable[[Row], str]:
    """Return what names a row of a table for people: its primary key."""
    places = [place for place, column in enumerate(table.columns) if column.name in table.pk]

    def key(row: Row) -> str:
        parts = [row[place] for place in places]
        said = [str(part.value) if isinstance(part, Exact) else _shown(str(part)) for part in parts]
        return ", ".join(said) or "without a key"

    return key


def _shown(text: str) -> str:
    """Return a part of a key, in quotation marks where it could be overlooked."""
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _reason(cell: Cell, convert: Callable[[Cell], Cell], asked: list[Limit]) -> str:
    try:
        made = convert(cell)
    except Unfit as error:
        return str(error)
    return next((reason for limit in asked if (reason := limit(made))), "")
