"""What goes wrong while rows are loaded is named, and what is large goes in all the same."""

import pytest

from backups.engines.base import Engine
from backups.engines.mysql import inserting
from backups.exceptions import RestoreError
from tests.engines.dumps import Dump, assert_same, changed, dump, execute, fetch, referenced, restore
from tests.engines.mysql import own

SMALL = 2000  # bytes of a batch: a hundred rows are several


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a hundred rows loaded in several statements."""
    monkeypatch.setattr(inserting, "_BATCH_BYTES", SMALL)


@pytest.fixture
def family(engine: Engine) -> Dump:
    """Two tables with all that is taken away from a large one while it is filled, and a third without a primary key."""
    hundred = ", ".join(f"({i}, 'name {i}', {i}, 'some text {i}')" for i in range(1, 101))
    children = ", ".join(f"({i}, {i}, 'name {i}')" for i in range(1, 101))
    execute(
        engine,
        """CREATE TABLE parent (id int PRIMARY KEY AUTO_INCREMENT, name varchar(40) NOT NULL, n int, t text,
        UNIQUE KEY by_name (name), UNIQUE KEY by_number (n), FULLTEXT KEY words (t), KEY by_both (n, name),
        CONSTRAINT positive CHECK (n > 0))""",
        """CREATE TABLE child (id int PRIMARY KEY, parent int, name varchar(40),
        CONSTRAINT has_parent FOREIGN KEY (parent) REFERENCES parent (id),
        CONSTRAINT has_name FOREIGN KEY (name) REFERENCES parent (name),
        CONSTRAINT has_self FOREIGN KEY (id) REFERENCES child (id))""",
        "CREATE TABLE loose (a int, b varchar(40), UNIQUE KEY (a))",
        f"INSERT INTO parent VALUES {hundred}",
        own.UNCHECKED,
        f"INSERT INTO child VALUES {children}",
        own.CHECKED,
        "INSERT INTO loose SELECT id, t FROM parent",
    )
    return dump(engine)


def change(found: Dump, table: str, line: int, **cells: str | None) -> None:
    """Change one line of a dump."""
    found.lines[table][line] = changed(found.table(table), found.lines[table][line], **cells)


def refused(found: Dump, target: Engine) -> RestoreError:
    """Restore what must not go in and return what is said of it."""
    with pytest.raises(RestoreError) as caught:
        restore(found, target)
    assert str(caught.value).endswith(".")
    return caught.value


@pytest.mark.usefixtures("batches")
def test_a_large_table_gets_its_indexes_and_constraints_back(engine: Engine, family: Dump, target: Engine) -> None:
    restore(family, target)
    assert_same(family, dump(target), engine)
    checked = f"SELECT count(*) FROM `{target.name}`.child"
    assert [tuple(row) for row in fetch(engine, checked)] == [(100,)]


@pytest.mark.usefixtures("batches")
@pytest.mark.parametrize("line", [0, 55, 99])
@pytest.mark.parametrize(("column", "cell"), [("name", None), ("n", "-1"), ("n", "9999999999"), ("name", "x" * 41)])
def test_a_bad_row_of_a_large_table_is_named(family: Dump, target: Engine, line: int, column: str, cell: str) -> None:
    change(family, "parent", line, **{column: cell})
    error = refused(family, target)
    assert (error.table, error.key) == ("parent", str(line + 1))


@pytest.mark.usefixtures("batches")
@pytest.mark.parametrize("at", [1, 50, 100])
def test_a_row_that_comes_twice_in_a_large_table_is_noticed(family: Dump, target: Engine, at: int) -> None:
    family.lines["parent"].insert(at, family.lines["parent"][0])
    error = refused(family, target)
    assert error.table == "parent"
    assert error.key in ("1", "")


@pytest.mark.usefixtures("batches")
@pytest.mark.parametrize("column", ["name", "n"])
def test_an_equal_value_under_a_unique_index_of_a_large_table_is_noticed(
    family: Dump, target: Engine, column: str
) -> None:
    change(family, "parent", 80, **{column: "name 3" if column == "name" else "3"})
    assert refused(family, target).table == "parent"


@pytest.mark.usefixtures("batches")
def test_an_equal_value_in_a_large_table_without_a_primary_key_is_noticed(family: Dump, target: Engine) -> None:
    change(family, "loose", 80, a="3")
    assert refused(family, target).table == "loose"


@pytest.mark.usefixtures("batches")
def test_a_foreign_key_to_nothing_in_a_large_table_is_named(family: Dump, target: Engine) -> None:
    change(family, "child", 41, parent="4711")
    error = refused(family, target)
    assert (error.table, error.key) == ("child", "42")
    assert "has_parent" in str(error)


@pytest.mark.parametrize("storage", ["MyISAM", "Aria", "InnoDB"])
def test_a_bad_row_is_named_where_those_before_it_stay(engine: Engine, target: Engine, storage: str) -> None:
    execute(
        engine,
        f"CREATE TABLE things (id int PRIMARY KEY, n int NOT NULL) ENGINE={storage}",
        "INSERT INTO things VALUES (1, 1), (2, 2), (3, 3), (4, 4)",
    )
    found = dump(engine)
    found.lines["things"].append(found.lines["things"][2])
    error = refused(found, target)
    assert (error.table, error.key) == ("things", "3")


@pytest.mark.slow
def test_a_row_longer_than_the_server_takes_in_one_statement_goes_in(engine: Engine, target: Engine) -> None:
    ((packet,),) = fetch(engine, "SELECT @@max_allowed_packet")
    size = int(str(packet)) * 5 // 8
    execute(
        engine,
        "CREATE TABLE big (id int PRIMARY KEY, data longblob NOT NULL, body longtext, note varchar(20))",
        "INSERT INTO big VALUES (1, '', '', 'small')",
        f"INSERT INTO big VALUES (2, repeat(X'00', {size}), repeat('é\\'', {size // 3}), 'big')",
        "INSERT INTO big VALUES (3, '', '', 'small')",
    )
    found = dump(engine)
    restore(found, target)
    with target.snapshot() as snapshot:
        (table,) = snapshot.tables()
        assert list(snapshot.lines(table)) == found.lines["big"] == referenced(snapshot, table)


def test_an_enum_takes_only_what_it_names_and_what_it_held(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE TABLE moods (id int PRIMARY KEY, mood enum('good', 'bad'))", own.LENIENT)
    execute(engine, "INSERT INTO moods VALUES (1, 'good'), (2, 'unheard of'), (3, NULL)")
    found = dump(engine)
    restore(found, target)
    assert_same(found, dump(target), engine)
    target.drop()
    change(found, "moods", 0, mood="splendid")
    change(found, "moods", 1, mood="bad")
    error = refused(found, target)
    assert (error.table, error.key) == ("moods", "1")


def test_rows_that_break_a_check_in_the_source_too_come_back_and_no_more(engine: Engine, target: Engine) -> None:
    execute(
        engine,
        "CREATE TABLE stock (id int PRIMARY KEY, n int CHECK (n > 0), m json, CONSTRAINT few CHECK (n < 100))",
        "INSERT INTO stock VALUES (1, 5, '[]'), (2, NULL, NULL), (3, 7, '{}')",
        "SET SESSION check_constraint_checks = 0",
        "INSERT INTO stock VALUES (4, -1, '[]'), (5, 100, 'no JSON')",
        "SET SESSION check_constraint_checks = 1",
    )
    found = dump(engine)
    assert found.facts.properties["rows_that_fail_a_check"] == '{"stock": 2}'
    restore(found, target)
    assert_same(found, dump(target), engine)
    assert dump(target).facts == found.facts
    target.drop()
    change(found, "stock", 0, n="-5")
    assert refused(found, target).table == "stock"
