"""Rows of the tables that no model knows."""

from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from tests.zoo.fill.insert import insert

ODD_TABLE = 'zoo "odd" 100% names'
ODD_COLUMNS = ["id", "two words", 'say "hi"', "it's", "100%", "%s", "back`tick", "back\\slash", "semi;colon"]
ODD_COLUMNS += ["dot.ted", "[bracket]", "größe", "rowid"]


def fill_tables(using: str) -> None:
    """The raw tables that all engines have, and the traces of a removed app."""
    # Counters count here, so that none stands behind its rows.
    insert(
        using,
        "zoo_unknown",
        ["label", "made", "amount"],
        [
            ("plain", "2024-05-06 07:08:09.123456", "1.50"),
            ("it's 100% \U0001f6df\n", None, "-0.000000000000000000000000000001"),
            ("", "2024-05-06 07:08:09", None),
        ],
    )
    insert(
        using,
        "zoo_keyless",
        ["a", "b", "c"],
        [
            (1, "twice", 0.1),
            (2, "once", -0.0),
            (1, "twice", 0.1),
            (1, "Twice", 0.1),
            (None, None, None),
            (None, None, None),
            (None, "", None),
            *[(3, "many times", 1e300)] * 50,
        ],
    )
    insert(using, "gone_invoice", ["no"], [("2019/1",), ("2019/2",), (None,), (None,)])
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT max(id) FROM gone_invoice")
        last = cursor.fetchone()[0]
    insert(using, "gone_line", ["invoice_id"], [(last,), (last,), (last - 1,)])
    recorder = MigrationRecorder(connections[using])
    for name in ("0001_initial", "0002_it's", "0001_initial_squashed_0002_it's"):
        recorder.record_applied("gone", name)

    insert(using, "zoo_cascade_parent", ["id", "name"], [(1, "a"), (2, "b"), (-3, "c")])
    insert(
        using,
        "zoo_cascade_child",
        ["id", "parent_id", "step_id"],
        [(1, 1, 2), (2, 2, None), (3, None, -3), (4, -3, -3)],
    )
    insert(
        using,
        ODD_TABLE,
        ODD_COLUMNS,
        [
            [1, *(f"value of {column}" for column in ODD_COLUMNS[1:])],
            [2, *[None] * (len(ODD_COLUMNS) - 1)],
            [-3, *ODD_COLUMNS[1:]],
        ],
    )
