"""What only a damaged SQLite database holds, or one whose rows were written by something else than Django."""

from typing import Any

from django.db import connections

from tests.zoo.fill.insert import insert, quoted

# By name, the key of the row in zoo_allfields, its column and the SQL expression of what it holds.
CORRUPT_ROWS: dict[str, tuple[int, str, str]] = {
    "text that is not UTF-8": (900_001, "text", "CAST(X'61FF62' AS TEXT)"),
    "text in Latin-1": (900_002, "char", "CAST(X'6772F6DF65' AS TEXT)"),
    "text that is half a surrogate": (900_003, "text", "CAST(X'EDA080' AS TEXT)"),
    "text in an integer column": (900_004, "integer", "'not a number'"),
    "real in an integer column": (900_005, "integer", "1.5"),
    "blob in an integer column": (900_006, "big_integer", "X'01'"),
    "integer past 32 bits": (900_007, "integer", "1099511627776"),
    "integer past 64 bits": (900_008, "big_integer", "9223372036854775808"),
    "no date": (900_009, "datetime", "'not a date'"),
    "month thirteen": (900_010, "datetime", "'2024-13-45'"),
    "date with T and offset": (900_011, "datetime", "'2024-05-06T07:08:09.123456+02:00'"),
    "date with Z": (900_012, "datetime", "'2024-05-06 07:08:09Z'"),
    "date of a Unix time": (900_013, "datetime", "1714979289"),
    "date of seven digits": (900_014, "datetime", "'2024-05-06 07:08:09.1234567'"),
    "date with a time": (900_015, "date", "'2024-05-06 00:00:00'"),
    "date that is empty": (900_016, "date", "''"),
    "year zero": (900_017, "date", "'0000-00-00'"),
    "time of 24 hours": (900_018, "time", "'24:00:00'"),
    "text in a decimal column": (900_019, "decimal_money", "'1,50'"),
    "blob in a decimal column": (900_020, "decimal_money", "X'31'"),
    "too many places": (900_021, "decimal_money", "1.23456"),
    "blob in a text column": (900_022, "text", "X'626C6F62'"),
    "text in a binary column": (900_023, "binary", "'text'"),
    "integer in a binary column": (900_024, "binary", "7"),
    "two in a boolean column": (900_025, "boolean", "2"),
    "text in a boolean column": (900_026, "boolean", "'t'"),
    "infinity": (900_027, "float", "9e999"),
    "minus infinity": (900_028, "float", "-9e999"),
    "text in a float column": (900_029, "float", "'fast'"),
    "JSON with line breaks": (900_030, "json", "'{\"a\":' || char(10) || ' [1,' || char(13, 10) || '2]}'"),
    "JSON that is none": (900_031, "json", "'{not json'"),
    "JSON as a number": (900_032, "json", "5"),
    "UUID with dashes": (900_033, "uuid", "'3f9a2c1e-0b7d-4e58-9c61-7a5d0e3b2f48'"),
    "UUID that is none": (900_034, "uuid", "'nobody'"),
    "duration of text": (900_035, "duration", "'1 day'"),
    "text longer than its column": (900_036, "char", "printf('%.300c', 'x')"),
    "choice that is none": (900_037, "choice", "'unknown'"),
    "address that is none": (900_038, "ip", "'999.1.2.3'"),
    "negative in a positive column": (900_039, "positive_integer", "-1"),
}

# Foreign keys that point nowhere: table, column, and the key that is not there.
ORPHANS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("zoo_tree", {"id": 900_001, "name": "orphan", "parent_id": 987_654}),
    ("zoo_book_tags", {"id": 900_001, "book_id": 1, "tag_id": 987_654}),
    ("zoo_reading", {"sensor_id": 987_654, "taken_at": "2024-05-06 07:08:09"}),
    ("gone_line", {"id": 900_001, "invoice_id": 987_654}),
)


def corrupt_sqlite_values(using: str) -> None:
    """Add ``CORRUPT_ROWS`` and ``ORPHANS``; outside any transaction, since SQLite cannot look away inside one."""
    connection = connections[using]
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        raise ValueError("Only a SQLite database can be corrupted so, and only outside a transaction.")
    table = quoted(using, "zoo_allfields")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        cursor.execute("PRAGMA foreign_keys = OFF")
        try:
            for key, column, expression in CORRUPT_ROWS.values():
                name = quoted(using, column)
                cursor.execute(f"INSERT INTO {table} (id, {name}) VALUES ({key}, {expression})", None)
            for orphaned, row in ORPHANS:
                insert(using, orphaned, list(row), [list(row.values())])
        finally:
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.execute("PRAGMA ignore_check_constraints = OFF")
