"""Rows of the tables that only SQLite has."""

from tests.zoo.fill.insert import insert

MADE = "2024-05-06 07:08:09"


def fill_sqlite(using: str) -> None:
    """Values whose storage class is the row's own, NULLs in keys, keys that are no rowid."""
    insert(
        using,
        "zoo_unknown",
        ["label", "made", "amount", "untyped"],
        [
            ("integer", MADE, 7, 7),
            ("real", MADE, 7.5, 7.5),
            ("text", MADE, "seven", "seven"),
            ("blob", MADE, b"\x07", b"\x07"),
            ("null", MADE, None, None),
            ("text like a number", MADE, "007", "007"),
        ],
    )
    insert(
        using,
        "zoo_without_rowid",
        ["a", "b", "c"],
        [("a", 1, None), ("a", 2, b"\x00"), ("B", -(2**63), "x"), ("", 0, 0.5), ("é", 10, "10"), ("é", 9, 9)],
    )
    insert(
        using,
        "zoo_strict",
        ["id", "i", "r", "t", "b", "a"],
        [
            (1, 5, 1.0, "ß", b"\xff", 5),
            (2, None, -0.0, None, b"", "5"),
            (-(2**63), 0, float("inf"), "a\x00b", None, b"5"),
            (2**63 - 1, 1, float("-inf"), "", None, 5.5),
        ],
    )
    insert(using, "zoo_null_key", ["code", "label"], [(None, "one"), (None, "two"), ("", "three"), ("a", "four")])
    insert(using, "zoo_nocase_key", ["code"], [("a",), ("B",), ("é",), ("É",)])
    insert(using, "zoo_desc_key", ["id", "label"], [(3, "c"), (1, "a"), (None, "null"), (2, "b")])
