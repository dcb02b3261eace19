"""What only MariaDB has, and what is awkward about it, is read exactly and comes back."""

from collections.abc import Iterator

import pytest

from backups.engines.base import Engine
from backups.engines.mysql import reading
from backups.exceptions import SourceError, UnreadableValue
from backups.facts import Key, Span
from backups.rows import Decoder, Exact
from backups.tables import Table
from tests.databases import Server, database
from tests.engines.dumps import Dump, assert_same, dump, execute, named, referenced, restore
from tests.engines.mysql import own

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def menagerie(mysql: Server) -> Iterator[Engine]:
    """A database of everything odd, which the tests only read."""
    with database(mysql) as engine:
        version = dump(engine).facts.properties["product"]
        if version != "MariaDB":
            pytest.skip("MySQL has little of this")
        execute(engine, *own.EVERYTHING)
        yield engine


@pytest.fixture(scope="module")
def expected(menagerie: Engine) -> Dump:
    """All of it, dumped."""
    return dump(menagerie)


def cells(found: Dump, table: str, key: int) -> dict[str, object]:
    """Return the cells of one row by column."""
    one = found.table(table)
    (row,) = [row for row in map(Decoder(one).decode, found.lines[table]) if row[0] == str(key)]
    return {column.name: cell for column, cell in zip(one.columns, row, strict=True)}


def test_both_ways_of_reading_agree(menagerie: Engine) -> None:
    with menagerie.snapshot() as snapshot:
        for table in snapshot.tables():
            assert list(snapshot.lines(table)) == referenced(snapshot, table), table.name


def test_it_comes_back(menagerie: Engine, expected: Dump, server: Server) -> None:
    target = menagerie.at(server.new_name("restored"))
    try:
        restore(expected, target)
        assert_same(expected, dump(target), menagerie)
        again = menagerie.at(server.new_name("again"))
        try:
            restore(dump(target), again)
            assert_same(expected, dump(again), menagerie)
        finally:
            again.drop()
    finally:
        target.drop()


def test_pages_and_spans_are_cut_anywhere(menagerie: Engine, expected: Dump, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_FEWEST", 2)
    monkeypatch.setattr(reading, "_MOST", 2)
    with menagerie.snapshot() as snapshot:
        for table in snapshot.tables():
            lines = expected.lines[table.name]
            assert list(snapshot.lines(table)) == lines == referenced(snapshot, table), table.name
            for step in (1, 2, 3):
                for span, part in _cut(table, lines, step):
                    assert list(snapshot.lines(table, span)) == part, (table.name, span)
                    assert list(snapshot.rows(table, span)) == list(map(Decoder(table).decode, part))


def _cut(table: Table, lines: list[bytes], step: int) -> Iterator[tuple[Span, list[bytes]]]:
    if table.key:
        rows = [dict(zip((c.name for c in table.columns), Decoder(table).decode(line), strict=True)) for line in lines]
        ends: list[Key] = [tuple(row[name] for name in table.key) for row in rows[step - 1 :: step]]  # type: ignore[misc]
        for i, (after, upto) in enumerate(zip([None, *ends], [*ends, None], strict=True)):
            yield Span(after, upto), lines[i * step : (i + 1) * step]


def test_two_readings_may_take_turns(menagerie: Engine) -> None:
    with menagerie.snapshot() as snapshot:
        for table in snapshot.tables():
            both = list(
                zip(
                    snapshot.lines(table),
                    map(Decoder(table).decode, snapshot.lines(table)),
                    snapshot.rows(table),
                    strict=True,
                )
            )
            assert [decoded for _, decoded, _ in both] == [row for *_, row in both]
            assert len(both) == snapshot.count(table)


def test_what_is_not_held_or_not_covered_is_named(menagerie: Engine) -> None:
    with menagerie.snapshot() as snapshot:
        found = {(one.kind, one.name): one for one in snapshot.uncovered()}
    assert set(found) == {
        ("table", "merged"),
        ("snapshot", "in_myisam"),
        ("snapshot", "in_aria"),
        ("history", "versioned"),
        ("view", "broken"),
        ("event", "nightly"),
    }
    assert found["history", "versioned"].rows == 2


def test_a_counter_of_its_own_is_kept_past_what_it_may_have_given_out(expected: Dump) -> None:
    assert {one.name: (one.value, one.called) for one in expected.sequences if not one.table} == {
        "counter": (150, False),
        "downwards": (-1, False),
    }


def test_impossible_moments_are_kept_as_they_are(expected: Dump) -> None:
    assert cells(expected, "moments", 0) == {
        "id": "0",
        "t": Exact({"text": "24:00:00"}),
        "t3": Exact({"text": "-00:00:00.001"}),
        "d": Exact({"text": "0000-00-00 00:00:00"}),
        "d6": Exact({"text": "2026-02-31 00:00:00.000000"}),
        "s": Exact({"text": "0000-00-00 00:00:00.00"}),
        "a": Exact({"text": "2026-00-10"}),
    }
    assert cells(expected, "moments", 1) == {
        "id": "1",
        "t": Exact({"text": "838:59:59"}),
        "t3": Exact({"text": "100:00:00.500"}),
        "d": "1000-01-01T00:00:00.000000",
        "d6": "9999-12-31T23:59:59.999999",
        "s": "1970-01-01T00:00:01.250000",
        "a": "0001-01-01",
    }


def test_each_kind_is_the_types_own(expected: Dump) -> None:
    kinds = {column.name: column.kind for column in expected.table("own_types").columns}
    assert kinds == {
        **{"u": "uuid", "i": "inet", "i4": "inet", "m": "integer", "z": "integer", "b1": "integer", "b64": "integer"},
        **{"dz": "decimal", "g": "native", "y": "integer"},
    }


def test_only_a_key_that_orders_rows_by_their_values_is_one(expected: Dump) -> None:
    assert expected.table("enum_key").key == ()
    assert expected.table("chk").key == ()
    assert expected.table("per").key == ()
    assert expected.table("wide").key == ("c150", "c3")
    assert expected.table("sjis_key").key == ("k",)


def test_every_object_is_a_statement_of_its_own(expected: Dump) -> None:
    found = {(one.kind, one.table, one.name) for one in expected.schema.statements()}
    assert {
        ("sequence", "", "counter"),
        ("index", "indexed", "ft"),
        ("index", "gen", "b"),
        ("check", "chk", "c `1"),
        ("foreign key", "child", "fk_s"),
        ("view", "", "of_function"),
        ("trigger", "parent", "tr 2"),
        ("function", "", "f1"),
        ("procedure", "", "p1"),
        ("event", "", "nightly"),
    } <= found
    assert not [one for one in expected.schema.statements() if "DEFINER=" in one.sql or "AUTO_INCREMENT=" in one.sql]


def test_a_text_that_unicode_does_not_have_is_refused_by_name(engine: Engine) -> None:
    execute(
        engine,
        "CREATE TABLE notes (id int PRIMARY KEY, body varchar(10) CHARSET sjis)",
        "INSERT INTO notes VALUES (1, 'a')",
    )
    execute(engine, own.LENIENT, "INSERT INTO notes VALUES (7, X'8145'), (8, X'ED40')")
    with engine.snapshot() as snapshot:
        table = named(snapshot.tables(), "notes")
        with pytest.raises(UnreadableValue, match=r"notes, primary key \d, column body") as caught:
            list(snapshot.lines(table))
        with pytest.raises(UnreadableValue) as again:
            list(snapshot.rows(table))
    assert str(caught.value) == str(again.value)
    assert isinstance(caught.value, SourceError)
