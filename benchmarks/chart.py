"""The ratios as a chart: a bar for each, and a mark where its target lies. Plain SVG, readable on light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from benchmarks.results import Result

_WIDTH, _LEFT, _ROW, _TOP = 1280, 740, 26, 40
_MOST = 2.5
"""The ratio at the right edge; longer bars are cut there, with their number beside them."""
_SCALE = (_WIDTH - _LEFT - 60) / _MOST
_COLOURS = {True: "#2e8b57", False: "#c0392b", None: "#6c7a89"}


def svg(results: Sequence[Result]) -> str:
    """Return the chart of all ratios that were measured."""
    bars = [
        (f"{result['title']}: {found['title']}", found)
        for result in results
        for found in result["comparisons"]
        if found["ratio"] is not None and found["measure"] != "largest"
    ]
    height = _TOP + _ROW * len(bars) + 20
    body = "\n".join(part for place, (title, found) in enumerate(bars) for part in _bar(place, title, found))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
        f' font-family="system-ui, sans-serif" font-size="12" fill="#6c7a89">\n'
        f'<text x="8" y="18">time or bytes, against the rival = 1 (shorter is better); green: target met, '
        f"red: not, grey: none</text>\n{_line(1.0, height)}\n{body}\n</svg>\n"
    )


def _bar(place: int, title: str, found: Result) -> Iterator[str]:
    top = _TOP + _ROW * place
    width = min(found["ratio"], _MOST) * _SCALE
    rival = found["theirs"].removeprefix("lifeboat: ")
    yield f"<title>{escape(title)}</title>" if place == 0 else ""
    yield f'<text x="{_LEFT - 8}" y="{top + 15}" text-anchor="end">{escape(title)}</text>'
    yield (
        f'<rect x="{_LEFT}" y="{top + 3}" width="{width:.1f}" height="{_ROW - 8}" rx="2" fill="{_COLOURS[found["met"]]}">'
        f"<title>{escape(found['ours'])} / {escape(rival)}</title></rect>"
    )
    yield f'<text x="{_LEFT + width + 6:.1f}" y="{top + 15}">{found["ratio"]:.2f}</text>'
    if found["target"] is not None:
        at = _LEFT + min(found["target"], _MOST) * _SCALE
        yield f'<path d="M{at:.1f} {top}v{_ROW - 2}" stroke="#d4a017" stroke-width="3"/>'


def _line(ratio: float, height: int) -> str:
    at = _LEFT + ratio * _SCALE
    return f'<path d="M{at:.1f} {_TOP - 6}V{height - 12}" stroke="#6c7a89" stroke-dasharray="3 3"/>'
