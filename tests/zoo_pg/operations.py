"""Migration operations that only one vendor's databases get, and raw statements in pairs."""

from collections.abc import Sequence
from typing import Any

from django.db.migrations.operations import RunPython, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

Pairs = Sequence[tuple[str, str]]


class OnlyOn(SeparateDatabaseAndState):
    """Operations that change the state everywhere, and the database only where it is of this vendor."""

    serialization_expand_args = ["operations"]

    def __init__(self, vendor: str, operations: Sequence[Operation]) -> None:
        self.vendor = vendor
        self.operations = list(operations)
        super().__init__(database_operations=self.operations, state_operations=self.operations)

    def deconstruct(self) -> Any:
        return type(self).__qualname__, [self.vendor, self.operations], {}

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == self.vendor:
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == self.vendor:
            super().database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return f"Only on {self.vendor}: " + "; ".join(operation.describe() for operation in self.operations)


class RunPairs(RunPython):
    """Raw statements, each with the one that takes back what it made; run as they are, percent signs and all."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs

        def forwards(apps: Any, schema_editor: Any) -> None:
            for make, _ in pairs:
                schema_editor.execute(make, params=None)

        def backwards(apps: Any, schema_editor: Any) -> None:
            for _, remove in reversed(pairs):
                schema_editor.execute(remove, params=None)

        super().__init__(forwards, backwards, atomic=False)

    def deconstruct(self) -> Any:
        return type(self).__qualname__, [self.pairs], {}
