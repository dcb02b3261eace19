"""``python -m benchmarks``: make the data, run everybody in turn, several rounds, print and keep medians and ratios."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from dataclasses import fields
from pathlib import Path

from benchmarks import report, results
from benchmarks.measure import Run
from benchmarks.scenarios import SCENARIOS, Scenario, Sizes


def main() -> int:
    """Measure, print, keep; return 1 where one of our own could not be measured."""
    given = _arguments()
    if given.list:
        print("\n".join(f"{name:26} {scenario.title}" for name, scenario in SCENARIOS.items()))
        return 0
    sizes = Sizes(**{size.name: getattr(given, size.name) for size in fields(Sizes)})
    broken = [name for name in given.scenario or SCENARIOS if not _measure(SCENARIOS[name], sizes, given)]
    if given.publish:
        report.publish(results.kept())
        print(f"\nWritten into {report.DOCUMENT} and {report.CHART}.")
    if broken:
        print(f"Ours could not be measured in: {', '.join(broken)}.", file=sys.stderr)
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--scenario", action="append", choices=SCENARIOS, metavar="NAME", help="Only this one; may be given repeatedly."
    )
    parser.add_argument("--list", action="store_true", help="Print the names of the scenarios.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="Where files are made; default: a temporary folder.")
    parser.add_argument(
        "--publish", action="store_true", help="Write all that was kept, of earlier runs too, into docs/performance.md."
    )
    for size in fields(Sizes):
        parser.add_argument(f"--{size.name.replace('_', '-')}", type=int, default=size.default, metavar="N")
    return parser.parse_args()


def _measure(kind: type[Scenario], sizes: Sizes, given: argparse.Namespace) -> bool:
    folder = Path(tempfile.mkdtemp(prefix="lifeboat-bench-", dir=given.folder))
    scenario = kind(sizes, folder)
    rounds = 1 if kind.once else given.rounds
    try:
        print(f"\n{kind.name}: making the data", flush=True)
        scenario.prepare()
        for number in range(1, rounds + 1):
            print(f"{kind.name}: round {number} of {rounds}", flush=True)
            scenario.round(_say)
        result = results.result_of(scenario, rounds)
    finally:
        scenario.clear()
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(report.lines(result)))
    print(f"\nKept in {results.keep(result)}", flush=True)
    return not any(name.startswith("lifeboat") for name in result["missing"])


def _say(name: str, run: Run) -> None:
    print(f"  {name:52} {run.seconds:8.2f} s  {run.largest / 1e6:7.1f} MB", flush=True)


if __name__ == "__main__":
    sys.exit(main())
