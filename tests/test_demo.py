"""The demonstration, as somebody runs it who has just cloned: in a clean copy, on each server, and twice."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from backups.engines import engine_for
from tests.databases import Server, registered

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[1]
ORDERS = "69,659 orders, the newest is "


@pytest.fixture(params=["sqlite", "postgresql_18", "mysql"])
def server(request: pytest.FixtureRequest) -> Server:
    """One server of each vendor in turn."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the demonstration needs of the repository, and nothing that was ever run there."""
    for name in ("backups", "project", "shop"):
        shutil.copytree(ROOT / name, tmp_path / "clone" / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "clone"


def url(server: Server, name: str) -> str:
    """The URL of a database, as DATABASE_URL takes it."""
    if server.vendor == "sqlite":
        return f"sqlite:///{server.settings(name)['NAME']}"
    parts = urlsplit(server.url)  # type: ignore[attr-defined]
    return f"{parts.scheme}://{parts.netloc}/{name}"


def demonstrate(copy: Path, database: str, storage: Path) -> list[str]:
    """Run it, see that all is well, and return what it printed."""
    unset = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH", "SECRET_KEY", "DEBUG")
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-m", "project.demo"],
        cwd=copy,
        env={**kept, "DATABASE_URL": database, "BACKUPS_DIR": str(storage)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout.splitlines()


def test_a_shop_is_lost_and_brought_back(server: Server, copy: Path, tmp_path: Path) -> None:
    name = server.new_name("demo")
    if server.vendor != "sqlite":
        server.create(name)
    storage = tmp_path / "storage"
    try:
        # A second time it finds what the first has left.
        times = (1, 2) if server.vendor == "sqlite" else (1,)
        for time in times:
            lines = demonstrate(copy, url(server, name), storage)
            text = "\n".join(lines)
            assert ("It is there from the last time." in text) is (time == 2)
            said = [line.strip() for line in lines if ORDERS in line]
            assert len(said) == 2 and said[0] == said[1]
            assert "checks passed: every row, key, constraint, sequence and migration is back." in text
            assert "FAILED" not in text and f"The backup lies in {storage / 'default'}." in text
            assert any("Error: " in line for line in lines[lines.index(next(x for x in lines if "now gets" in x)) :])
        assert len(list((storage / "default" / "backups").iterdir())) == len(times)
        with registered(server.settings(name)) as alias:
            engine = engine_for(alias)
            runs = {path.name for path in (storage / "default" / "events").iterdir()}
            assert not {engine.scratch_name(run) for run in runs} & set(engine.leftovers())
        assert not list((copy / "var").iterdir())
    finally:
        server.drop(name)
