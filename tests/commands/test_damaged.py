"""Damage in storage: the proof names the object and what it costs, a restore is refused and leaves nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from backups.contents import Contents
from backups.manifest import Manifest, Stored
from tests.commands.site import Site

SMALL = """
from backups.chunks import Limits
from backups.services.backup import create_backup
create_backup("default", limits=Limits(target=4096, largest=32768, small_table=2048, page=4))
"""


@pytest.fixture(scope="module")
def _paged(_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A backup whose chunks are small, so that a large table's lie in pages."""
    made = _site.copy(tmp_path_factory.mktemp("paged") / "site")
    made.manage("shell", "--command", SMALL).fine()
    return made


@pytest.fixture
def paged(_paged: Site, tmp_path: Path) -> Site:
    return _paged.copy(tmp_path / "site")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def newest(site: Site) -> Manifest:
    repository = site.repository()
    return repository.read_manifest(repository.find("latest").name).manifest


def part(site: Site, name: str) -> Stored:
    return newest(site).parts[name]


def page(site: Site) -> Stored:
    return newest(site).table("shop_order").pages[1]


def chunk(site: Site) -> Stored:
    entries = Contents(site.repository(), newest(site)).entries(newest(site).table("shop_order"))
    return list(entries)[-1]


def shared_chunk(site: Site) -> Stored:
    return newest(site).shared[0]


def schema(site: Site) -> Stored:
    return part(site, "schema")


def place(site: Site, stored: Stored) -> Path:
    return site.storage / "default" / stored.name


COSTS = {chunk: "shop_order", shared_chunk: "django_content_type", page: "shop_order", schema: "(schema)"}
RECORDS = ("site.sqlite3", "storage/default/events", "storage/default/damaged")


@pytest.mark.parametrize(
    ("which", "damage"),
    [(chunk, flip), (chunk, remove), (chunk, empty), (shared_chunk, flip), (page, cut), (page, remove), (schema, flip)],
)
def test_a_damaged_object_is_named_with_what_it_costs(
    paged: Site, which: Callable[[Site], Stored], damage: Callable[[Path], None]
) -> None:
    victim = place(paged, which(paged))
    damage(victim)
    before = paged.tree(*RECORDS)
    proof = paged.manage("verify_backup", "--json").found(victim.name, "It costs: ", COSTS[which])
    wrong = [line for line in proof.json["checks"] if line["status"] == "failed"]
    assert [(line["name"], line["actual"] == "missing") for line in wrong] == [("stored", damage is remove)]
    assert {line["status"] for line in proof.json["checks"] if line["name"] in ("restore", "content")} == {"skipped"}
    paged.manage("restore_db", "--to=restored").refused(victim.name)
    assert paged.tree(*RECORDS) == before


@pytest.mark.parametrize("name", ["witness", "migrations"])
def test_without_what_proves_it_a_restore_is_refused(backed_up: Site, name: str) -> None:
    victim = place(backed_up, part(backed_up, name))
    remove(victim)
    before = backed_up.tree(*RECORDS)
    backed_up.manage("verify_backup", "--level=stored").found(victim.name, f"It costs: ({name})")
    backed_up.manage("restore_db", "--to=restored").refused("is not what the backup recorded", victim.name)
    assert backed_up.tree(*RECORDS) == before


def test_without_the_texts_of_migrations_it_restores_and_the_proof_misses_them(backed_up: Site) -> None:
    remove(place(backed_up, part(backed_up, "sources")))
    backed_up.manage("verify_backup").found("It costs: (sources)")
    backed_up.manage("restore_db", "--to=restored").fine()


@pytest.mark.parametrize("damage", [flip, cut, empty])
def test_a_damaged_manifest_is_named_and_the_backup_before_it_restores(
    backed_up: Site, damage: Callable[[Path], None]
) -> None:
    backed_up.manage("backup_db").fine()
    first, second = backed_up.backups()
    damage(backed_up.storage / "default" / "backups" / f"00000002-{second}")
    proof = backed_up.manage("verify_backup", "--json").found(f"00000002-{second} is damaged")
    failed = {line["name"] for line in proof.json["checks"] if line["status"] == "failed"}
    assert failed == {"signature"} and proof.json["backup"] == second
    backed_up.manage("restore_db", "--to=restored").refused(f"00000002-{second} is damaged")
    assert not (backed_up.folder / "restored.sqlite3").exists()
    backed_up.manage("restore_db", first, "--to=restored").fine()


def test_a_damaged_newest_manifest_never_stops_a_backup(backed_up: Site) -> None:
    backed_up.manage("backup_db").fine()
    flip(backed_up.storage / "default" / "backups" / f"00000002-{backed_up.backups()[1]}")
    done = backed_up.manage("backup_db", "--json").found("is damaged", "verify_backup tells what is lost")
    third = backed_up.backups()[2]
    assert done.json["id"] == third
    names = [path.name for path in sorted((backed_up.storage / "default" / "backups").iterdir())]
    assert names[2] == f"00000003-{third}"
    backed_up.manage("verify_backup", third, "--json").found("is damaged")
    backed_up.manage("restore_db", third, "--to=restored").fine()


def test_a_removed_backup_is_missed(backed_up: Site) -> None:
    backed_up.manage("backup_db").fine()
    backed_up.manage("backup_db").fine()
    _, second, _ = backed_up.backups()
    remove(backed_up.storage / "default" / "backups" / f"00000002-{second}")
    done = backed_up.manage("verify_backup", "--level=signature", "--json").found("Backup number 2 was removed")
    assert done.json["status"] == "failed"


def test_an_object_of_a_newer_format_is_refused_by_every_verb(backed_up: Site) -> None:
    manifest = backed_up.storage / "default" / "backups" / f"00000001-{backed_up.backups()[0]}"
    manifest.write_bytes(manifest.read_bytes().replace(b"lifeboat manifest 1 ", b"lifeboat manifest 2 ", 1))
    before = backed_up.tree("site.sqlite3")
    for command in (("backup_db",), ("verify_backup",), ("restore_db", "--to=restored")):
        backed_up.manage(*command).refused("is of format version 2; this version reads up to 1", "django-lifeboat")
    assert backed_up.tree("site.sqlite3") == before


def test_a_repository_of_a_newer_format_is_refused_by_every_verb(backed_up: Site) -> None:
    root = backed_up.storage / "default" / "repository.json"
    root.write_text(root.read_text().replace('"format": 1', '"format": 7'))
    before = backed_up.tree()
    for command in (("backup_db",), ("verify_backup",), ("restore_db", "--to=restored"), ("sync_backups",)):
        backed_up.manage(*command).refused("The repository is of format version 7; this version reads up to 1")
    assert backed_up.tree() == before


def test_a_repository_that_lost_its_root_is_not_begun_anew(backed_up: Site) -> None:
    remove(backed_up.storage / "default" / "repository.json")
    before = backed_up.tree()
    for command in (("backup_db",), ("verify_backup",), ("restore_db", "--to=restored")):
        backed_up.manage(*command).refused("repository.json is missing", "Put it back")
    assert backed_up.tree() == before
