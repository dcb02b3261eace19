"""The contents of a backup are read whole or not at all: slices, chunks and pages in order, each count and digest checked."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from backups.chunks import split_lines
from backups.contents import Contents
from backups.exceptions import ObjectDamaged, ObjectMissing
from backups.facts import EngineFacts, Origin
from backups.manifest import Entry, Manifest, Page, Slice, Stored, TableEntry, encode_entries
from backups.repository import Repository
from backups.tables import Column, Table
from tests.yard import new_repository, path_of

RUN = "20261122T164315Z-3f9a2c"


def line(number: int) -> bytes:
    """Return a line; what parts lines elsewhere than in JSON Lines stands inside it."""
    return f'{{"model":"tables.t","pk":{number},"fields":{{"word":"a\u2028b\x85c"}}}}\n'.encode()


def lines(*numbers: int) -> bytes:
    return b"".join(map(line, numbers))


def table(name: str = "t") -> Table:
    columns = (Column("id", "integer", "integer", "id"), Column("word", "text", "text", "word"))
    return Table(name, f"tables.{name}", columns, ("id",), ("id",))


@pytest.fixture
def repository(tmp_path) -> Repository:
    return new_repository(tmp_path)


@pytest.fixture
def chunk(repository: Repository) -> Callable[..., Entry]:
    """Return a function that stores a chunk of some rows."""

    def put(*numbers: int) -> Entry:
        stored = repository.put("chunk", lines(*numbers), RUN)
        sizes = (stored.bytes, stored.stored_bytes, stored.sha256)
        return Entry(stored.id, stored.name, *sizes, len(numbers), (str(numbers[0]),), (str(numbers[-1]),))

    return put


def page(repository: Repository, *entries: Entry) -> Page:
    stored = repository.put("page", encode_entries(entries), RUN)
    return Page(stored.id, stored.name, stored.bytes, stored.stored_bytes, stored.sha256, entries=len(entries))


def contents(repository: Repository, *tables: TableEntry, shared: tuple[Entry, ...] = (), **more) -> Contents:
    origin, facts = Origin("sqlite", "db"), EngineFacts("sqlite", "3.40")
    now = datetime(2026, 11, 22, tzinfo=UTC)
    manifest = Manifest(repository.id, RUN, 1, now, "default", origin, facts, tables, shared=shared, **more)
    return Contents(repository, manifest)


def slice_of(data: bytes, offset: int, size: int, chunk: int = 0) -> Slice:
    return Slice(chunk, offset, size, hashlib.sha256(data[offset : offset + size]).hexdigest())


def test_chunks_are_read_in_their_order(repository, chunk):
    entry = TableEntry(table(), 4, chunks=(chunk(1, 2), chunk(3), chunk(4)))
    read = contents(repository, entry)
    assert list(read.lines(entry)) == [line(n) for n in (1, 2, 3, 4)]
    assert [part.entry.rows for part in read.chunks(entry)] == [2, 1, 1]


def test_pages_are_read_in_their_order(repository, chunk):
    pages = (page(repository, chunk(1), chunk(2)), page(repository, chunk(3)))
    entry = TableEntry(table(), 3, pages=pages)
    assert list(contents(repository, entry).lines(entry)) == [line(1), line(2), line(3)]


def test_slices_are_cut_out_of_the_chunk_that_they_share(repository, chunk):
    shared, size = chunk(1, 2, 3), len(line(1))
    first = TableEntry(table("first"), 1, slice=slice_of(lines(1, 2, 3), 0, size))
    second = TableEntry(table("second"), 2, slice=slice_of(lines(1, 2, 3), size, 2 * size))
    read = contents(repository, first, second, shared=(shared,))
    assert (list(read.lines(first)), list(read.lines(second))) == ([line(1)], [line(2), line(3)])


def test_a_shared_chunk_is_opened_once_for_the_tables_beside_each_other(repository, chunk):
    shared, size = chunk(1, 2), len(line(1))
    tables = [TableEntry(table(f"t{n}"), 1, slice=slice_of(lines(1, 2), n * size, size)) for n in (0, 1)]
    read = contents(repository, *tables, shared=(shared,))
    assert list(read.lines(tables[0])) == [line(1)]
    path_of(repository, shared.name).unlink()
    assert list(read.lines(tables[1])) == [line(2)]


def test_a_table_without_rows_reads_nothing(repository):
    entry = TableEntry(table(), 0)
    assert list(contents(repository, entry).lines(entry)) == []


@pytest.mark.parametrize(("offset", "size"), [(1, 50), (0, 49), (0, 10_000), (10_000, 10), (-5, 5)], ids=str)
def test_a_slice_that_is_not_there_is_damage(repository, chunk, offset, size):
    good = slice_of(lines(1), 0, len(line(1)))
    entry = TableEntry(table(), 1, slice=replace(good, offset=offset, bytes=size))
    with pytest.raises(ObjectDamaged, match="slice for t does not have its digest"):
        list(contents(repository, entry, shared=(chunk(1),)).lines(entry))


@pytest.mark.parametrize("number", [1, -1])
def test_a_slice_of_a_chunk_that_is_not_named_is_damage(repository, chunk, number):
    entry = TableEntry(table(), 1, slice=slice_of(lines(1), 0, len(line(1)), number))
    with pytest.raises(ObjectDamaged, match="names no shared chunk for t"):
        list(contents(repository, entry, shared=(chunk(1),)).lines(entry))


def test_a_chunk_with_other_rows_than_it_should_is_damage(repository, chunk):
    entry = TableEntry(table(), 3, chunks=(replace(chunk(1, 2), rows=3),))
    with pytest.raises(ObjectDamaged, match="it holds 2 rows instead of 3"):
        list(contents(repository, entry).lines(entry))


def test_a_table_with_other_rows_than_its_chunks_is_damage(repository, chunk):
    entry = TableEntry(table(), 3, chunks=(chunk(1, 2),))
    with pytest.raises(ObjectDamaged, match="it names 2 rows of t but counts 3"):
        list(contents(repository, entry).lines(entry))


def test_what_is_missing_is_told_when_it_is_reached(repository, chunk):
    first, second = chunk(1), chunk(2)
    path_of(repository, second.name).unlink()
    entry = TableEntry(table(), 2, chunks=(first, second))
    read = contents(repository, entry).lines(entry)
    assert next(read) == line(1)
    with pytest.raises(ObjectMissing, match=second.id):
        next(read)


def test_a_page_that_holds_something_else_is_damage(repository):
    stored = repository.put("page", b'{"not": "entries"}', RUN)
    entry = TableEntry(table(), 1, pages=(Page(stored.id, stored.name, 18, stored.stored_bytes, stored.sha256),))
    with pytest.raises(ObjectDamaged, match="it is not a page"):
        list(contents(repository, entry).lines(entry))


def test_a_name_that_leads_elsewhere_is_never_opened(repository, chunk):
    outside = replace(chunk(1), name="../../etc/passwd")
    entry = TableEntry(table(), 1, chunks=(outside,))
    with pytest.raises(ObjectDamaged, match="no name for a chunk"):
        list(contents(repository, entry).lines(entry))


def test_a_chunk_is_not_taken_for_a_page(repository, chunk):
    entry = TableEntry(table(), 1, pages=(Page(*[getattr(chunk(1), name) for name in Stored.__slots__]),))
    with pytest.raises(ObjectDamaged, match="no name for a page"):
        list(contents(repository, entry).lines(entry))


def test_a_part_that_is_not_named_is_damage(repository):
    with pytest.raises(ObjectDamaged, match="names no part 'schema'"):
        contents(repository).schema()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("schema", b"{}"),
        ("schema", b'{"before":[{"kind":1,"name":"t","sql":"CREATE TABLE t (id integer)"}],"after":[]}'),
        ("schema", b'{"before":[],"after":[{"kind":"index","name":"i","sql":null}]}'),
        ("schema", b'{"before":[{"kind":"table","name":"\\ud800","sql":""}],"after":[]}'),
        ("migrations", b'{"applied":[["shop",1]]}'),
        ("migrations", b"[]"),
    ],
)
def test_a_part_of_another_shape_is_damage(repository, name, body):
    part = repository.put("part", body, RUN)
    read = contents(repository, parts={name: part})
    with pytest.raises(ObjectDamaged, match=f"it is not a part '{name}'"):
        read.schema() if name == "schema" else read.applied()


def test_every_object_is_named_with_what_its_loss_would_cost(repository, chunk):
    size = len(line(1))
    small = TableEntry(table("small"), 1, slice=slice_of(lines(1), 0, size))
    large = TableEntry(table("large"), 1, pages=(page(repository, chunk(2)),))
    middle = TableEntry(table("middle"), 1, chunks=(chunk(3),))
    part = repository.put("part", b"{}", RUN)
    read = contents(repository, small, large, middle, shared=(chunk(1),), parts={"schema": part})
    assert [(kind, tables) for kind, _, tables in read.objects()] == [
        ("part", ("(schema)",)),
        ("chunk", ("small",)),
        ("page", ("large",)),
        ("chunk", ("middle",)),
    ]


def test_only_line_feeds_part_the_lines_of_a_chunk(repository, chunk):
    entry = TableEntry(table(), 2, chunks=(chunk(1, 2),))
    (part,) = contents(repository, entry).chunks(entry)
    assert list(part.lines()) == list(split_lines(part.plaintext)) == [line(1), line(2)]
