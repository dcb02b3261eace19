"""The contract of a snapshot: what it reads, in what order, and that it stands still."""

import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from django.db import connections, transaction

from backups.engines.base import BOUNDARIES, Engine
from backups.exceptions import ConfigurationError, SourceChanged, SourceError
from backups.facts import Key, Span
from backups.rows import Decoder
from backups.tables import Table
from tests.databases import Server
from tests.engines.dumps import dump, execute, meanwhile, named, referenced

ACCOUNTS = "CREATE TABLE account (id INTEGER NOT NULL PRIMARY KEY, balance BIGINT NOT NULL)"
LOOSE = "CREATE TABLE loose (a INTEGER, b VARCHAR(40))"


def accounts(engine: Engine, count: int = 20) -> None:
    """Make accounts with a hundred each."""
    rows = ", ".join(f"({number}, 100)" for number in range(1, count + 1))
    execute(engine, ACCOUNTS, f"INSERT INTO account VALUES {rows}")


def key_of(table: Table, line: bytes) -> Key:
    """Return the key of a line, as a chunk's boundary records it."""
    cells = dict(zip((column.name for column in table.columns), Decoder(table).decode(line), strict=True))
    key = tuple(cells[name] for name in table.key)
    assert None not in key
    return key  # type: ignore[return-value]


def spans_between(keys: list[Key]) -> Iterator[Span]:
    """Yield the spans that some keys cut a table into."""
    bounds = [None, *keys, None]
    for after, upto in pairwise(bounds):
        yield Span(after, upto)


class Reading:
    """Facts of a snapshot."""

    truncate = "TRUNCATE TABLE account"

    @pytest.mark.slow
    def test_the_fast_way_writes_what_the_reference_writes(self, zoo_database: Engine) -> None:
        with zoo_database.snapshot() as snapshot:
            for table in snapshot.tables():
                assert list(snapshot.lines(table)) == referenced(snapshot, table), table.qualified

    @pytest.mark.slow
    def test_the_witnesses_of_many_tables_are_those_of_each(self, zoo_database: Engine) -> None:
        with zoo_database.snapshot() as snapshot:
            tables = snapshot.tables()
            assert list(snapshot.witnesses(tables)) == [snapshot.witness(table) for table in tables]

    @pytest.mark.slow
    def test_what_is_expected_is_answered_as_it_is_without_a_word(self, zoo_database: Engine) -> None:
        with zoo_database.snapshot() as snapshot:
            tables = snapshot.tables()
            settled = [table.qualified for table in tables[::2]]
            facts = list(snapshot.witnesses(tables))
            plain = snapshot.orphans(tables), snapshot.orphans(tables, settled)
            snapshot.expect_witnesses(tables)
            snapshot.expect_orphans(tables, settled)
            assert list(snapshot.witnesses(tables)) == facts
            assert (snapshot.orphans(tables), snapshot.orphans(tables, settled)) == plain
            snapshot.expect_witnesses(tables)
            assert [snapshot.witness(table) for table in reversed(tables)] == facts[::-1]

    @pytest.mark.slow
    def test_tables_that_are_read_whole_are_what_is_read_line_by_line(self, zoo_database: Engine) -> None:
        with zoo_database.snapshot() as snapshot:
            tables = snapshot.tables()
            for table, text in zip(tables, snapshot.whole(tables), strict=True):
                assert text in (None, b"".join(snapshot.lines(table))), table.qualified

    @pytest.mark.slow
    def test_every_line_decodes_to_the_cells_that_were_read(self, zoo_database: Engine) -> None:
        with zoo_database.snapshot() as snapshot:
            for table in snapshot.tables():
                decoded = list(map(Decoder(table).decode, snapshot.lines(table)))
                assert decoded == list(snapshot.rows(table)), table.qualified

    @pytest.mark.slow
    def test_every_row_is_counted(self, zoo_database: Engine) -> None:
        with zoo_database.snapshot() as snapshot:
            for table in snapshot.tables():
                lines = list(snapshot.lines(table))
                assert snapshot.count(table) == len(lines) == snapshot.witness(table).rows, table.qualified

    @pytest.mark.slow
    def test_spans_partition_every_table_wherever_they_are_cut(self, zoo_database: Engine) -> None:
        with zoo_database.snapshot() as snapshot:
            for table in (table for table in snapshot.tables() if table.key):
                lines = list(snapshot.lines(table))
                keys = [key_of(table, line) for line in lines]
                for step in (1, 3, 50):
                    spans = list(spans_between(keys[step - 1 :: step]))
                    parts = [list(snapshot.lines(table, span)) for span in spans]
                    expected = [lines[at : at + step] for at in range(0, step * len(spans), step)]
                    assert parts == expected, (table.qualified, step)
                    assert [list(snapshot.rows(table, span)) for span in spans] == [
                        list(map(Decoder(table).decode, part)) for part in parts
                    ]

    @pytest.mark.slow
    def test_spans_that_are_read_whole_are_what_is_read_line_by_line(self, zoo_database: Engine) -> None:
        with zoo_database.snapshot() as snapshot:
            for table in (table for table in snapshot.tables() if table.key):
                lines = list(snapshot.lines(table))
                spans = [Span(), *spans_between([key_of(table, line) for line in lines][2::3])]
                for span, text in zip(spans, snapshot.texts(table, spans, 2**20), strict=True):
                    assert text in (None, b"".join(snapshot.lines(table, span))), (table.qualified, span)

    @pytest.mark.slow
    def test_the_engine_says_where_every_so_many_rows_end(self, zoo_database: Engine) -> None:
        with zoo_database.snapshot() as snapshot:
            for table in (table for table in snapshot.tables() if table.key and snapshot.line_size(table)):
                keys = [key_of(table, line) for line in snapshot.lines(table)]
                for every in (1, 2, 7):
                    assert snapshot.boundaries(table, None, every) == keys[every - 1 :: every][:BOUNDARIES]
                after = keys[len(keys) // 2]
                assert snapshot.boundaries(table, after, 2) == keys[len(keys) // 2 + 1 :][1::2][:BOUNDARIES]

    def test_a_span_may_end_between_rows(self, engine: Engine) -> None:
        execute(engine, ACCOUNTS, "INSERT INTO account VALUES (-5, 1), (0, 1), (7, 1)")
        with engine.snapshot() as snapshot:
            table = named(snapshot.tables(), "account")
            counts = [len(list(snapshot.lines(table, span))) for span in spans_between([("-6",), ("-1",), ("6",)])]
        assert counts == [0, 1, 1, 1]

    def test_rows_come_in_the_order_of_the_key(self, engine: Engine) -> None:
        execute(engine, ACCOUNTS, "INSERT INTO account VALUES (10, 1), (-3, 1), (9, 1), (2147483647, 1), (0, 1)")
        (lines,) = dump(engine).lines.values()
        assert [line.split(b",")[1] for line in lines] == [b'"pk":%d' % key for key in (-3, 0, 9, 10, 2**31 - 1)]

    def test_a_table_without_a_key_keeps_every_row_in_an_order_of_values_alone(self, engine: Engine) -> None:
        rows = ["(1, 'x')", "(NULL, NULL)", "(1, 'x')", "(2, NULL)", "(NULL, 'y')", "(1, 'X')"]
        execute(engine, LOOSE, f"INSERT INTO loose VALUES {', '.join(rows)}")
        forwards = dump(engine)
        execute(engine, "DELETE FROM loose", f"INSERT INTO loose VALUES {', '.join(reversed(rows))}")
        backwards = dump(engine)
        assert forwards.tables[0].key == ()
        assert forwards.lines == backwards.lines
        assert len(forwards.lines[forwards.tables[0].qualified]) == 6
        with engine.snapshot() as snapshot:
            assert list(snapshot.lines(snapshot.tables()[0])) == referenced(snapshot, snapshot.tables()[0])

    def test_a_nullable_key_is_none(self, engine: Engine) -> None:
        execute(
            engine,
            "CREATE TABLE odd (a INTEGER, b VARCHAR(10), UNIQUE (a))",
            "INSERT INTO odd VALUES (NULL, 'x'), (NULL, 'y')",
        )
        found = dump(engine)
        assert found.table("odd").key == ()
        assert len(found.lines[found.table("odd").qualified]) == 2

    def test_an_empty_database_is_read_too(self, engine: Engine) -> None:
        found = dump(engine)
        assert (found.tables, found.sequences, found.orphans) == ([], [], [])

    def test_an_empty_table_is_a_table(self, engine: Engine) -> None:
        execute(engine, ACCOUNTS)
        found = dump(engine)
        assert [table.name for table in found.tables] == ["account"]
        assert list(found.lines.values()) == [[]]

    def test_a_missing_database_is_a_sentence_and_stays_missing(self, engine: Engine, server: Server) -> None:
        missing = engine.at(server.new_name())
        with pytest.raises(SourceError, match=r"\.$"), missing.snapshot():
            pass
        assert not missing.exists()

    def test_a_snapshot_does_not_see_later_writes(self, engine: Engine) -> None:
        accounts(engine)
        with engine.snapshot() as snapshot:
            execute(engine, "INSERT INTO account VALUES (99, 1)", "UPDATE account SET balance = 7 WHERE id = 1")
            table = named(snapshot.tables(), "account")
            lines = list(snapshot.lines(table))
            snapshot.confirm()
            assert lines == referenced(snapshot, table)
        assert len(lines) == 20
        assert all(b'"balance":100' in line for line in lines)

    @pytest.mark.slow
    def test_money_that_moves_meanwhile_is_never_lost_nor_doubled(self, engine: Engine) -> None:
        accounts(engine)
        done, moved = threading.Event(), [0]

        def move() -> None:
            while not done.is_set():
                source, target = moved[0] % 20 + 1, moved[0] * 7 % 20 + 1
                with transaction.atomic(engine.alias), connections[engine.alias].cursor() as cursor:
                    cursor.execute("UPDATE account SET balance = balance - 3 WHERE id = %s", [source])
                    cursor.execute("UPDATE account SET balance = balance + 3 WHERE id = %s", [target])
                moved[0] += 1

        sums, deadline = [], time.monotonic() + 60
        with meanwhile(move, engine) as raised:
            try:
                while len(sums) < 10 or (moved[0] < 20 and time.monotonic() < deadline):
                    with engine.snapshot() as snapshot:
                        table = named(snapshot.tables(), "account")
                        sums.append(sum(int(row[1]) for row in map(Decoder(table).decode, snapshot.lines(table))))  # type: ignore[arg-type]
                        snapshot.confirm()
            finally:
                done.set()
        assert raised == []
        assert set(sums) == {2000}
        assert moved[0] >= 20

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "change", ["truncate", "DROP TABLE account", "ALTER TABLE account ADD COLUMN extra INTEGER DEFAULT 1"]
    )
    def test_a_table_that_changes_meanwhile_is_never_read_as_something_else(self, engine: Engine, change: str) -> None:
        accounts(engine)
        expected = dump(engine).lines
        statement = self.truncate if change == "truncate" else change
        begun = threading.Event()

        def alter() -> None:
            begun.wait(60)
            execute(engine, statement)

        with meanwhile(alter, engine) as raised:
            try:
                with engine.snapshot() as snapshot:
                    table = named(snapshot.tables(), "account")
                    begun.set()
                    time.sleep(0.5)
                    lines = list(snapshot.lines(table))
                    snapshot.confirm()
            except SourceChanged as error:
                assert "account" in str(error)
            else:
                assert {table.qualified: lines} == expected
            finally:
                begun.set()
        assert raised == []

    @pytest.mark.parametrize("names", [["loose"], ["tables.loose"]])
    def test_an_excluded_table_is_left_out_and_named(self, engine: Engine, names: list[str]) -> None:
        accounts(engine)
        execute(engine, LOOSE, "INSERT INTO loose VALUES (1, 'x'), (2, 'y')")
        with engine.snapshot(names) as snapshot:
            assert [table.name for table in snapshot.tables()] == ["account"]
            assert not [s for s in snapshot.schema().statements() if "loose" in (s.name, s.table)]
            (found,) = [found for found in snapshot.uncovered() if "loose" in found.name]
        assert found.rows == 2

    def test_what_refers_to_an_excluded_table_is_refused_with_both_named(self, engine: Engine) -> None:
        execute(
            engine,
            ACCOUNTS,
            "CREATE TABLE entry (id INTEGER NOT NULL PRIMARY KEY, account INTEGER, "
            "FOREIGN KEY (account) REFERENCES account (id))",
        )
        with pytest.raises(ConfigurationError, match=r"(?=.*entry)(?=.*account)"), engine.snapshot(["account"]):
            pass

    def test_a_view_of_an_excluded_table_is_refused_with_both_named(self, engine: Engine) -> None:
        execute(engine, ACCOUNTS, "CREATE VIEW rich AS SELECT id FROM account WHERE balance > 1000")
        with pytest.raises(ConfigurationError, match=r"(?=.*rich)(?=.*account)"), engine.snapshot(["account"]):
            pass

    def test_tables_whose_rows_refer_to_a_table_are_named(self, engine: Engine) -> None:
        reference = "id INTEGER NOT NULL PRIMARY KEY, account INTEGER, FOREIGN KEY (account) REFERENCES account (id)"
        accounts(engine, 2)
        execute(engine, f"CREATE TABLE entry ({reference})", f"CREATE TABLE unused ({reference})")
        execute(engine, "INSERT INTO entry VALUES (1, 2)", "INSERT INTO unused VALUES (1, NULL)")
        with engine.snapshot() as snapshot:
            names = snapshot.referring(named(snapshot.tables(), "account"))
        assert [name.rpartition(".")[2] for name in names] == ["entry"]

    def test_a_witness_tells_of_each_column(self, engine: Engine) -> None:
        execute(engine, ACCOUNTS, LOOSE, "INSERT INTO account VALUES (3, -5), (8, 12)")
        execute(engine, "INSERT INTO loose VALUES (NULL, 'x'), (1, 'y'), (2, NULL)")
        with engine.snapshot() as snapshot:
            account, loose = (snapshot.witness(named(snapshot.tables(), name)) for name in ("account", "loose"))
        assert (account.rows, loose.rows) == (2, 3)
        assert (account.columns["balance"].least, account.columns["balance"].greatest) == ("-5", "12")
        assert (loose.columns["a"].filled, loose.columns["b"].filled) == (2, 2)
