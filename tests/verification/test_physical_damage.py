"""A SQLite file whose indexes lie: what counts and lookups say by them is not what reading every row says."""

from contextlib import closing

from backups.verification import prove_database
from tests.yard import back_up, details, execute, named, restored


def without_index(target, name: str, *statements: str) -> None:
    """Run statements while an index looks away, so that it stays as it was before."""
    with closing(target.connect()) as wrapper, wrapper.cursor() as cursor:
        cursor.execute("PRAGMA writable_schema = ON")
        cursor.execute("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master WHERE name = %s", [name])
        row = cursor.fetchone()
        cursor.execute("DELETE FROM sqlite_master WHERE name = %s", [name])
    execute(target, *statements, guarded=False)
    with closing(target.connect()) as wrapper, wrapper.cursor() as cursor:
        cursor.execute("PRAGMA writable_schema = ON")
        cursor.execute("INSERT INTO sqlite_master VALUES (%s, %s, %s, %s, %s)", row)


def test_an_index_with_too_few_entries_makes_the_count_of_rows_fail_alone(file_yard):
    index = "CREATE INDEX words_place ON words (place)"
    execute(
        file_yard.engine,
        "CREATE TABLE words (id integer PRIMARY KEY, place integer, word varchar(100))",
        *(f"INSERT INTO words (place, word) VALUES ({n}, 'word')" for n in range(20)),
        index,
    )
    committed = back_up(file_yard.engine, file_yard.repository)
    with restored(file_yard.engine, file_yard.repository, committed) as (contents, target):
        execute(
            target,
            "PRAGMA writable_schema = ON",
            "DROP INDEX words_place",
            f"{index} WHERE id < 10",
            f"UPDATE sqlite_master SET sql = '{index}' WHERE name = 'words_place'",
        )
        findings = prove_database(contents, target, file_yard.engine.alias)
    assert named(findings) == {"rows"}, details(findings)
    assert "rows words:  (20 / 9)" in details(findings)


def test_an_index_that_lost_a_parent_makes_the_foreign_keys_fail_alone(file_yard):
    execute(
        file_yard.engine,
        "CREATE TABLE parents (id integer PRIMARY KEY, word varchar(10), more integer)",
        "CREATE UNIQUE INDEX parents_word ON parents (word)",
        "CREATE TABLE children (id integer PRIMARY KEY, word varchar(10) REFERENCES parents (word), more integer)",
        "INSERT INTO parents VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3)",
        "INSERT INTO children VALUES (1, 'one', 1), (2, 'two', 2)",
    )
    committed = back_up(file_yard.engine, file_yard.repository)
    with restored(file_yard.engine, file_yard.repository, committed) as (contents, target):
        execute(target, "UPDATE parents SET word = 'zwei' WHERE id = 2", guarded=False)
        without_index(target, "parents_word", "UPDATE parents SET word = 'two' WHERE id = 2")
        findings = prove_database(contents, target, file_yard.engine.alias)
    assert named(findings) == {"foreign_keys"}, details(findings)
    assert "foreign_keys children: Rows of children point at rows of parents that are not there. (0 / 1)" in details(
        findings
    )
