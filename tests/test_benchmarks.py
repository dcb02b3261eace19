"""The measurements measure: processes and their memory, ratios of rounds, rivals that are missing, what is published."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import report
from benchmarks.measure import Failed, Run, measured, piped, size_of
from benchmarks.places import SQLite
from benchmarks.results import result_of
from benchmarks.scenarios import Comparison, Contender, Limit, Scenario, Sizes

MEGABYTE = 1_000_000
TAKES = "import time; held = bytearray({size}); held[::4096] = b'x' * len(held[::4096]); time.sleep(0.3)"


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def test_memory_is_that_of_the_largest_process_and_of_all_together() -> None:
    forks = f"import subprocess, sys; subprocess.run([sys.executable, '-I', '-S', '-c', {TAKES.format(size=80 * MEGABYTE)!r}])"
    run = measured(python(f"held = b'x' * {60 * MEGABYTE}; {forks}"))
    assert 80 * MEGABYTE < run.largest < 120 * MEGABYTE
    assert 140 * MEGABYTE < run.tree < 200 * MEGABYTE
    assert run.seconds >= 0.3


def test_time_of_the_processor_is_that_of_all_processes() -> None:
    spin = "import time; [None for _ in iter(lambda: time.process_time() < 0.2, False)]"
    run = measured(
        python(f"import subprocess, sys; subprocess.run([sys.executable, '-I', '-S', '-c', {spin!r}], check=True)")
    )
    assert 0.2 <= run.cpu < 2


def test_a_failure_says_what_the_command_said() -> None:
    with pytest.raises(Failed, match=r"ended with 3: no such thing"):
        measured(python("import sys; print('no such thing', file=sys.stderr); sys.exit(3)"))
    with pytest.raises(Failed):
        piped("false | cat")


def test_sizes_are_those_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "one").write_bytes(b"12345")
    (tmp_path / "two").write_bytes(b"123")
    assert size_of(tmp_path) == 8 and size_of(tmp_path / "two") == 3


class Made(Scenario):
    """A scenario of made-up runs."""

    name = "made"
    title = "made-up"
    found: Mapping[str, list[Run]]

    def prepare(self) -> None:
        pass

    def clear(self) -> None:
        pass

    def versions(self) -> list[str]:
        return ["Nothing 1.0"]

    def contenders(self) -> dict[str, Contender]:
        made = {name: Contender(runs.pop) for name, runs in self.found.items()}
        return {**made, "absent": Contender(lambda: Run(1), ("no-such-program",)), "broken": Contender(self._broken)}

    def comparisons(self) -> list[Comparison]:
        return [
            Comparison("fast | enough", "lifeboat: ours", "theirs", 0.6),
            Comparison("small", "lifeboat: ours", "theirs", 0.5, "stored"),
            Comparison("nobody", "lifeboat: ours", "absent", 1.0),
        ]

    def limits(self) -> list[Limit]:
        return [Limit("of ours", "lifeboat: ours", 10 * MEGABYTE)]

    def _broken(self) -> Run:
        raise Failed("it ended with 1: why")


@pytest.fixture
def result(tmp_path: Path) -> dict[str, Any]:
    """Three rounds, of which the last was slow for both, and the first for nobody."""
    scenario = Made(Sizes(), tmp_path)
    ours = [Run(seconds, 1.0, 11 * MEGABYTE, 12 * MEGABYTE, 600) for seconds in (10.0, 1.0, 1.0)]
    scenario.found = {
        "lifeboat: ours": ours,
        "theirs": [replace(run, seconds=2 * run.seconds, stored=1000) for run in ours],
    }
    for _ in range(3):
        scenario.round(lambda name, run: None)
    return result_of(scenario, 3)


def test_ratios_are_medians_of_the_rounds_and_held_to_their_targets(result: dict[str, Any]) -> None:
    fast, small, nobody = result["comparisons"]
    assert (fast["ratio"], fast["met"]) == (0.5, True)
    assert (small["ratio"], small["met"]) == (0.6, False)
    assert (nobody["ratio"], nobody["met"]) == (None, None) and "no-such-program" in nobody["missing"]
    assert result["contenders"]["lifeboat: ours"]["seconds"] == 1.0
    assert result["limits"][0]["met"] is False


def test_who_is_missing_is_said(result: dict[str, Any]) -> None:
    said = "\n".join(report.lines(result))
    assert "NOT MEASURED: absent: no-such-program is not installed" in said
    assert "NOT MEASURED: broken: it ended with 1: why" in said
    assert "not measured" in said and "not met" in said


def test_publishing_writes_between_the_markers_alone(
    result: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, drawn = tmp_path / "page.md", tmp_path / "chart.svg"
    monkeypatch.setattr(report, "DOCUMENT", document)
    monkeypatch.setattr(report, "CHART", drawn)
    document.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.publish([result])
    written = document.read_text()
    assert written.startswith(f"before\n{report.BEGIN}\n") and written.endswith(f"{report.END}\nafter\n")
    assert "old" not in written and r"| 0.50 | ≤ 0.6 | met | fast \| enough |" in written and "Nothing 1.0" in written
    assert drawn.read_text().count("<rect") == 2 and '`make bench ARGS="--scenario made"`' in written
    report.publish([{**result, "sizes": {**result["sizes"], "fixture_orders": 7}}])
    assert '`make bench ARGS="--scenario made --fixture-orders 7"`' in document.read_text()
    report.publish([result])
    assert document.read_text() == written
    document.write_text("no place")
    with pytest.raises(SystemExit, match="no place for the numbers"):
        report.publish([result])


def test_the_page_has_a_place_for_the_numbers() -> None:
    text = (Path(__file__).parents[1] / report.DOCUMENT).read_text()
    assert text.count(report.BEGIN) == 1 and text.count(report.END) == 1


def test_a_place_makes_and_drops_its_databases(tmp_path: Path) -> None:
    place = SQLite(tmp_path)
    place.recreate("one")
    place.run("one", ["CREATE TABLE t (n)", f"INSERT INTO t SELECT n FROM {place.numbers(5)}"])
    place.settle("one")
    assert place.path("one").stat().st_size > 0
    place.drop("one")
    assert list(tmp_path.iterdir()) == []
