"""What was measured, as plain data: kept as JSON, one file a scenario."""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import asdict
from pathlib import Path
from typing import Any

import django

from benchmarks.measure import Run
from benchmarks.scenarios import SCENARIOS, Comparison, Limit, Scenario

FOLDER = Path(__file__).parent / "results"

Result = dict[str, Any]


def result_of(scenario: Scenario, rounds: int) -> Result:
    """Return everything of a scenario: medians, ratios against their targets, peaks against their limits."""
    runs = scenario.measured.runs
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "rounds": rounds,
        "sizes": asdict(scenario.sizes),
        "machine": _machine(),
        "versions": scenario.versions(),
        "contenders": {name: _summary(measured) for name, measured in runs.items()},
        "missing": scenario.measured.missing,
        "comparisons": [_compared(comparison, scenario) for comparison in scenario.comparisons()],
        "limits": [_limited(limit, runs) for limit in scenario.limits() if limit.ours in runs],
    }


def keep(result: Result) -> Path:
    """Write a result, in place of an earlier one of its scenario, and return where."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{result['scenario']}.json"
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return path


def kept() -> list[Result]:
    """Return the last result of each scenario that has one, in the order of the scenarios."""
    paths = (FOLDER / f"{name}.json" for name in SCENARIOS)
    return [json.loads(path.read_text()) for path in paths if path.exists()]


def _summary(runs: list[Run]) -> dict[str, float]:
    return {
        "seconds": statistics.median(run.seconds for run in runs),
        "cpu": statistics.median(run.cpu for run in runs),
        "largest": max(run.largest for run in runs),
        "tree": max(run.tree for run in runs),
        "stored": statistics.median(run.stored for run in runs),
    }


def _compared(comparison: Comparison, scenario: Scenario) -> dict[str, Any]:
    ratio = _ratio(comparison, scenario.measured.runs)
    met = None if ratio is None or comparison.target is None else ratio <= comparison.target
    why = [scenario.measured.missing.get(name, "") for name in (comparison.ours, comparison.theirs)]
    return {**asdict(comparison), "ratio": ratio, "met": met, "missing": " ".join(filter(None, why))}


def _ratio(comparison: Comparison, runs: dict[str, list[Run]]) -> float | None:
    """Return the median of the rounds' ratios: a slow moment of the machine slows both of a round."""
    pairs = zip(runs.get(comparison.ours, []), runs.get(comparison.theirs, []), strict=False)
    ratios = [getattr(our, comparison.measure) / getattr(their, comparison.measure) for our, their in pairs]
    return statistics.median(ratios) if ratios else None


def _limited(limit: Limit, runs: dict[str, list[Run]]) -> dict[str, Any]:
    found = _summary(runs[limit.ours])[limit.measure]
    return {**asdict(limit), "found": found, "met": found <= limit.most}


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "python": platform.python_version(),
        "django": django.get_version(),
    }
