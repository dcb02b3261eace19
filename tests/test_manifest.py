"""The manifest: canonical bytes, and refusal of what a newer version wrote."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from backups.chain import Gap, Head
from backups.exceptions import FormatUnknown, ObjectDamaged
from backups.facts import EngineFacts, Origin, Orphans, Uncovered
from backups.manifest import Entry, Manifest, Page, Slice, Stored, TableEntry, decode_entries, encode_entries
from backups.rows import Exact
from backups.schema import Sequence
from backups.tables import Column, Table

TABLE = Table("order", "shop.order", (Column("id", "integer", "bigint", "id", False),), ("id",), ("id",), "public")
ENTRY = Entry("ab" * 32, "chunks/ab/x", 100, 50, "cd" * 32, 3, ("1",), (Exact({"text": "infinity"}),))
PAGE = Page("ab" * 32, "pages/ab/x", 100, 50, "cd" * 32, 1, 3, 100, 50, ("1",), ("3",))
MANIFEST = Manifest(
    "repository", "20261122T164315Z-3f9a2c", 7, datetime(2026, 11, 22, 16, 43, 15, 123456, UTC), "default",
    Origin("postgresql", "shop", "7"), EngineFacts("postgresql", "15.1", {"encoding": "UTF8"}, ("citext",)),
    (TableEntry(TABLE, 3, 10, (ENTRY,)), TableEntry(replace(TABLE, name="paged"), 3, 10, (), (PAGE,)),
     TableEntry(replace(TABLE, name="small"), 3, slice=Slice(0, 1, 2, "e"))),
    heads=(Head(6, "digest"),), gaps=(Gap(1, 2, "", "d"),), shared=(ENTRY,), sequences=(Sequence("s", 5, False),),
    parts={"schema": Stored("a", "b", 1, 2, "c")}, orphans=(Orphans("t", ("c",), "p", 4),),
    uncovered=(Uncovered("rows", "t", "why", 5),), warnings=("careful",),
)  # fmt: skip


def test_bytes_are_canonical_and_read_back():
    data = MANIFEST.to_bytes()
    assert Manifest.from_bytes("name", data) == MANIFEST
    assert Manifest.from_bytes("name", data).to_bytes() == data


def test_keys_that_a_newer_writer_added_are_ignored():
    data = msgspec.json.decode(MANIFEST.to_bytes())
    assert Manifest.from_bytes("name", msgspec.json.encode({**data, "novelty": 1})) == MANIFEST


@pytest.mark.parametrize("newer", [{"format": 2}, {"row_format": 2}, {"requires": ("patches",)}])
def test_what_needs_a_newer_reader_is_refused(newer):
    with pytest.raises(FormatUnknown, match=r"version|patches"):
        Manifest.from_bytes("name", replace(MANIFEST, **newer).to_bytes())


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"format":1,"row_format":1}', MANIFEST.to_bytes()[:-1]])
def test_what_is_no_manifest_is_damage(data):
    with pytest.raises(ObjectDamaged):
        Manifest.from_bytes("name", data)


def test_pages_read_back_and_what_is_none_is_damage():
    assert decode_entries("name", encode_entries((ENTRY, ENTRY))) == (ENTRY, ENTRY)
    with pytest.raises(ObjectDamaged):
        decode_entries("name", b'[{"id":1}]')
