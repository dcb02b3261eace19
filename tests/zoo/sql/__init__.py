"""What no model can say, as SQL by vendor: ``TABLES`` and ``VIEWS_AND_TRIGGERS``.

Each is a tuple of pairs of statements: one that makes a thing, and one that takes it away again.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

Step = Callable[[Any, Any], None]


def _pairs(vendor: str, part: str) -> tuple[tuple[str, str], ...]:
    pairs: tuple[tuple[str, str], ...] = getattr(import_module(f"tests.zoo.sql.{vendor}"), part)
    return pairs


def forwards(part: str) -> Step:
    """A ``RunPython`` step that makes a part."""

    def step(apps: Any, schema_editor: Any) -> None:
        for make, _ in _pairs(schema_editor.connection.vendor, part):
            schema_editor.execute(make, params=None)

    return step


def backwards(part: str) -> Step:
    """A ``RunPython`` step that takes a part away, last first."""

    def step(apps: Any, schema_editor: Any) -> None:
        for _, remove in reversed(_pairs(schema_editor.connection.vendor, part)):
            schema_editor.execute(remove, params=None)

    return step
