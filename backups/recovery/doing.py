"""Carries a plan out: one transaction, in which every row is read back and compared before it is committed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backups.differences import by_name
from backups.engines.base import Engine
from backups.engines.editing import Editor
from backups.exceptions import RestoreError
from backups.facts import Among
from backups.ordering import ident
from backups.recovery.plan import Action, Planned, Recovery, key_text
from backups.recovery.relations import absent
from backups.rows import Cell
from backups.tables import Table

_AGAIN = "Nothing was changed. Run it again to see the plan as it is now."
_NOTHING = "Nothing was changed."


def carry_out(engine: Engine, recovery: Recovery) -> int:
    """Write the rows of a plan and return how many; raise RestoreError, with everything as it was, where one cannot be."""
    rows = recovery.writes
    if not rows:
        return 0
    with engine.editor(writing=True) as editor:
        tables = {table.qualified: table for table in editor.tables()}
        _refuse_altered(rows, tables)
        _refuse_changed(rows, _live(editor, rows))
        if recovery.cyclic:
            editor.defer()
        for row in rows:
            _write(editor, row)
        editor.advance(list({row.table.qualified: row.table for row in rows}.values()))
        _refuse_rewritten(rows, _live(editor, rows))
        _refuse_dangling(editor, recovery, tables)
        editor.commit()
    return len(rows)


def _write(editor: Editor, row: Planned) -> None:
    try:
        if row.action == Action.INSERT:
            editor.insert(row.table, row.values)
        else:
            editor.update(row.table, row.key, {each.column.name: each.then for each in row.fields})
    except (ValueError, KeyError) as error:
        raise RestoreError(
            f"{row.place} holds a value that the live table cannot: {error}.", table=row.table.qualified, hint=_NOTHING
        ) from error
    except RestoreError as error:
        raise RestoreError(f"{row.place} does not go in. {error}", table=row.table.qualified, hint=_NOTHING) from error


def _live(editor: Editor, rows: Iterable[Planned]) -> dict[tuple[str, tuple[str, ...]], dict[str, Cell]]:
    """Return the rows of these keys as they are now."""
    found = {}
    tables = {row.table.qualified: row.table for row in rows}
    for name, table in tables.items():
        keys = tuple(row.key for row in rows if row.table.qualified == name)
        for row in editor.rows(table, Among(table.pk, keys)):
            cells = by_name(table, row)
            found[name, ident(tuple(cells[column] for column in table.pk))] = cells
    return found


def _refuse_altered(rows: Iterable[Planned], tables: Mapping[str, Table]) -> None:
    for row in rows:
        if tables.get(row.table.qualified) != row.table:
            raise RestoreError(f"The table {row.table.qualified} was altered meanwhile.", hint=_AGAIN)


def _refuse_changed(rows: Iterable[Planned], live: Mapping[tuple[str, tuple[str, ...]], Mapping[str, Cell]]) -> None:
    """What somebody wrote between plan and deed was not part of what was agreed to."""
    for row in rows:
        if live.get((row.table.qualified, ident(row.key))) != row.now:
            raise RestoreError(f"{row.place} was changed by somebody else meanwhile.", hint=_AGAIN)


def _refuse_rewritten(rows: Iterable[Planned], live: Mapping[tuple[str, tuple[str, ...]], Mapping[str, Cell]]) -> None:
    for row in rows:
        there = live.get((row.table.qualified, ident(row.key)), {})
        wrong = [name for name, cell in row.values.items() if name not in there or there[name] != cell]
        if wrong:
            raise RestoreError(
                f"{row.place} did not come back as it was: {', '.join(wrong)} is not what was written, as where a trigger "
                "or the column's type changes it.",
                table=row.table.qualified,
                hint=_NOTHING,
            )


def _refuse_dangling(editor: Editor, recovery: Recovery, tables: Mapping[str, Table]) -> None:
    """Look at every foreign key of what was written: not every engine does so before the commit."""
    for reference in recovery.references:
        pointing = {}
        for row in (row for row in recovery.writes if row.table.qualified == reference.table):
            cells = [{**(row.now or {}), **row.values}.get(name) for name in reference.columns]
            key = tuple(cell for cell in cells if cell is not None)
            if len(key) == len(cells):
                pointing[ident(key)] = key, row
        lost = absent(editor, tables[reference.parent], reference.targets, [key for key, _ in pointing.values()])
        if lost:
            raise RestoreError(
                f"{pointing[ident(lost[0])][1].place} points by {', '.join(reference.columns)} at {reference.parent} "
                f"{key_text(lost[0])}, which is not there.",
                table=reference.table,
                hint=_NOTHING,
            )
