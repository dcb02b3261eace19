"""A backup for another engine: the schema that its migrations make there is built and captured, and every row is tried."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from backups import migrating
from backups.contents import Contents
from backups.engines.base import Engine
from backups.exceptions import TargetError
from backups.facts import EngineFacts
from backups.progress import Progress, Step, silent
from backups.recast.contents import Built, Recast
from backups.recast.counters import counters
from backups.recast.matching import Match, Matching, match
from backups.recast.moments import Unfit, Zones, recorded
from backups.recast.survey import SHOWN, Survey, key_of, survey
from backups.rows import Decoder, Row

_PROPERTIES = {"mysql": {"charset": "utf8mb4"}, "postgresql": {"encoding": "UTF8"}}
_NOTHING = "Nothing was loaded, and the live database is as it was."


def plain_facts(vendor: str) -> EngineFacts:
    """Return what a fresh database of an engine is like where no source of the same engine says so."""
    return EngineFacts(vendor, "0", dict(_PROPERTIES.get(vendor, {})))


def recast(archived: Contents, empty: Engine, alias: str, progress: Progress = silent) -> tuple[Recast, list[str]]:
    """Return the backup as the schema that its migrations make on another engine, and sentences on what has no place.

    ``empty`` is a database of that engine that is there and empty; the schema is built in it and left there. ``alias`` is
    the source's. Raises TargetError naming every row that will not fit, and RestoreError where a migration fails.
    """
    built = _built(archived, empty, alias, progress)
    zones = Zones(recorded(archived.manifest), empty.zone, local=not settings.USE_TZ)
    found = match(empty.vendor, archived.manifest, built.tables, zones)
    _refuse_tables(found, empty)
    seen = survey(empty.vendor, archived, found.matches, progress)
    for each in found.matches:
        progress(Step("survey keys", each.entry.table.qualified))
        for sentence in empty.collisions(each.table, _named_rows(archived, each)):
            seen.note(sentence)
    _refuse_rows(seen, empty)
    values = counters(empty.vendor, archived.manifest, built, found.matches, seen.greatest)
    left = [f"Not carried over: table {name}, which no migration makes; it has no rows." for name in found.left]
    return Recast(archived, built, found.matches, values, zones), left


def _built(archived: Contents, empty: Engine, alias: str, progress: Progress) -> Built:
    migrating.build(empty, alias, archived.applied(), progress)
    with empty.snapshot() as snapshot:
        facts, schema = snapshot.facts(), snapshot.schema()
        return Built(facts, schema, tuple(snapshot.tables()), tuple(snapshot.sequences()))


def _named_rows(archived: Contents, found: Match) -> Iterator[tuple[str, Row]]:
    """Yield each row as it will be loaded, with its key for people; what does not fit was told already."""
    source = found.entry.table
    decode, key = Decoder(source).decode, key_of(source)
    converters = found.converters()
    for line in archived.lines(found.entry):
        row = decode(line)
        try:
            yield key(row), [convert(cell) for convert, cell in zip(converters, row, strict=True)]
        except Unfit:
            continue


def _refuse_tables(found: Matching, empty: Engine) -> None:
    if found.problems:
        raise TargetError(
            f"The backup has rows that have no place in what its migrations make on {empty.title}. "
            + " ".join(found.problems),
            hint=f"{_NOTHING} Restore it on its own engine, or take a backup that leaves these tables out "
            "(BACKUPS['EXCLUDE']).",
        )


def _refuse_rows(seen: Survey, empty: Engine) -> None:
    if seen.unfit:
        more = [f"And {seen.unfit - SHOWN:,} more."] if seen.unfit > SHOWN else []
        values = "1 value of the backup does" if seen.unfit == 1 else f"{seen.unfit:,} values of the backup do"
        raise TargetError(
            "\n".join([f"{values} not fit into {empty.title}:", *seen.sentences, *more]),
            hint=f"{_NOTHING} Mend these rows in the live database, back it up again, and restore that.",
        )
