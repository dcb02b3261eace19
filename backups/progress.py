"""How a long verb tells whoever watches how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Step:
    """One report. ``rows`` and ``bytes`` are totals of this stage so far; ``total_rows`` is 0 where it is not known."""

    stage: str
    table: str = ""
    rows: int = 0
    bytes: int = 0
    total_rows: int = 0


class Progress(Protocol):
    """Receives steps; must be quick and must not raise."""

    def __call__(self, step: Step, /) -> None:
        """Take note of one step."""


def silent(step: Step, /) -> None:
    """Watch nothing."""
