"""The admin in a real browser, against a live server on SQLite: back up, verify, restore, and look at the outcome."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer

from backups import tasks
from backups.engines import engine_for
from backups.models import Backup, CopiedBackup, Copy, Restore, Verification
from tests.admin import rows
from tests.admin.conftest import PASSWORD
from tests.catalogue import PATIENCE, finished

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("catalogue")]
SIZES = {"wide": 1400, "narrow": 420}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]

LONG = (
    "The copy in 'tape' could not be brought up to date: /a/folder/with/a/long/name/that/does/not/break/tape is away."
)

CONTRAST = """
element => {
    const light = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number).map(part => part / 255)
        .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
    const style = getComputedStyle(element);
    const [bright, dark] = [light(style.color), light(style.backgroundColor)].sort((a, b) => b - a);
    return (bright + 0.05) / (dark + 0.05);
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        reason = "Chromium: set CHROMIUM or install chromium"
        if os.environ.get("REQUIRE_SERVERS") == "1":
            pytest.fail(f"REQUIRE_SERVERS=1, and there is no {reason}")
        pytest.skip(f"NOT TESTED, no {reason}")
    with pytest.MonkeyPatch.context() as patch, sync_api.sync_playwright() as playwright:
        # The browser's own loop runs in this thread; nothing of Django's is asynchronous here.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def server(catalogue: Path) -> Iterator[str]:
    """A live server, with a superuser; yields its address."""
    User.objects.create_superuser("ada", password=PASSWORD)
    live = LiveServer("127.0.0.1:0")
    try:
        yield live.url
    finally:
        live.stop()


@pytest.fixture
def page(browser: Any, server: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page of somebody who is logged in; parametrized by (colours, size). What the console says of errors fails it."""
    colours, size = getattr(request, "param", ("light", "wide"))
    context = browser.new_context(color_scheme=colours, viewport={"width": SIZES[size], "height": 900}, base_url=server)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE * 1000)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto("/admin/")
    opened.get_by_label("Username").fill("ada")
    opened.get_by_label("Password").fill(PASSWORD)
    opened.get_by_role("button", name="Log in").click()
    yield opened
    context.close()
    assert errors == []


def look_until(page: Any, word: str) -> None:
    """Look again, by the page's own link, until the status is the word."""
    status = page.locator(".field-shown_status .backups-status")
    for _ in range(200):
        if status.inner_text() == word:
            return
        page.get_by_role("link", name="Look again").click()
    raise AssertionError(status.inner_text())


def table(page: Any, name: str) -> list[dict[str, str]]:
    """Return the rows of the table below a heading, by their column heads."""
    region = page.get_by_role("region", name=name, exact=True)
    region.wait_for()
    heads = [head.strip() for head in region.locator("thead th").all_text_contents()]
    lines = region.locator("tbody tr").all()
    return [
        dict(zip(heads, (cell.strip() for cell in line.locator("th, td").all_text_contents()), strict=True))
        for line in lines
    ]


def test_back_up_verify_and_restore(page: Any) -> None:
    page.get_by_role("link", name="Backups", exact=True).last.click()
    page.get_by_role("button", name="Back up now").click()
    page.locator(".messagelist a").click()
    run = page.locator("#content h2").first.inner_text()
    look_until(page, "complete")
    assert Backup.objects.get(pk=run).requested_by == "ada"
    assert {"Table": "shop_customer", "Rows": "3"} in table(page, "Rows by table")
    assert any(line["Name"] == "django_session" and line["Why"] for line in table(page, "Not covered"))

    page.get_by_label("Action:").select_option(label="Verify: restore into a throw-away database and compare")
    page.get_by_role("button", name="Go").click()
    page.locator(".messagelist a").click()
    look_until(page, "passed")
    checks = table(page, "Checks")
    assert {line["Status"] for line in checks} == {"passed"}
    assert all(line["Expected"] and line["Expected"] == line["Actual"] for line in checks)
    assert {"signature", "stored", "restore", "rows", "content", "schema", "migrations"} <= {c["Check"] for c in checks}

    page.get_by_role("link", name="Backups", exact=True).last.click()
    assert "passed" in page.locator(".field-verified").inner_text()
    page.get_by_role("row", name=run).get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option(label="Restore into a fresh database")
    page.locator("button[name=index]").click()
    plan = page.get_by_role("region", name="What will be done")
    assert run in plan.get_by_role("listitem").first.inner_text()
    page.get_by_label("Name of the fresh database").fill("restored_in_the_browser")
    page.get_by_role("button", name="Restore").click()
    page.get_by_text("this is another plan").wait_for()
    assert "restored_in_the_browser" in plan.inner_text()
    path = Path(engine_for("default").resolve("restored_in_the_browser"))
    try:
        page.get_by_role("button", name="Restore").click()
        page.locator(".messagelist a").click()
        look_until(page, "complete")
        assert f"The restored copy is in {path}, and passed every check." in page.locator("#content").inner_text()
        assert path.exists()
    finally:
        path.unlink(missing_ok=True)
    page.locator(".field-proof a").click()
    assert {line["Status"] for line in table(page, "Checks")} == {"passed"}


def test_a_restore_over_the_live_database_is_refused(page: Any) -> None:
    (run,) = tasks.back_up("default")
    page.goto(f"/admin/backups/backup/{run}/change/")
    page.get_by_label("Action:").select_option(label="Restore into a fresh database")
    page.get_by_role("button", name="Go").click()
    page.get_by_label("Name of the fresh database").fill(Path(engine_for("default").name).name)
    page.get_by_role("button", name="Restore").click()
    assert "is the live database" in page.locator(".errorlist").inner_text()
    assert page.title().startswith("Error:")
    assert not Restore.objects.exists()


def test_a_damaged_backup_fails_for_all_to_see(page: Any, catalogue: Path) -> None:
    (run,) = tasks.back_up("default")
    chunk = next((catalogue / "default" / "chunks").rglob("*.*"))
    chunk.write_bytes(chunk.read_bytes()[:-1])
    page.goto(f"/admin/backups/backup/{run}/change/")
    page.get_by_role("button", name="Go").click()
    page.locator(".messagelist a").click()
    look_until(page, "failed")
    first = table(page, "Checks")[0]
    assert (first["Status"], first["Check"]) == ("failed", "stored")
    assert first["Expected"] != first["Actual"]
    page.goto("/admin/backups/backup/")
    assert "failed" in page.locator(".field-verified").inner_text()


@pytest.mark.parametrize("page", [(c, s) for c in ("light", "dark") for s in SIZES], indirect=True, ids="-".join)
def test_nothing_is_cut_off_and_every_status_can_be_read(page: Any, settings: Any) -> None:
    settings.BACKUPS = {**settings.BACKUPS, "COPIES": {"offsite": {}, "tape": {}}}
    backup = Backup.objects.get(pk=tasks.back_up("default")[0])
    proof = Verification.objects.get(pk=tasks.verify(database="default")[0])
    for number, status in enumerate(("queued", "running", "failed", "interrupted")):
        rows.backup(number, status=status, error="The disk of a host with a long name is full.", hint="Make room.")
    for storage, status in (("offsite", "has"), ("tape", "lacks")):
        CopiedBackup.objects.update_or_create(
            backup=backup, storage=storage, defaults={"status": status, "since": rows.FIRST, "problem": LONG}
        )
    Copy.objects.update_or_create(
        database="default", storage="tape", defaults={"problem": LONG, "problem_at": rows.FIRST}
    )
    failed = rows.verification(backup, checks=4, failed=2)
    copy = rows.restore(backup, proof, target="/a/folder/with/a/long/name/that/does/not/break/restored.sqlite3")
    for address in (
        "backup/", "verification/", "restore/", "check/", "copy/", f"backup/{backup.pk}/change/",
        f"verification/{proof.pk}/change/", f"verification/{failed.pk}/change/", f"restore/{copy.pk}/change/",
    ):  # fmt: skip
        page.goto(f"/admin/backups/{address}")
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, address
        badges = page.locator(".backups-status").all()
        assert badges, address
        for badge in badges[:12]:
            assert badge.evaluate(CONTRAST) >= 4.5, (address, badge.inner_text())
            assert badge.bounding_box()["height"] < 30, (address, badge.inner_text())


def test_the_keyboard_reaches_what_scrolls(page: Any) -> None:
    (run,) = tasks.back_up("default")
    page.goto(f"/admin/backups/backup/{run}/change/")
    for region in page.locator(".backups-scroll").all():
        region.focus()
        assert region.evaluate("element => element === document.activeElement")


def test_a_run_that_waits_is_looked_at_again(page: Any) -> None:
    run = rows.backup(status="queued")
    page.goto(f"/admin/backups/backup/{run.pk}/change/")
    assert "has not begun yet" in page.locator(".backups-note").inner_text()
    Backup.objects.filter(pk=run.pk).update(status="complete")
    page.get_by_role("link", name="Look again").click()
    assert page.locator(".backups-note").count() == 0
    assert finished(Backup, run.pk).status == "complete"
