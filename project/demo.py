"""The demonstration: seed, back up, lose the database, restore it, prove it, report. Run by ``make demo``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import Error as DatabaseError  # noqa: E402
from django.db import connection  # noqa: E402

from backups.engines import engine_for  # noqa: E402
from backups.engines.base import Engine  # noqa: E402
from backups.exceptions import BackupsError  # noqa: E402
from backups.management.reports import checks_table, uncovered_report  # noqa: E402
from backups.management.terminal import size, span, table  # noqa: E402
from backups.services.backup import BackedUp, create_backup  # noqa: E402
from backups.services.catalog import Asked  # noqa: E402
from backups.services.failure import simulate_failure, typed_name  # noqa: E402
from backups.services.restore import RestoredCopy, restore_backup  # noqa: E402
from shop.models import Customer, Order  # noqa: E402

ASKED = Asked("the demonstration", "command")
STEPS: list[tuple[str, float]] = []


def main() -> int:
    """Go through the worst day once and return the exit status."""
    engine = engine_for("default")
    say(f"The shop's database is {engine.describe()}.")
    step("Make it and fill it with real purchases (CDNOW, 1997-98)", seed)
    backed_up = step("Back it up:  python manage.py backup_db", back_up)
    before = step("What the shop says now", ask_shop)
    step("Lose it", lambda: lose(engine))
    restored = step("Restore it and prove it:  python manage.py restore_db --to NAME", lambda: restore(engine))
    after = step("What the shop says now", ask_shop)
    report(backed_up, restored)
    return 0 if before == after and before is not None else 1


def step(title: str, action: Callable[[], Any]) -> Any:
    """Do one step under its title, and take its time."""
    print(f"\n{len(STEPS) + 1}. {title}")
    began = time.monotonic()
    result = action()
    STEPS.append((title.partition(":  ")[0], time.monotonic() - began))
    return result


def say(text: str) -> None:
    """Print a line of a step."""
    print(f"   {text}", flush=True)


def seed() -> None:
    """Make the tables, and the rows where there are none yet."""
    call_command("migrate", verbosity=0)
    if Order.objects.exists():
        say("It is there from the last time.")
    else:
        call_command("seed_shop", verbosity=0)
    say(f"{Customer.objects.count():,} customers, {Order.objects.count():,} orders.")


def back_up() -> BackedUp:
    """Take a backup."""
    done = create_backup("default", asked=ASKED)
    manifest = done.committed.manifest
    totals = manifest.totals
    say(f"Backup {manifest.run}, number {manifest.sequence}, in {span(manifest.seconds)}.")
    say(f"{totals.rows:,} rows of {totals.tables} tables, {size(totals.bytes)}, stored in {size(totals.stored_bytes)}.")
    for line in uncovered_report(manifest):
        say(line)
    return done


def ask_shop() -> tuple[int, str] | None:
    """Ask what an application asks: how many orders there are, and which is the newest."""
    connection.close()
    try:
        newest = Order.objects.order_by("-placed", "-pk").values_list("number", flat=True).first()
        answer = Order.objects.count(), str(newest)
    except DatabaseError as error:
        say(f"{type(error).__name__}: {str(error).splitlines()[0]}")
        return None
    say(f"{answer[0]:,} orders, the newest is {answer[1]}.")
    return answer


def lose(engine: Engine) -> None:
    """Corrupt the file, or drop the database where it is no file; then see what the shop gets, and clear the place."""
    connection.close()
    is_file = engine.vendor == "sqlite"
    say(simulate_failure("default", "corrupt-file" if is_file else "drop-database", confirm=typed_name(engine)))
    say("The shop now gets:")
    if ask_shop() is not None:
        raise BackupsError("The shop still answers, so this demonstration demonstrates nothing.")
    connection.close()
    if is_file:
        damaged = Path(f"{engine.name}.damaged")
        Path(engine.name).replace(damaged)
        say(f"The damaged file is put aside as {damaged.name}.")


def restore(engine: Engine) -> RestoredCopy:
    """Restore into the place of the lost database, which is free now."""
    copy = restore_backup("default", to=engine.name, asked=ASKED)
    say(f"{copy.rows:,} rows of {copy.tables} tables in {span(copy.seconds)}, then every check:\n")
    for line in checks_table(copy.result.findings):
        say(line)
    return copy


def report(backed_up: BackedUp, copy: RestoredCopy) -> None:
    """Sum up."""
    manifest = backed_up.committed.manifest
    rows = [(entry.table.label, f"{entry.rows:,}") for entry in manifest.tables]
    print("\nRows of each table, in the backup and in the restored database")
    print("\n".join(f"   {line}" for line in table(("table", "rows "), rows)))
    print("\nThe steps")
    print("\n".join(f"   {line}" for line in table(("step", "seconds "), [(name, f"{s:.2f}") for name, s in STEPS])))
    passed = sum(finding.status == "passed" for finding in copy.result.findings)
    print(f"\nAll {passed} checks passed: every row, key, constraint, sequence and migration is back.")
    print(f"The backup lies in {backed_up.place}.")
    print(
        "To look at it in the admin: make run, then http://127.0.0.1:8000/admin/backups/ (user admin, password admin)."
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BackupsError as problem:
        print(f"\n{problem}\n{problem.hint}", file=sys.stderr)
        sys.exit(1)
