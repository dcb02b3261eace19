"""Results as people read them: tables on a terminal, and the part of docs/performance.md between its two markers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import chart
from benchmarks.results import Result
from benchmarks.scenarios import Sizes

DOCUMENT = Path("docs/performance.md")
CHART = Path("docs/performance.svg")
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"

_MEASURES = {"seconds": "time", "stored": "stored bytes", "largest": "peak memory"}


def lines(result: Result) -> Iterator[str]:
    """Yield one scenario for a terminal."""
    yield f"\n{result['title']}: medians of {_rounds(result)}"
    yield from _plain(("", "seconds", "cpu s", "MB a process", "MB together", "MB stored"), _contenders(result))
    for name, why in result["missing"].items():
        yield f"  NOT MEASURED: {name}: {why}"
    if result["comparisons"]:
        yield ""
        yield from _plain(("ratio", "target", "", "what", "ours / theirs"), _ratios(result))
    if result["limits"]:
        yield ""
        yield from _plain(("most", "limit", "", "of"), _limits(result))


def publish(results: Sequence[Result]) -> None:
    """Write what was measured into the document, between its markers, and its chart beside it."""
    text = DOCUMENT.read_text()
    head, _, rest = text.partition(BEGIN)
    _, marker, tail = rest.partition(END)
    if not marker:
        raise SystemExit(f"{DOCUMENT} has no place for the numbers: the lines {BEGIN} and {END}.")
    measured = "\n".join(_document(results))
    DOCUMENT.write_text(f"{head}{BEGIN}\n\n{measured}\n\n{END}{tail}")
    CHART.write_text(chart.svg(results))


def _document(results: Sequence[Result]) -> Iterator[str]:
    machine = results[0]["machine"]
    versions = ", ".join(dict.fromkeys(version for result in results for version in result["versions"]))
    yield (
        f"On {machine['cores']} cores with {machine['memory'] / 1e9:.0f} GB of memory, Python {machine['python']}, "
        f"Django {machine['django']}, {versions}."
    )
    yield f"\n![Ratios and their targets]({CHART.name})\n"
    for result in results:
        yield f"### {result['title'][0].upper()}{result['title'][1:]}\n"
        yield f'Medians of {_rounds(result)}; `make bench ARGS="{_arguments(result)}"`.\n'
        if result["comparisons"]:
            yield from _markdown(("ratio", "target", "", "what", "ours / theirs"), _ratios(result))
            yield ""
        yield from _markdown(("", "seconds", "cpu s", "MB a process", "MB together", "MB stored"), _contenders(result))
        yield ""
        if result["limits"]:
            yield from _markdown(("most", "limit", "", "of"), _limits(result))
            yield ""
        for name, why in result["missing"].items():
            yield f"Not measured: {name}: {why.splitlines()[0]}.\n"


def _rounds(result: Result) -> str:
    return "one round" if result["rounds"] == 1 else f"{result['rounds']} rounds"


def _arguments(result: Result) -> str:
    """Return the words that ask for a scenario at the sizes it was measured at."""
    usual = asdict(Sizes())
    sizes = [f" --{name.replace('_', '-')} {size}" for name, size in result["sizes"].items() if usual.get(name) != size]
    return f"--scenario {result['scenario']}{''.join(sizes)}"


def _contenders(result: Result) -> list[list[str]]:
    return [
        [name, f"{run['seconds']:.2f}", *(_some(run["cpu"], ".1f"), *(_megabytes(run[key]) for key in _SIZES))]
        for name, run in result["contenders"].items()
    ]


_SIZES = ("largest", "tree", "stored")


def _ratios(result: Result) -> list[list[str]]:
    return [
        [
            "-" if found["ratio"] is None else f"{found['ratio']:.2f}",
            "-" if found["target"] is None else f"≤ {found['target']}",
            _met(found["met"]) if found["ratio"] is not None else "not measured",
            found["title"] + ("" if found["measure"] == "seconds" else f" ({_MEASURES[found['measure']]})"),
            f"{found['ours']} / {found['theirs']}",
        ]
        for found in result["comparisons"]
    ]


def _limits(result: Result) -> list[list[str]]:
    return [
        [_limit(found, "found"), f"≤ {_limit(found, 'most')}", _met(found["met"]), found["title"]]
        for found in result["limits"]
    ]


def _limit(found: Result, key: str) -> str:
    return f"{found[key]:.2f} s" if found["measure"] == "seconds" else f"{_megabytes(found[key])} MB"


def _met(met: bool | None) -> str:
    return {True: "met", False: "not met", None: ""}[met]


def _megabytes(number: float) -> str:
    return f"{number / 1e6:.1f}" if number else "-"


def _some(number: float, form: str) -> str:
    return format(number, form) if number else "-"


def _plain(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = (_set(cell, width) for cell, width in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()


def _set(cell: str, width: int) -> str:
    """Set numbers to the right, words to the left."""
    return cell.rjust(width) if cell[:1].isdigit() or cell == "-" else cell.ljust(width)


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
