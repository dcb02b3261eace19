"""``python -m benchmarks``: make the data, run everybody in turn, several rounds, print and keep medians and ratios."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import postgresql
from benchmarks.postgresql import RATIOS, Scenario, Server

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Measure, print, write ``results/postgresql.json``."""
    given = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="lifeboat-bench-"))
    scenario = Scenario(Server(postgresql.default_url(), folder), given.customers, given.orders, given.small)
    try:
        print(f"Making {given.orders:,} orders of {given.customers:,} customers.", flush=True)
        scenario.prepare()
        for number in range(1, given.rounds + 1):
            print(f"Round {number}", flush=True)
            scenario.round()
        _report(scenario)
    finally:
        scenario.clear()
        shutil.rmtree(folder, ignore_errors=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--small", type=int, default=20_000, help="Orders for dumpdata and loaddata.")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _report(scenario: Scenario) -> None:
    medians = {name: statistics.median(run.seconds for run in runs) for name, runs in scenario.runs.items()}
    ratios = [(ours, theirs, _ratio(scenario, ours, theirs)) for ours, theirs in _pairs(scenario)]
    print("\nMedians")
    for name, seconds in medians.items():
        peak = max(run.peak for run in scenario.runs[name])
        stored = f"{scenario.stored[name] / 1e6:8.1f} MB stored" if name in scenario.stored else ""
        print(f"  {name:55} {seconds:8.2f} s  {peak / 1e6:6.0f} MB {stored}")
    print("\nRatios (medians over the rounds)")
    for ours, theirs, ratio in ratios:
        print(f"  {ratio:6.2f}  {ours} / {theirs}")
    _keep(scenario, medians, ratios)


def _pairs(scenario: Scenario) -> list[tuple[str, str]]:
    small = scenario.small
    return [
        *RATIOS,
        (f"dumpdata, {small} orders", f"lifeboat: backup_db, {small} orders"),
        (f"loaddata, {small} orders", f"{postgresql.RESTORE}, {small} orders"),
    ]


def _ratio(scenario: Scenario, ours: str, theirs: str) -> float:
    """Return the median of the rounds' ratios: a slow moment of the machine slows both of a round."""
    pairs = zip(scenario.runs[ours], scenario.runs[theirs], strict=True)
    return statistics.median(mine.seconds / other.seconds for mine, other in pairs)


def _keep(scenario: Scenario, medians: dict[str, float], ratios: list[tuple[str, str, float]]) -> None:
    RESULTS.mkdir(exist_ok=True)
    found: dict[str, Any] = {
        "orders": scenario.orders,
        "customers": scenario.customers,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "seconds": medians,
        "peak_bytes": {name: max(run.peak for run in runs) for name, runs in scenario.runs.items()},
        "stored_bytes": scenario.stored,
        "ratios": {f"{ours} / {theirs}": ratio for ours, theirs, ratio in ratios},
    }
    (RESULTS / "postgresql.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
