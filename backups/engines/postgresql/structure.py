"""The whole definition of a database, read from its catalogue alone with some thirty queries whatever its size.

The text that PostgreSQL gives is qualified only while nothing is on the search path, so the caller empties it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from backups.engines.postgresql.comments import comments
from backups.engines.postgresql.define_after import about_indexes, constraints, indexes, rules
from backups.engines.postgresql.define_tables import Tables, sequences
from backups.engines.postgresql.define_types import types
from backups.engines.postgresql.define_views import views
from backups.engines.postgresql.dependencies import Dependencies
from backups.engines.postgresql.objects import Order, Thing
from backups.engines.postgresql.session import Connection
from backups.exceptions import ConfigurationError
from backups.schema import Schema, Statement


def capture(connection: Connection, left_out: Collection[str] = ()) -> Schema:
    """Return the definition of everything but some tables, named ``schema.table``, and what is theirs.

    Raises ConfigurationError where anything that stays needs one of them.
    """
    dependencies = Dependencies(connection)
    things = [
        *types(connection),
        *sequences(connection),
        *Tables(connection, dependencies).things(),
        *constraints(connection),
        *indexes(connection),
        *about_indexes(connection, dependencies),
        *views(connection, dependencies),
        *rules(connection),
    ]
    _comment(connection, things, dependencies)
    kept = [thing for thing in things if thing.table not in left_out]
    if len(kept) < len(things):
        _refuse_needed(kept, [thing for thing in things if thing.table in left_out], dependencies)
    return Order(kept, dependencies.edges).schema()


def _comment(connection: Connection, things: Iterable[Thing], dependencies: Dependencies) -> None:
    found = {thing.address: thing for thing in things}
    for address, name, sql in comments(connection):
        thing = found.get(address) or found.get(dependencies.whole(address))
        if thing:
            thing.statements.append(Statement("comment", name, sql, thing.table))


def _refuse_needed(kept: Iterable[Thing], gone: Iterable[Thing], dependencies: Dependencies) -> None:
    missing = {thing.address: thing for thing in gone}
    for thing in kept:
        for address in dependencies.edges.get(thing.address, set()) | thing.needs:
            if address in missing:
                raise ConfigurationError(
                    f"The {thing} needs table {missing[address].table}, which the settings leave out altogether.",
                    hint="Leave out its rows only, or leave out both.",
                )
