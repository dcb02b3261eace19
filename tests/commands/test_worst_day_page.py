"""docs/worst-day.md: each command on it is typed as it stands there, and prints what the page says that you see."""

import os
import pty
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass

import pytest

from tests.commands.site import ROOT, Done, Site
from tests.commands.test_replacing import DELETED

PAGE = ROOT / "docs" / "worst-day.md"
BLOCK = re.compile(r"```\n(.*?)```\n(?:\n((?:> [^\n]*\n)+))?", re.DOTALL)
EXAMPLE = "20261122T16"  # the page's beginning of an id


@dataclass(frozen=True)
class Block:
    """Commands, and what the last of them prints."""

    commands: tuple[str, ...]
    seen: tuple[str, ...]


def blocks() -> list[Block]:
    """Everything on the page that is to be typed, in its order."""
    found = []
    for typed, seen in BLOCK.findall(PAGE.read_text()):
        found.append(Block(tuple(typed.splitlines()), tuple(line.removeprefix("> ") for line in seen.splitlines())))
    return found


def typed(site: Site, command: str) -> Done:
    """Type a command in a terminal, and the database's name where it asks for one."""
    words = command.removeprefix("python manage.py ").replace(EXAMPLE, site.backups()[0][:11]).split()
    if not {"--replace", "--undo"} & set(words) or "--dry-run" in words:
        return site.manage(*words)  # which begins faster, and asks nothing
    master, terminal = pty.openpty()
    try:
        os.write(master, f"{site.database.name}\n".encode())
        return site.process(*words, stdin=terminal)
    finally:
        os.close(master)
        os.close(terminal)


def orders(site: Site) -> int:
    """Count the live database's orders."""
    with closing(sqlite3.connect(site.database)) as connection:
        return int(connection.execute("SELECT count(*) FROM shop_order").fetchone()[0])


def test_the_page_is_a_page_and_holds_every_command_that_it_is_about() -> None:
    text = PAGE.read_text()
    assert len(text.splitlines()) < 100 and len(text) < 5000
    found = [command for block in blocks() for command in block.commands]
    assert len(found) == text.count("python manage.py ") >= 7
    assert all(block.seen for block in blocks())
    assert [command for command in found if not command.startswith("python manage.py ")] == []
    # A command in a sentence is one of ours, with flags that it has.
    for name in ("--replace", "--undo", "--dry-run", "--to", "--migrate", "list_backups"):
        assert name in text


def test_typed_from_top_to_bottom_it_does_what_it_says(backed_up: Site) -> None:
    backed_up.manage("shell", "--verbosity=0", "--command", DELETED).fine()
    counts = []
    for block in blocks():
        for command in block.commands:
            done = typed(backed_up, command).fine()
            counts.append(orders(backed_up))
        for words in block.seen:
            assert words in done.out + done.err, (command, done)
    # Spoilt until step 3, whole until step 5, which puts back what was there.
    assert counts == [500, 500, 500, 1000, 1000, 500, 500, 500]
    assert (backed_up.folder / "mysite_restored.sqlite3").exists()


@pytest.mark.parametrize("command", ["backup_db", "drill_db", "sync_backups"])
def test_what_it_says_not_to_work_says_what_does(backed_up: Site, command: str) -> None:
    backed_up.database.unlink()
    done = backed_up.manage(command).refused("is not there", "restore_db --replace")
    assert "migrate" not in done.err and not backed_up.database.exists()
