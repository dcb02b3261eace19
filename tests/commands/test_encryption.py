"""Encryption as people meet it: a server that cannot read its backups, and another host that restores them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backups.repository.age import PASSPHRASE
from tests.commands.site import ROOT, Site
from tests.identities import Identity, age_identity, protected_identity, ssh_identity

# The child takes the terminal that it is given as its own, since a passphrase is asked for there and nowhere else.
ON_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.executable, "
    "[sys.executable, *sys.argv[1:]])"
)


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return age_identity(tmp_path)


@pytest.fixture
def server(site: Site, identity: Identity) -> Site:
    """A site whose backups are for one recipient, with one of them taken."""
    site.settings["BACKUPS"] = {"SIGNING_KEY": "one", "RECIPIENTS": [identity.public]}
    site.manage("backup_db").fine()
    return site


def elsewhere(server: Site, identity: Identity) -> Site:
    """The same project on another host: the storage and an identity, and no database."""
    there = server.copy(server.folder.with_name("elsewhere"))
    there.database.unlink()
    there.settings["BACKUPS"]["IDENTITY_FILE"] = str(identity.path)
    return there


def test_a_server_without_an_identity_does_all_that_it_needs_to(server: Site) -> None:
    server.manage("backup_db", "--verify=stored").fine()
    assert len(server.manage("list_backups", "--json").fine().json) == 2
    done = server.manage("verify_backup", "--all", "--level=stored").fine()
    assert "encrypted for others" in " ".join(done.out.split())
    server.manage("sync_backups").fine()
    before = server.tree("site.sqlite3")
    refusal = ("names no identity that could open it", "IDENTITY_FILE", "--level stored")
    for command in (("verify_backup",), ("restore_db", "--to=restored"), ("rotate_recipients",)):
        server.manage(*command).refused(*refusal)
    assert server.tree("site.sqlite3") == before
    server.manage("drill_db").refused(*refusal)
    assert len(server.backups()) == 3


@pytest.mark.parametrize("kind", ["age", "ssh"])
def test_another_host_restores_without_a_source_database(site: Site, tmp_path: Path, kind: str) -> None:
    key = age_identity(tmp_path) if kind == "age" else ssh_identity(tmp_path)
    site.settings["BACKUPS"] = {"SIGNING_KEY": "one", "RECIPIENTS": [age_identity(tmp_path, "x").public, key.public]}
    site.manage("backup_db").fine()
    there = elsewhere(site, key)
    proof = there.manage("verify_backup", "--json").fine().json
    assert proof["status"] == "passed" and {check["name"] for check in proof["checks"]} >= {"keys", "content"}
    there.manage("restore_db", "--to", str(there.database)).fine()
    assert there.manage("verify_backup").fine()
    assert there.manage("check", "--tag=backups").status == 0


def test_a_passphrase_comes_from_the_environment(server: Site, tmp_path: Path, monkeypatch) -> None:
    key = protected_identity(tmp_path, "open sesame")
    server.settings["BACKUPS"]["RECIPIENTS"].append(key.public)
    server.manage("backup_db").fine()
    there = elsewhere(server, key)
    there.manage("verify_backup").refused("protected by a passphrase", "no terminal", PASSPHRASE)
    monkeypatch.setenv(PASSPHRASE, "wrong")
    done = there.manage("verify_backup").refused("The passphrase does not open the identity file", str(key.path))
    assert "wrong" not in done.err
    monkeypatch.setenv(PASSPHRASE, "open sesame")
    there.manage("verify_backup").fine()


def on_terminal(site: Site, typed: str, *arguments: str) -> tuple[int, str, str]:
    """Run manage.py at a terminal, type a line when it asks; return status, standard output, and what the terminal shows."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL, str(ROOT / "manage.py"), *arguments],
        cwd=ROOT,
        env={**site.environment(), "TERM": "dumb"},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
        text=True,
    )
    os.close(theirs)
    shown = ""
    try:
        while "Passphrase of" not in shown:
            shown += os.read(ours, 1024).decode()
        os.write(ours, f"{typed}\n".encode())
        out, _ = process.communicate(timeout=100)
        shown += os.read(ours, 65536).decode()
    except OSError:
        out = ""  # the terminal is gone with the process
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return process.returncode, out, shown


def test_a_passphrase_is_asked_for_at_the_terminal(server: Site, tmp_path: Path) -> None:
    key = protected_identity(tmp_path, "open sesame")
    server.settings["BACKUPS"]["RECIPIENTS"].append(key.public)
    server.manage("backup_db").fine()
    there = elsewhere(server, key)
    status, out, shown = on_terminal(there, "open sesame", "verify_backup", "--json")
    assert status == 0 and '"status": "passed"' in out
    assert shown.count("Passphrase of") == 1 and "open sesame" not in shown + out


def rotated(site: Site, *arguments: str) -> Any:
    return site.manage("rotate_recipients", "--json", *arguments).json


def test_recipients_are_rotated(server: Site, identity: Identity, tmp_path: Path) -> None:
    new = age_identity(tmp_path, "new")
    there = elsewhere(server, identity)
    there.settings["BACKUPS"]["RECIPIENTS"] = [new.public]
    said = there.manage("rotate_recipients").fine().out
    assert "2 keys were wrapped anew, 0 were already" in said and "can still open every backup up to now" in said
    assert new.public in said and identity.public in said
    document = rotated(there)
    assert list(document) == ["database", "recipients", "wrapped", "already", "removed", "problems"]
    assert (document["wrapped"], document["already"], document["removed"]) == (0, 2, [identity.public])
    there.settings["BACKUPS"]["IDENTITY_FILE"] = str(new.path)
    there.manage("verify_backup").fine()
    # Who opens nothing is told so, key by key.
    there.settings["BACKUPS"] |= {
        "RECIPIENTS": [age_identity(tmp_path, "third").public],
        "IDENTITY_FILE": str(age_identity(tmp_path, "strange").path),
    }  # fmt: skip
    there.manage("rotate_recipients").found("could not be wrapped", "wrapped for other recipients")


def test_what_is_no_encrypted_repository_has_nothing_to_rotate(backed_up: Site, identity: Identity) -> None:
    backed_up.manage("rotate_recipients").refused("nobody to wrap keys to", "Nothing was changed")
    backed_up.settings["BACKUPS"]["RECIPIENTS"] = [identity.public]
    backed_up.manage("rotate_recipients").refused("is encrypted. Nothing was changed", "The next backup is")


def test_encryption_is_turned_on_and_not_off_by_mistake(backed_up: Site, identity: Identity) -> None:
    backed_up.settings["BACKUPS"] = {"RECIPIENTS": [identity.public], "IDENTITY_FILE": str(identity.path)}
    backed_up.manage("backup_db", "--verify=restore").fine()
    backed_up.manage("verify_backup", "--all").fine()
    backed_up.settings["BACKUPS"] = {}
    before = backed_up.backups()
    backed_up.manage("backup_db").refused("are encrypted, and BACKUPS['RECIPIENTS'] is empty", "another, empty place")
    assert backed_up.backups() == before
    backed_up.manage("restore_db", before[0], f"--to={backed_up.folder / 'plain.sqlite3'}").fine()
