"""The contract of a loader: a restored database is the same, and what does not go in is named."""

from collections.abc import Iterator

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connections

from backups.engines.base import Engine
from backups.exceptions import RestoreError
from backups.rows import Cell, Decoder
from tests.databases import Server, registered
from tests.engines.dumps import Dump, assert_same, changed, dump, execute, fetch, referenced, restore

FAMILY = (
    "CREATE TABLE parent (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(40) NOT NULL, n INTEGER CHECK (n > 0))",
    "CREATE TABLE child (id INTEGER NOT NULL PRIMARY KEY, parent INTEGER, FOREIGN KEY (parent) REFERENCES parent (id))",
    "INSERT INTO parent VALUES (1, 'one', 1), (2, 'two', 2)",
    "INSERT INTO child VALUES (7, 1), (8, NULL)",
)


class Restoring:
    """Facts of a loader."""

    # Statements before and after one that breaks a foreign key.
    unchecked: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    # Statements that make a trigger, which notes the id of each new parent in the table journal.
    trigger: tuple[str, ...] = ()

    @pytest.fixture
    def target(self, request: pytest.FixtureRequest, server: Server) -> Iterator[Engine]:
        """A database that is not there yet; dropped at the end."""
        source = "zoo_database" if "zoo_database" in request.fixturenames else "engine"
        engine: Engine = request.getfixturevalue(source)
        target = engine.at(server.new_name("restored"))
        yield target
        target.drop()

    @pytest.mark.slow
    def test_a_restored_zoo_is_the_same(self, zoo_database: Engine, target: Engine) -> None:
        expected = dump(zoo_database)
        restore(expected, target)
        assert_same(expected, dump(target), zoo_database)
        with target.snapshot() as snapshot:
            for table in snapshot.tables():
                assert referenced(snapshot, table) == expected.lines[table.qualified], table.qualified

    @pytest.mark.slow
    def test_a_restored_zoo_restores_to_the_same_once_more(
        self, zoo_database: Engine, target: Engine, server: Server
    ) -> None:
        restore(dump(zoo_database), target)
        again = zoo_database.at(server.new_name("again"))
        try:
            expected = dump(target)
            restore(expected, again)
            assert_same(expected, dump(again), zoo_database)
        finally:
            again.drop()

    def test_a_table_without_a_key_keeps_its_duplicates(self, engine: Engine, target: Engine) -> None:
        execute(engine, "CREATE TABLE loose (a INTEGER, b VARCHAR(40))")
        execute(engine, "INSERT INTO loose VALUES (1, 'x'), (NULL, NULL), (1, 'x'), (NULL, NULL), (1, 'y')")
        expected = dump(engine)
        restore(expected, target)
        assert_same(expected, dump(target), engine)

    def test_a_counter_keeps_its_high_water_mark(self, engine: Engine, target: Engine) -> None:
        self._content_types(engine, "first", "second", "third")
        execute(engine, "DELETE FROM django_content_type WHERE id > 1")
        expected = dump(engine)
        restore(expected, target)
        assert dump(target).sequences == expected.sequences
        with registered(target.settings) as alias:
            assert ContentType.objects.using(alias).create(app_label="zoo", model="fourth").pk == 4

    def test_a_counter_that_gave_out_nothing_yet_begins_at_one(self, engine: Engine, target: Engine) -> None:
        self._content_types(engine)
        restore(dump(engine), target)
        with registered(target.settings) as alias:
            assert ContentType.objects.using(alias).create(app_label="zoo", model="first").pk == 1

    @staticmethod
    def _content_types(engine: Engine, *names: str) -> None:
        with connections[engine.alias].schema_editor() as editor:
            editor.create_model(ContentType)
        for name in names:
            ContentType.objects.using(engine.alias).create(app_label="zoo", model=name)

    def test_a_row_that_comes_twice_is_named(self, engine: Engine, target: Engine) -> None:
        family = self._family(engine)
        lines = family.lines[family.table("parent").qualified]
        lines.append(lines[0])
        self._assert_refused(family, target, "parent", "1")

    @pytest.mark.parametrize(
        ("table", "key", "column", "cell"),
        [
            pytest.param("parent", "2", "name", None, id="NULL where none may be"),
            pytest.param("parent", "2", "n", "-1", id="a CHECK that fails"),
            pytest.param("parent", "2", "n", '"two"', id="a value of another kind"),
            pytest.param("child", "7", "parent", "99", id="a foreign key to nothing"),
        ],
    )
    def test_a_row_that_does_not_go_in_is_named(
        self, engine: Engine, target: Engine, table: str, key: str, column: str, cell: Cell
    ) -> None:
        family = self._family(engine)
        self._change(family, table, key, column, cell)
        self._assert_refused(family, target, table, key)

    def test_rows_that_a_unique_index_refuses_are_said_to_be_of_its_table(self, engine: Engine, target: Engine) -> None:
        family = self._family(engine, "CREATE UNIQUE INDEX parent_names ON parent (name)")
        self._change(family, "parent", "2", "name", "one")
        error = self._refused(family, target)
        assert "parent" in str(error)

    def test_an_orphan_of_the_source_is_accepted(self, engine: Engine, target: Engine) -> None:
        self._family(engine)
        before, after = self.unchecked
        execute(engine, *before, "INSERT INTO child VALUES (9, 55), (10, 56)", *after)
        expected = dump(engine)
        assert [(found.columns, found.rows) for found in expected.orphans] == [(("parent",), 2)]
        restore(expected, target)
        assert_same(expected, dump(target), engine)

    def test_a_trigger_does_not_run_while_rows_are_loaded_and_does_afterwards(
        self, engine: Engine, target: Engine
    ) -> None:
        self._family(engine, "CREATE TABLE journal (id INTEGER)", *self.trigger)
        execute(engine, "INSERT INTO parent VALUES (5, 'five', 5)")
        expected = dump(engine)
        restore(expected, target)
        assert_same(expected, dump(target), engine)
        with registered(target.settings) as alias:
            copy = type(engine)(alias, target.settings)
            execute(copy, "INSERT INTO parent VALUES (6, 'six', 6)")
            assert [tuple(row) for row in fetch(copy, "SELECT id FROM journal ORDER BY id")] == [(5,), (6,)]

    @staticmethod
    def _family(engine: Engine, *more: str) -> Dump:
        execute(engine, *FAMILY, *more)
        return dump(engine)

    @staticmethod
    def _change(family: Dump, name: str, key: str, column: str, cell: Cell) -> None:
        """Change one value in the lines of a dump."""
        table = family.table(name)
        lines = family.lines[table.qualified]
        (at,) = [i for i, line in enumerate(lines) if Decoder(table).decode(line)[0] == key]
        lines[at] = changed(table, lines[at], **{column: cell})

    @staticmethod
    def _refused(family: Dump, target: Engine) -> RestoreError:
        with pytest.raises(RestoreError) as caught:
            restore(family, target)
        assert str(caught.value).endswith(".")
        return caught.value

    def _assert_refused(self, family: Dump, target: Engine, table: str, key: str) -> None:
        error = self._refused(family, target)
        assert (error.table.rpartition(".")[2], error.key) == (table, key)
        assert table in str(error)
        assert key in str(error)
