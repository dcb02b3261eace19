"""``python manage.py`` as a shell sees it: exit status 0, 1 and 3, streams kept apart, progress on a terminal only."""

import json
import os
import pty
import subprocess
import sys

import pytest

from tests.commands.site import PATIENCE, ROOT, Site

HELP = ["backup_db", "list_backups", "verify_backup", "restore_db", "drill_db", "simulate_failure", "sync_backups"]


def test_exit_status_0_1_and_3(backed_up: Site) -> None:
    done = backed_up.process("verify_backup", "--level=stored", "--json")
    assert (done.status, done.err, done.json["status"]) == (0, "", "passed")
    refused = backed_up.process("verify_backup", "nothing", "--json")
    assert refused.status == 1 and refused.err.startswith("CommandError: There is no backup 'nothing'")
    assert set(refused.json) == {"error", "hint"} and refused.json["error"] in refused.err
    (chunk, *_) = (backed_up.storage / "default" / "chunks").rglob("*.*")
    chunk.unlink()
    found = backed_up.process("verify_backup", "--level=stored", "--json")
    assert found.status == 3 and chunk.name in found.err and found.json["status"] == "failed"


def test_nothing_but_the_document_is_on_standard_output(backed_up: Site) -> None:
    """Not even where standard error goes to the same place as a person's eyes: the streams are told apart."""
    backed_up.database.unlink()
    done = backed_up.process("list_backups", "--json")
    assert json.loads(done.out)[0]["id"] == backed_up.backups()[0]
    assert done.err == f"Note: {done.err.removeprefix('Note: ').strip()}\n" and "no catalogue" in done.err


def test_whoever_reads_the_report_may_stop_before_its_end(backed_up: Site) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = backed_up.process("list_backups", capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.status, done.err) == (0, "")


@pytest.mark.parametrize("command", HELP)
def test_help_tells_the_exit_statuses(site: Site, command: str) -> None:
    done = site.manage(command, "--help").fine()
    assert "Exit status: 0 done; 1 could not do it; 3 did it and found a problem." in done.out


def on_a_terminal(site: Site, *arguments: str) -> tuple[int, str, str]:
    """Run manage.py with standard error on a terminal; returns its status, its output, and what the terminal got."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        cwd=ROOT, env=site.environment(), stdout=subprocess.PIPE, stderr=theirs, stdin=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        out, _ = process.communicate(timeout=PATIENCE)
    shown = b""
    try:
        while data := os.read(ours, 65536):
            shown += data
    except OSError:
        pass  # Nobody holds the other end any more.
    os.close(ours)
    return process.returncode, out, shown.decode()


def test_progress_is_shown_on_a_terminal_and_taken_away_at_the_end(site: Site) -> None:
    status, out, shown = on_a_terminal(site, "backup_db")
    assert status == 0 and out.startswith("Backed up default")
    assert "\r\x1b[K" in shown and shown.endswith("\r\x1b[K")
    assert "witness " in shown or "rows " in shown


@pytest.mark.parametrize("quiet", ["--json", "--verbosity=0"])
def test_no_progress_is_shown_where_it_would_be_in_the_way(site: Site, quiet: str) -> None:
    status, _, shown = on_a_terminal(site, "backup_db", quiet)
    assert (status, shown) == (0, "")
