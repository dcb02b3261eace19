"""What a person sees in a terminal: sizes, tables, and a line of progress."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from backups.progress import Progress, Step

_EVERY = 0.2


def size(number: float) -> str:
    """Return a number of bytes as people read it: ``63.1 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(number) < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def span(seconds: float | None) -> str:
    """Return a duration as people read it."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a plain table; columns whose head ends with a blank are set to the right."""
    cells = [[text.strip() for text in head], *[list(row) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    right = [title.endswith(" ") for title in head]

    def line(row: Sequence[str]) -> str:
        set_in = (text.rjust(w) if r else text.ljust(w) for text, w, r in zip(row, widths, right, strict=True))
        return "  ".join(set_in).rstrip()

    return [line(cells[0]), "  ".join("-" * width for width in widths), *(line(row) for row in cells[1:])]


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show one line on standard error that says how far a verb has come; yields what to tell the steps to."""
    line = _Line()
    try:
        yield line
    finally:
        line.clear()


class _Line:
    """The line: what is being done, to which table, rows, bytes, rate, time left."""

    def __init__(self) -> None:
        self._shown = 0.0
        self._stage = ("", "")
        self._began = time.monotonic()

    def __call__(self, step: Step, /) -> None:
        now = time.monotonic()
        if (step.stage, step.table) != self._stage:
            self._stage, self._began = (step.stage, step.table), now
        if now - self._shown >= _EVERY:
            self._shown = now
            sys.stderr.write(f"\r\x1b[K{self._text(step, now)}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _text(self, step: Step, now: float) -> str:
        parts = [f"{step.stage} {step.table}".strip()]
        if step.rows:
            of = f" of {step.total_rows:,}" if step.total_rows else ""
            parts.append(f"{step.rows:,}{of}")
        if step.bytes:
            parts.append(size(step.bytes))
        seconds = now - self._began
        if step.rows and seconds > 1:
            rate = step.rows / seconds
            parts.append(f"{rate:,.0f}/s")
            if step.total_rows > step.rows:
                parts.append(f"{span((step.total_rows - step.rows) / rate)} left")
        return " · ".join(parts)[:150]
