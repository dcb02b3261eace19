"""What commands print of a verification and of a backup: the same words in each of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from backups.management.terminal import size, span, table
from backups.manifest import Manifest
from backups.services.records import result_data
from backups.verification import Finding, Result, Status

SHOWN_PASSES = 40


def verification_json(result: Result) -> dict[str, Any]:
    """Return the documented keys of a verification."""
    data = result_data(result)
    keys = ("backup", "level", "status", "seconds", "restore_seconds", "checks")
    return {key: data[key] for key in keys}


def backup_json(manifest: Manifest, verification: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the documented keys of a backup."""
    return {
        "id": manifest.run,
        "database": manifest.database,
        "status": "complete",
        "created": manifest.created.isoformat(),
        "seconds": manifest.seconds,
        **asdict(manifest.totals),
        "verification": verification,
    }


def backup_report(manifest: Manifest, place: str) -> list[str]:
    """Say what a backup holds and where it lies."""
    totals = manifest.totals
    lines = [
        f"Backed up {manifest.database} as {manifest.run} in {span(manifest.seconds)}: "
        f"{totals.rows:,} rows of {totals.tables:,} tables, {size(totals.bytes)}, stored in {size(totals.stored_bytes)} "
        f"({size(totals.new_bytes)} new).",
        f"It lies in {place}.",
    ]
    return [*lines, *uncovered_report(manifest)]


def uncovered_report(manifest: Manifest) -> list[str]:
    """Name what is not in a backup, one line a reason."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for uncovered in manifest.uncovered:
        rows = f" ({uncovered.rows:,})" if uncovered.rows else ""
        reasons.setdefault((uncovered.kind, uncovered.reason), []).append(f"{uncovered.name}{rows}")
    return [f"Not covered: {kind} {', '.join(names)}: {reason}." for (kind, reason), names in reasons.items()]


def verification_report(result: Result) -> list[str]:
    """Say the outcome, then each check; where very many passed, the passes by their number."""
    restored = f", restored in {span(result.restore_seconds)}" if result.restore_seconds is not None else ""
    said = {Status.PASSED: "passed", Status.FAILED: "FAILED", Status.ERROR: "could not run", Status.SKIPPED: "skipped"}
    lines = [
        f"Verification of {result.backup} at level {result.level.value}: {said[result.status]} in {span(result.seconds)}"
        f"{restored}."
    ]
    return [*lines, *checks_table(result.findings)]


def checks_table(findings: Iterable[Finding]) -> list[str]:
    """Return a table of checks, with what was expected and what was found."""
    found = list(findings)
    passed = [finding for finding in found if finding.status == Status.PASSED]
    shown = found if len(passed) <= SHOWN_PASSES else [*_not_passed(found), *_by_check(passed)]
    rows = [
        (
            f.status.value.upper() if f.status == Status.FAILED else f.status.value,
            f.name,
            f.table,
            _cut(f.expected),
            _cut(f.actual),
            f"{f.seconds:.2f}",
            _cut(f.detail, 100 if f.status == Status.PASSED else 1000),
        )
        for f in shown
    ]
    return table(("status", "check", "table", "expected", "actual", "seconds ", "detail"), rows)


def problem_sentence(result: Result) -> list[str]:
    """Return what to say on standard error of a verification that did not pass."""
    if result.status == Status.PASSED:
        return []
    wrong = _not_passed(result.findings)
    first = next((f for f in wrong if f.status != Status.SKIPPED), None)
    reason = f" {first.name} {first.table}: {first.detail or first.actual}".replace("  ", " ") if first else ""
    word = "failed" if result.status == Status.FAILED else "could not be completed"
    return [f"The verification of {result.backup} {word}.{reason}"]


def _not_passed(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.status != Status.PASSED]


def _by_check(passed: list[Finding]) -> list[Finding]:
    """Sum up the passes of each check, for projects with very many tables."""
    names = list(dict.fromkeys(finding.name for finding in passed))
    summed = []
    for name in names:
        group = [finding for finding in passed if finding.name == name]
        if len(group) == 1:
            summed.append(group[0])
            continue
        said = f"{len(group)} tables"
        summed.append(Finding(name, Status.PASSED, "", said, said, "", sum(f.seconds for f in group)))
    return summed


def _cut(text: str, width: int = 60) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= width else one_line[: width - 1] + "…"
