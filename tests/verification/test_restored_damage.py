"""Whatever is wrong with a restored copy makes the checks that look at it fail, these and no others, by name."""

import re

import pytest

from backups.verification import prove_database
from tests.yard import details, execute, named, restored

ORDER = "number, customer_id, placed, status, quantity, amount, details"
# A row is one more or less to whoever counts, and to whoever reads.
COUNTED = {"rows", "content", "witness"}


def orders_like(condition: str, key: str) -> str:
    """Return a statement that adds orders of other numbers and keys, and otherwise as those are."""
    number, _, same = ORDER.partition(", ")
    other = f"replace({number}, 'N', 'X')"
    return f"INSERT INTO shop_order (id, {ORDER}) SELECT {key}, {other}, {same} FROM shop_order WHERE {condition}"


# What is done to the copy (one statement, or one for each vendor), which checks fail, and what they say.
DAMAGES = {
    "a row is changed in a chunk": (
        "UPDATE shop_order SET quantity = 31 WHERE id = 30",
        {"content"},
        r"content shop_order: In chunks/\S+: Row 30 differs in quantity\.",
    ),
    "the first row is changed": (
        "UPDATE shop_order SET customer_id = 4 WHERE id = 1",
        {"content"},
        r"content shop_order: In chunks/\S+: Row 1 differs in customer_id\.",
    ),
    "a row is changed in a slice of a shared chunk": (
        "UPDATE shop_customer SET name = 'bub' WHERE id = 2",
        {"content"},
        r"content shop_customer: In chunks/\S+: Row 2 differs in name\.",
    ),
    "a row is changed in a table without a key": (
        "UPDATE readings SET reading = 1.5 WHERE noted = 'alone'",
        {"content"},
        r"content readings: In chunks/\S+: Row with sha256 [0-9a-f]{16} is missing\.",
    ),
    "a moment loses its microseconds": (
        {
            "sqlite": "UPDATE shop_order SET placed = substr(placed, 1, 23) || '000' WHERE id = 30",
            "postgresql": "UPDATE shop_order SET placed = date_trunc('milliseconds', placed) WHERE id = 30",
            "mysql": "UPDATE shop_order SET placed = CAST(placed AS DATETIME(3)) WHERE id = 30",
        },
        {"content"},
        r"Row 30 differs in placed\.",
    ),
    "a number is spelt in another way": (
        {
            "sqlite": "UPDATE shop_order SET details = replace(details, '1.5', '1.50') WHERE id = 30",
            "postgresql": "UPDATE shop_order SET details = jsonb_set(details, '{rate}', '1.50') WHERE id = 30",
            "mysql": "UPDATE shop_order SET details = REPLACE(details, '1.5', '1.50') WHERE id = 30",
        },
        {"content"},
        r"Row 30 differs in details\.",
    ),
    "several rows are changed": (
        "UPDATE shop_order SET quantity = 7, amount = 7.5 WHERE id IN (3, 4)",
        {"content"},
        r"Row 3 differs in quantity, amount\. Row 4 differs in quantity, amount\.",
    ),
    "the first row is removed": ("DELETE FROM shop_order WHERE id = 1", COUNTED, r"Row 1 is missing\."),
    "a row in the middle is removed": ("DELETE FROM shop_order WHERE id = 30", COUNTED, r"Row 30 is missing\."),
    "the last row is removed": ("DELETE FROM shop_order WHERE id = 80", COUNTED, r"Row 80 is missing\."),
    "a row is added before the first": (orders_like("id = 30", "-1"), COUNTED, r"Row -1 is not in the backup\."),
    "many rows are added before the first": (
        orders_like("id > 0", "id - 100"),
        COUNTED,
        r"Row -99 is not in the backup\.(?!.*is missing)",
    ),
    "a row in a later chunk has another key": (
        "UPDATE shop_order SET id = 41 WHERE id = 30",
        {"content"},
        r"Row 30 is missing\.(?!.*is not in the backup)",
    ),
    "a row is added in the middle": (orders_like("id = 30", "41"), COUNTED, r"Row 41 is not in the backup\."),
    "a row is added after the last": (orders_like("id = 30", "85"), COUNTED, r"Row 85 is not in the backup\."),
    "a row of a small table is removed": ("DELETE FROM shop_customer WHERE id = 5", COUNTED, r"Row 5 is missing\."),
    "a row of a small table is added": (
        "INSERT INTO shop_customer (id, email, name, joined, status, preferences) "
        "SELECT 3, 'x@example.org', name, joined, status, preferences FROM shop_customer WHERE id = 2",
        COUNTED,
        r"rows shop_customer: +\(4 / 5\)(.|\n)*Row 3 is not in the backup\.",
    ),
    "a row without a key is removed": (
        "DELETE FROM readings WHERE noted = 'alone'",
        COUNTED,
        r"Row with sha256 [0-9a-f]{16} is missing\.",
    ),
    "one of two equal rows is removed": (
        {
            "sqlite": "DELETE FROM readings WHERE rowid = 1",
            "postgresql": "DELETE FROM readings WHERE ctid = '(0,1)'",
            "mysql": "DELETE FROM readings ORDER BY sensor, reading LIMIT 1",
        },
        COUNTED,
        r"Row with sha256 [0-9a-f]{16} is missing\.",
    ),
    "one more of two equal rows is there": (
        "INSERT INTO readings VALUES (0, 0.5, 'twice')",
        COUNTED,
        r"Row with sha256 [0-9a-f]{16} is not in the backup\.",
    ),
    "every row of a table is removed": ("DELETE FROM readings", COUNTED, r"rows readings: +\(13 / 0\)"),
    "rows that were left out are there": (
        "INSERT INTO django_session VALUES ('key', 'data', '2026-01-01 00:00:00')",
        {"rows", "content"},
        r"rows django_session: +\(0 / 1\)(.|\n)*Row \"key\" is not in the backup\.",
    ),
    "a counter is lowered": (
        {
            "sqlite": "UPDATE sqlite_sequence SET seq = 85 WHERE name = 'shop_order'",
            "postgresql": "SELECT setval(pg_get_serial_sequence('shop_order', 'id'), 85)",
            "mysql": "ALTER TABLE shop_order AUTO_INCREMENT = 86",
        },
        {"sequences"},
        r"sequences shop_order: Sequence \S*shop_order\S*\. \(9[01]\b.* / 8[56]\b",
    ),
    "a constraint is missing": (
        {
            "sqlite": "UPDATE sqlite_master SET sql = replace(sql, '(\"quantity\" > 0)', '(1)') WHERE name = 'shop_order'",
            "postgresql": "ALTER TABLE shop_order DROP CONSTRAINT shop_order_quantity_positive",
            "mysql": "ALTER TABLE shop_order DROP CONSTRAINT shop_order_quantity_positive",
        },
        {"schema"},
        r"schema shop_order: The \w+ (shop_order|shop_order_quantity_positive) is not as it was\.",
    ),
    "an index is missing": (
        {
            "sqlite": "DROP INDEX shop_order_status_placed",
            "postgresql": "DROP INDEX shop_order_status_placed",
            "mysql": "DROP INDEX shop_order_status_placed ON shop_order",
        },
        {"schema"},
        r"schema shop_order: The index shop_order_status_placed is not as it was\. \((.|\n)*/ \(none\)\)",
    ),
    "a trigger is missing": (
        {
            "sqlite": "DROP TRIGGER yard_gone",
            "postgresql": "DROP TRIGGER yard_gone ON shop_order",
            "mysql": "DROP TRIGGER yard_gone",
        },
        {"schema"},
        r"schema shop_order: The trigger \S*yard_gone is not as it was\.",
    ),
    "a view is missing": ("DROP VIEW order_numbers", {"schema"}, r"The view \S*order_numbers is not as it was\."),
    "a view is another one": (
        {
            "sqlite": "UPDATE sqlite_master SET sql = sql || ' WHERE id > 1' WHERE name = 'order_numbers'",
            "postgresql": "CREATE OR REPLACE VIEW order_numbers AS SELECT id, number FROM shop_order WHERE id > 1",
            "mysql": "CREATE OR REPLACE VIEW order_numbers AS SELECT id, number FROM shop_order WHERE id > 1",
        },
        {"schema"},
        r"The view \S*order_numbers is not as it was\.",
    ),
    "a column is missing": (
        "ALTER TABLE shop_customer DROP COLUMN name",
        {"schema", "content", "witness"},
        r"witness shop_customer: Column name differs\. \(4 values, bounds #\w+ / \(no such column\)\)"
        r"(.|\n)*content shop_customer: No column name is there\.",
    ),
    "a column is added": (
        "ALTER TABLE shop_customer ADD COLUMN extra integer NULL",
        {"schema"},
        r"schema shop_customer: The \w+ \S+ is not as it was\.",
    ),
    "a table is missing": (
        "DROP TABLE readings",
        {"schema", "rows", "content", "witness"},
        r"rows readings: +\(13 / no such table\)(.|\n)*content readings: The table is not there\.",
    ),
    "a table is added": ("CREATE TABLE extra (id integer)", {"schema"}, r"The table \S*extra is not as it was\."),
    "a foreign key is left dangling": (
        "UPDATE shop_order SET customer_id = 3 WHERE id = 30",
        {"content", "foreign_keys"},
        r"foreign_keys \S*shop_order: Rows of \S*shop_order point at rows of \S*shop_customer that are not there\. \(0 / 1\)",
    ),
    "a migration is missing": (
        "DELETE FROM django_migrations WHERE app = 'shop'",
        {*COUNTED, "migrations"},
        r"migrations django_migrations: shop\.0001_initial is missing\. \(4 applied / 3 applied\)",
    ),
    "a migration is added": (
        "INSERT INTO django_migrations (id, app, name, applied) VALUES (-1, 'shop', '0002_later', '2026-01-01 00:00:00')",
        {*COUNTED, "migrations"},
        r"shop\.0002_later was not there\. \(4 applied / 5 applied\)",
    ),
    "a migration is another one": (
        "UPDATE django_migrations SET name = '0001_initiel' WHERE app = 'shop'",
        {"content", "migrations"},
        r"shop\.0001_initial is missing\. shop\.0001_initiel was not there\.",
    ),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_what_is_damaged_is_found_and_named_and_nothing_else_is(yard, what):
    damage, expected, said = DAMAGES[what]
    statement = damage if isinstance(damage, str) else damage[yard.engine.vendor]
    before = ["PRAGMA writable_schema = ON"] if yard.engine.vendor == "sqlite" else []
    with restored(yard.engine, yard.repository, yard.committed) as (contents, target):
        execute(target, *before, statement, guarded=False)
        findings = prove_database(contents, target, yard.engine.alias)
    assert named(findings) == expected, details(findings)
    assert re.search(said, details(findings)), details(findings)


def test_an_undamaged_copy_passes_every_check(yard):
    with restored(yard.engine, yard.repository, yard.committed) as (contents, target):
        findings = prove_database(contents, target, yard.engine.alias)
    assert named(findings) == set(), details(findings)
    wanted = {"rows", "content", "witness", "foreign_keys", "schema", "sequences", "migrations"}
    assert wanted <= named(findings, *{f.status for f in findings})


def test_no_value_of_a_row_stands_in_a_finding(yard):
    with restored(yard.engine, yard.repository, yard.committed) as (contents, target):
        execute(target, "UPDATE shop_customer SET name = 'Secret Name', email = 'secret@example.org' WHERE id = 1")
        findings = prove_database(contents, target, yard.engine.alias)
    assert "content" in named(findings)
    said = "".join(f"{f.expected}{f.actual}{f.detail}" for f in findings)
    assert "ecret" not in said and "ada@" not in said
