"""What a logical backup cannot hold, or not wholly, and has to name; nothing here is made unless a test asks."""

from django.db import connections

from tests.zoo.fill.insert import execute

# By vendor, then by the name of what is made: the statements that make it.
EXTRAS: dict[str, dict[str, tuple[str, ...]]] = {
    "sqlite": {
        # A virtual table, whose rows lie in five shadow tables.
        "zoo_extra_search": (
            "CREATE VIRTUAL TABLE zoo_extra_search USING fts5(title, body)",
            "INSERT INTO zoo_extra_search VALUES ('lifeboat', 'it floats'), ('', 'it''s 100%')",
        ),
        "zoo_extra_box": (
            "CREATE VIRTUAL TABLE zoo_extra_box USING rtree(id, low, high)",
            "INSERT INTO zoo_extra_box VALUES (1, 0.5, 1.5)",
        ),
    },
    "postgresql": {
        "zoo_extra_large_object": (
            "CREATE TABLE zoo_extra_large_object (id integer PRIMARY KEY, body oid)",
            "INSERT INTO zoo_extra_large_object VALUES (1, lo_from_bytea(0, 'a large object'))",
        ),
        "zoo_extra_publication": ("CREATE PUBLICATION zoo_extra_publication FOR TABLE zoo_tree",),
        "@#@": ("CREATE OPERATOR @#@ (LEFTARG = text, RIGHTARG = text, FUNCTION = starts_with)",),
        "zoo_extra_grant": (
            "CREATE TABLE zoo_extra_grant (id integer PRIMARY KEY, secret text)",
            "GRANT SELECT (id), UPDATE ON zoo_extra_grant TO PUBLIC",
        ),
        "zoo_extra_text_search": ("CREATE TEXT SEARCH CONFIGURATION zoo_extra_text_search (COPY = pg_catalog.simple)",),
    },
    "mysql": {
        # The history of its rows is not in what a SELECT returns.
        "zoo_extra_versioned": (
            "CREATE TABLE zoo_extra_versioned (id integer PRIMARY KEY, label text) WITH SYSTEM VERSIONING",
            "INSERT INTO zoo_extra_versioned VALUES (1, 'before'), (2, 'deleted')",
            "UPDATE zoo_extra_versioned SET label = 'after' WHERE id = 1",
            "DELETE FROM zoo_extra_versioned WHERE id = 2",
        ),
        "zoo_extra_event": (
            "CREATE EVENT zoo_extra_event ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01' DO DELETE FROM zoo_keyless",
        ),
    },
}


def add_extras(using: str) -> list[str]:
    """Make all that the engine of an alias has of these; returns their names."""
    extras = EXTRAS[connections[using].vendor]
    for statements in extras.values():
        execute(using, *statements)
    return list(extras)
