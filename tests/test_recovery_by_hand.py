"""docs/recovery-by-hand.md, done exactly as it says: its programs saved, its commands run, in its order."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backups.engines.base import Engine
from backups.repository import Repository
from tests.catalogue import catalogue  # noqa: F401 (a fixture)
from tests.databases import Server, database
from tests.identities import Identity, age_identity, ssh_identity
from tests.services.helpers import back_up
from tests.yard import build_yard, execute, path_of

PAGE = Path(__file__).resolve().parents[1] / "docs" / "recovery-by-hand.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def _tools() -> None:
    """Skip where a tool is missing, and say so; fail where everything has to be there."""
    missing = [name for name in ("age", "zstd", "bash") if not shutil.which(name)]
    if missing and os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail(f"REQUIRE_SERVERS=1, and there is no {', '.join(missing)}")
    if missing:
        pytest.skip(f"NOT TESTED, no {', '.join(missing)}")


@pytest.fixture
def yard(sqlite: Server, catalogue: Path) -> Any:  # noqa: F811
    with database(sqlite) as engine:
        build_yard(engine)
        yield engine


def follow(home: Path) -> Path:
    """Do what the page says, with a home folder of its own; return the folder that it is done in."""
    folder = home / "storage" / "default"
    script = ["set -euo pipefail"]
    for language, text in BLOCK.findall(PAGE.read_text()):
        if language == "python":
            name = text.split()[1].rstrip(":")
            (folder / name).write_text(text)
        else:
            script.append(text)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"HOME": str(home), "PATH": path, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["bash", "-c", "\n".join(script)], env=environment, capture_output=True, text=True, cwd=home)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def bring(engine: Engine, home: Path, identity: Identity | None) -> None:
    """Put the storage and the identity where the page wants them."""
    home.mkdir(exist_ok=True)
    shutil.copytree(path_of(Repository.open(engine.alias), ""), home / "storage" / "default")
    if identity:
        shutil.copyfile(identity.path, home / "identity.txt")
        (home / "identity.txt").chmod(0o600)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("kind", ["age", "ssh", "plaintext"])
def test_the_page_gets_the_rows_out(yard: Engine, settings: Any, tmp_path: Path, kind: str) -> None:
    identity = {"age": age_identity, "ssh": ssh_identity}.get(kind, lambda folder: None)(tmp_path)
    if identity:
        other = age_identity(tmp_path, "other").public
        settings.BACKUPS = {**settings.BACKUPS, "RECIPIENTS": [other, identity.public]}
    back_up(yard)
    execute(yard, "UPDATE shop_order SET quantity = 4711 WHERE id = 30")
    done = back_up(yard).committed
    bring(yard, tmp_path / "home", identity)
    folder = follow(tmp_path / "home")
    with yard.snapshot() as snapshot:
        tables = {table.name: table for table in snapshot.tables()}
        wanted = b"".join(snapshot.lines(tables["django_migrations"]))
        orders = b"".join(snapshot.lines(tables["shop_order"]))
    assert (folder / "django_migrations.jsonl").read_bytes() == wanted
    rows = [row for row in lines(folder / "everything.jsonl") if row["model"] == "shop.order" and row["pk"] == 30]
    assert sorted(row["fields"]["quantity"] for row in rows) == [30, 4711]
    assert json.loads((folder / "description.json").read_text())["run"] == done.manifest.run
    assert 'CREATE TABLE "shop_order"' in (folder / "before.sql").read_text()
    # A table whose chunks are named in pages.
    command = [sys.executable, "rows.py", done.manifest.name, "shop_order"]
    environment = {**os.environ, "IDENTITY": str(tmp_path / "home" / "identity.txt")}
    read = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True).stdout
    assert read == orders


def test_the_page_tells_a_wrong_identity(yard: Engine, settings: Any, tmp_path: Path) -> None:
    settings.BACKUPS = {**settings.BACKUPS, "RECIPIENTS": [age_identity(tmp_path, "theirs").public]}
    back_up(yard)
    bring(yard, tmp_path / "home", age_identity(tmp_path, "mine"))
    with pytest.raises(AssertionError, match="No copy in keys/id opens with that identity"):
        follow(tmp_path / "home")
