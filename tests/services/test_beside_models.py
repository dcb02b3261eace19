"""What a project's models do when they are read and saved has no part: cells are what the database holds, nobody is called."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db.models import signals

from backups.contents import Contents
from backups.engines.base import Engine
from backups.recovery import Request
from backups.services.failure import typed_name
from backups.services.recover import recover_rows
from backups.services.replace import replace_database
from backups.services.restore import restore_backup
from backups.services.verify import verify_backup
from tests.databases import Server, database, registered
from tests.services.helpers import back_up
from tests.verification.rebuilding import rebuilt
from tests.yard import back_up as archive
from tests.yard import execute, new_repository, restored
from tests.zoo.custom_fields import CIPHER_PREFIX
from tests.zoo.models import Encrypted

SIGNALS = (
    "pre_init",
    "pre_save",
    "post_save",
    "pre_delete",
    "post_delete",
    "m2m_changed",
    "pre_migrate",
    "post_migrate",
)


@contextmanager
def listening() -> Iterator[list[str]]:
    """Hear what is sent for any model or application but our own, and Django's note of a migration that was run."""
    heard: list[str] = []

    def hear(sender: Any, signal: Any, **sent: Any) -> None:
        label = getattr(getattr(sender, "_meta", sender), "label", "")
        if not str(label).startswith(("backups.", "migrations.Migration")):
            heard.append(f"{names[id(signal)]} of {label}")

    names = {id(getattr(signals, name)): name for name in SIGNALS}
    for name in SIGNALS:
        getattr(signals, name).connect(hear, weak=False)
    try:
        yield heard
    finally:
        for name in SIGNALS:
            getattr(signals, name).disconnect(hear)


def test_an_encrypted_field_is_backed_up_and_restored_as_its_ciphertext(server: Server, tmp_path: Path) -> None:
    with database(server, zoo=True) as engine:
        repository = new_repository(tmp_path)
        committed = archive(engine, repository)
        contents = Contents(repository, committed.manifest)
        (entry,) = (entry for entry in committed.manifest.tables if entry.table.name == Encrypted._meta.db_table)
        lines = list(contents.lines(entry))
        assert len(lines) == Encrypted.objects.using(engine.alias).count() > 3
        assert sum(f'"{CIPHER_PREFIX}'.encode() in line for line in lines) == len(lines) - 1  # one is NULL
        assert not any(b"a secret" in line for line in lines)
        with restored(engine, repository, committed) as (_, copy), registered(copy.settings) as alias:
            said = [
                list(Encrypted.objects.using(at).order_by("pk").values_list("secret")) for at in (engine.alias, alias)
            ]
            assert said[0] == said[1] and ("a secret",) in said[0]


def test_nobody_is_called_by_a_backup_a_proof_or_a_restore(any_yard: Engine) -> None:
    with listening() as heard:
        back_up(any_yard)
        verify_backup(any_yard.alias)
        target = any_yard.at(f"{Path(any_yard.name).stem}_copy")
        try:
            restore_backup(any_yard.alias, to=target.name)
        finally:
            target.drop()
        execute(any_yard, "DELETE FROM shop_order WHERE id = 1")
        recover_rows(any_yard.alias, "latest", Request("shop.order", ("1",)))
        done = replace_database(any_yard.alias, confirm=typed_name(any_yard))
        any_yard.at(done.kept).drop()
    assert heard == []


def test_nobody_is_called_by_a_move_through_the_migrations(any_yard: Engine, sqlite: Server, tmp_path: Path) -> None:
    execute(any_yard, "DROP TABLE readings")  # no migration makes it
    with database(sqlite) as server, listening() as heard, rebuilt(any_yard, server, tmp_path):
        pass
    assert heard == []
