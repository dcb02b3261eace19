"""The check ``content`` of a copy on another engine: every row by its values, whatever the order that each engine has.

Both sides are brought to one form by kind: floats and JSON parsed, decimals by value, moments as instants. What wrote the
copy (``recast.conversion``) has no part in it. Rows are summed up in buckets by their digest, so that memory stays bounded
and what differs is found by a second look at the buckets that differ.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from decimal import Context, Decimal
from itertools import islice

from backups.engines import values
from backups.engines.base import Snapshot
from backups.manifest import TableEntry
from backups.recast import Recast, Zones, tzinfo_of
from backups.rows import JSON_NULL, Cell, Exact, Row
from backups.tables import Column, Table
from backups.verification.findings import Finding, Status, compared

NAME = "content"
_EXACTLY = Context(prec=200_000)  # Python's own context rounds to 28 digits
_BUCKETS = 4096
_KEPT = 20_000  # rows of differing buckets that are looked at one by one
_SHOWN = 5


def content(contents: Recast, entry: TableEntry, snapshot: Snapshot) -> Finding:
    """Compare one table."""
    source = contents.source(entry)
    table = source.table if source else entry.table
    forms = _forms(table, entry.table, contents.zones)
    expected = _Sums(contents.source_rows(entry), forms[0])
    actual = _Sums(snapshot.rows(entry.table), forms[1])
    if expected.sums == actual.sums and expected.rows == actual.rows:
        said = f"{actual.rows} rows, by value #{actual.digest()}"
        return compared(NAME, said, said, table=entry.table.qualified)
    wrong = {number for number in range(_BUCKETS) if expected.sums[number] != actual.sums[number]}
    left = Counter(islice(_in_buckets(contents.source_rows(entry), forms[0], wrong), _KEPT))
    right = Counter(islice(_in_buckets(snapshot.rows(entry.table), forms[1], wrong), _KEPT))
    return Finding(
        NAME,
        Status.FAILED,
        entry.table.qualified,
        f"{expected.rows} rows, by value #{expected.digest()}",
        f"{actual.rows} rows, by value #{actual.digest()}",
        _told(table, left - right, right - left),
    )


class _Sums:
    """The rows of one side: how many, and the sum of their digests in each bucket."""

    def __init__(self, rows: Iterable[Row], form: Callable[[Row], str]) -> None:
        self.rows, self.sums = 0, [0] * _BUCKETS
        for row in rows:
            digest = _digest(form(row))
            self.sums[digest % _BUCKETS] += digest
            self.rows += 1

    def digest(self) -> str:
        """Return what people compare."""
        return hashlib.sha256(repr(self.sums).encode()).hexdigest()[:16]


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())


def _in_buckets(rows: Iterable[Row], form: Callable[[Row], str], wanted: set[int]) -> Iterator[str]:
    return (text for row in rows if _digest(text := form(row)) % _BUCKETS in wanted)


def _told(table: Table, missing: Counter[str], added: Counter[str]) -> str:
    places = [place for place, column in enumerate(table.columns) if column.name in table.pk]
    expected, actual = ({_key(text, places): json.loads(text) for text in side} for side in (missing, added))
    said = []
    for key, row in islice(expected.items(), _SHOWN):
        if key in actual:
            pairs = zip(table.columns, row, actual[key], strict=True)
            differing = ", ".join(column.name for column, left, right in pairs if left != right)
            said.append(f"Row {key} differs in {differing}.")
        else:
            said.append(f"Row {key} is missing.")
    said += [f"Row {key} is not in the backup." for key in islice(actual.keys() - expected.keys(), _SHOWN)]
    return " ".join(said)


def _key(text: str, places: list[int]) -> str:
    row = json.loads(text)
    return (
        ", ".join(str(row[place]) for place in places)
        or f"with sha256 {hashlib.sha256(text.encode()).hexdigest()[:16]}"
    )


def _forms(source: Table, target: Table, zones: Zones) -> tuple[Callable[[Row], str], Callable[[Row], str]]:
    """Return what brings the rows of each side to one text: a JSON list of values."""
    kinds = [new.kind for new in target.columns]
    seen = tzinfo_of(zones.target) if zones.local else UTC
    written = tzinfo_of(zones.source or zones.target), tzinfo_of(zones.target)
    return _form(source.columns, kinds, _moment(written[0], seen)), _form(
        target.columns, kinds, _moment(written[1], seen)
    )


def _form(columns: Iterable[Column], kinds: list[str], moment: Callable[[str], str]) -> Callable[[Row], str]:
    plain = {**_PLAIN, "datetime": moment, "timestamp": moment}
    pairs = zip(columns, kinds, strict=True)
    readers = [_reader(plain.get(kind, str), kind, loose=column.kind == "any") for column, kind in pairs]
    return lambda row: json.dumps([read(cell) for read, cell in zip(readers, row, strict=True)], ensure_ascii=False)


def _reader(plain: Callable[[str], object], wanted: str, *, loose: bool) -> Callable[[Cell], object]:

    def read(cell: Cell) -> object:
        if cell is None:
            return None
        if isinstance(cell, Exact):
            return _exact(cell, wanted)
        return plain(str(json.loads(cell)) if loose and cell.startswith('"') else cell)

    return read


def _exact(cell: Exact, wanted: str) -> object:
    if wanted == "json" and isinstance(cell.value, dict) and "text" in cell.value:
        return _json(cell.value["text"])
    return {"json": None} if cell.value == JSON_NULL else {"exact": cell.value}


def _decimal(text: str) -> str:
    number = Decimal(text)
    return format(number.normalize(_EXACTLY), "f") if number else "0"


def _json(text: str) -> object:
    """Numbers by value: ``1.50`` is ``1.5``; of two members of one name the last counts, as everywhere."""
    read = json.loads(text, parse_float=_decimal, parse_int=_decimal, parse_constant=str)
    return {"json": json.dumps(read, sort_keys=True)} if read is not None else {"json": None}


def _moment(written: tzinfo, seen: tzinfo) -> Callable[[str], str]:
    """Return what says when it was as applications see it: ``written`` is the zone of what is written without one."""

    def read(text: str) -> str:
        try:
            found = datetime.fromisoformat(text.strip())
            found = found if found.tzinfo else found.replace(tzinfo=written)
            return found.astimezone(seen).replace(tzinfo=None).isoformat()
        except (ValueError, OverflowError):
            return text.strip()

    return read


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_interface(text)) if "/" in text else str(ipaddress.ip_address(text))
    except ValueError:
        return text


_TRUTHS = {"1": "true", "0": "false"}
_PLAIN: dict[str, Callable[[str], object]] = {
    "boolean": lambda text: _TRUTHS.get(text, text),
    "decimal": _decimal,
    "duration": lambda text: values.duration_to(text) if text.lstrip("-").startswith("P") else int(text),
    "float": lambda text: repr(float(text)),
    "inet": _address,
    "integer": lambda text: int({"true": "1", "false": "0"}.get(text, text)),
    "json": _json,
    "uuid": lambda text: text.replace("-", "").lower(),
}
