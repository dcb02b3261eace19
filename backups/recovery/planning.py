"""Plans a recovery: rows are gathered, fitted to the live tables, compared with what is there, and put in order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from backups.cells import typed
from backups.contents import Contents
from backups.differences import by_name, changed
from backups.engines.base import is_named
from backups.engines.editing import Editor
from backups.exceptions import ConfigurationError, EngineMismatch, RestoreError
from backups.facts import Among, Key, Reference
from backups.lookup import Lookup
from backups.manifest import Manifest, TableEntry
from backups.ordering import ident
from backups.recovery.fitting import Fit, fit
from backups.recovery.gathering import Found, Gathering
from backups.recovery.plan import Action, Planned, Recovery, key_text
from backups.recovery.relations import model_references, usable
from backups.rows import Cell
from backups.tables import Table

_MOST_SAID = 10


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks for: rows of a model or table, by primary keys as they are typed."""

    model: str
    keys: tuple[str, ...]
    children: bool = False
    overwrite: bool = False
    leave_out: tuple[str, ...] = ()


def plan(contents: Contents, editor: Editor, vendor: str, request: Request) -> Recovery:
    """Return what the recovery would do; raise what would stop it. Only reads, in the one view of ``editor``."""
    manifest = contents.manifest
    if manifest.engine.vendor != vendor:
        raise EngineMismatch(
            f"The backup {manifest.run} was taken from {manifest.engine.vendor}, and the database is {vendor}.",
            hint="Nothing was changed. Single rows come back into the engine that they were backed up from.",
        )
    asked = entry_named(manifest, request.model)
    keys = [_key(asked.table, text) for text in dict.fromkeys(request.keys)]
    live = {table.qualified: table for table in editor.tables()}
    known = [table for table in live.values() if manifest.table(table.qualified)]
    enforced = usable(editor.references(), known)
    references = usable([*enforced, *model_references(known)], [_shared(manifest, table) for table in known])
    lookup = Lookup(contents, editor.is_below)
    gathering = Gathering(contents, editor, lookup, live, references, enforced)
    if asked.table.qualified not in live:
        raise _without_table(asked.table)
    gathering.ask(asked, keys)
    gathering.follow(children=request.children)
    rows, circle = _in_order(gathering.found, references)
    fits = _fits(rows, live, request.leave_out)
    planned = list(_planned(editor, rows, fits))
    recovery = Recovery(
        manifest.run,
        tuple(planned),
        request.overwrite,
        circle,
        tuple(enforced),
        len(lookup.opened),
        manifest.totals.chunks,
        {name: each.left_out for name, each in fits.items() if each.left_out},
        tuple(gathering.notes),
    )
    _refuse_conflicts(editor, recovery)
    return recovery


def entry_named(manifest: Manifest, name: str) -> TableEntry:
    """Return the table of a backup that a label or a name means; raise ConfigurationError where none does, or several."""
    found = [entry for entry in manifest.tables if is_named(entry.table, {name})]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigurationError(f"{name!r} is not one table: {', '.join(e.table.qualified for e in found)}.")
    near = [e.table.label for e in manifest.tables if name.lower().rpartition(".")[2] in e.table.label]
    hint = f"It has {', '.join(near[:_MOST_SAID])}." if near else "Give a model such as shop.order, or a table's name."
    raise ConfigurationError(f"The backup {manifest.run} has no table for {name!r}.", hint=hint)


def _key(table: Table, text: str) -> Key:
    if not table.pk:
        raise ConfigurationError(f"The rows of {table.qualified} have no key, so none of them can be named.")
    parts = text.split(",") if len(table.pk) > 1 else [text]
    if len(parts) != len(table.pk):
        raise ConfigurationError(
            f"{text!r} is not a key of {table.qualified}, which is made of {', '.join(table.pk)}.",
            hint="Write its parts with commas between them.",
        )
    return tuple(typed(table.column(name), part) for name, part in zip(table.pk, parts, strict=True))


def _shared(manifest: Manifest, live: Table) -> Table:
    """Return the live table's description in the backup, whose columns a reference needs too."""
    entry = manifest.table(live.qualified)
    return entry.table if entry else live


def _without_table(table: Table) -> RestoreError:
    return RestoreError(
        f"The live database has no table {table.qualified}, which the backup holds as {table.label}.",
        table=table.qualified,
        hint="Nothing was changed. Restore the backup beside it: manage.py restore_db --to NAME.",
    )


def _fits(rows: Iterable[Found], live: Mapping[str, Table], leave_out: Collection[str]) -> dict[str, Fit]:
    fits: dict[str, Fit] = {}
    for table in (found.table for found in rows):
        if table.qualified not in live:
            raise _without_table(table)
        if table.qualified not in fits:
            fits[table.qualified] = fit(table, live[table.qualified], leave_out)
    problems = [problem for each in fits.values() for problem in each.problems]
    if problems:
        raise RestoreError(
            f"The rows of this backup do not fit the live tables: {'; '.join(problems)}.",
            hint="Nothing was changed. --leave-out COLUMN brings them back without that column.",
        )
    return fits


def _planned(editor: Editor, rows: Sequence[Found], fits: Mapping[str, Fit]) -> Iterator[Planned]:
    now = dict(_now(editor, rows, fits))
    for found in rows:
        each = fits[found.table.qualified]
        values, there = each.values(found.cells), now.get(found.ident)
        key = found.values(found.table.pk) or ()
        if there is None:
            yield Planned(each.table, Action.INSERT, found.why, key, {**each.defaults, **values})
            continue
        fields = changed(each.table, values, there)
        action = Action.UPDATE if fields else Action.UNCHANGED
        yield Planned(each.table, action, found.why, key, values, there, fields)


def _now(
    editor: Editor, rows: Sequence[Found], fits: Mapping[str, Fit]
) -> Iterator[tuple[tuple[str, tuple[str, ...]], dict[str, Cell]]]:
    for name, each in fits.items():
        keys = tuple(key for found in rows if found.table.qualified == name and (key := found.values(found.table.pk)))
        for row in editor.rows(each.table, Among(each.table.pk, keys)):
            cells = by_name(each.table, row)
            yield (name, ident(tuple(cells[column] for column in each.table.pk))), cells


def _in_order(
    found: Mapping[tuple[str, tuple[str, ...]], Found], references: Collection[Reference]
) -> tuple[list[Found], bool]:
    """Return the rows with parents before children, and whether some of them stand in a circle."""
    pointed: dict[tuple[str, tuple[str, ...], tuple[str, ...]], Found] = {}
    for one in found.values():
        for reference in references:
            if reference.parent == one.table.qualified and (key := one.values(reference.targets)):
                pointed[reference.parent, reference.targets, ident(key)] = one
    parents: dict[tuple[str, tuple[str, ...]], list[Found]] = {name: [] for name in found}
    for name, one in found.items():
        for reference in references:
            if reference.table == one.table.qualified and (key := one.values(reference.columns)):
                parent = pointed.get((reference.parent, reference.targets, ident(key)))
                parents[name] += [parent] if parent else []
    return _sorted(found, parents)


def _sorted(
    found: Mapping[tuple[str, tuple[str, ...]], Found], parents: Mapping[tuple[str, tuple[str, ...]], list[Found]]
) -> tuple[list[Found], bool]:
    ordered: dict[tuple[str, tuple[str, ...]], Found] = {}
    circle = False
    for start in found.values():
        stack, open_rows = [(start, iter(parents[start.ident]))], {start.ident}
        while stack:
            one, rest = stack[-1]
            parent = next(rest, None)
            if parent is None:
                stack.pop()
                open_rows.discard(one.ident)
                ordered.setdefault(one.ident, one)
            elif parent.ident in open_rows:
                circle = circle or parent.ident != one.ident
            elif parent.ident not in ordered:
                stack.append((parent, iter(parents[parent.ident])))
                open_rows.add(parent.ident)
    return list(ordered.values()), circle


def _refuse_conflicts(editor: Editor, recovery: Recovery) -> None:
    """Raise RestoreError where a row that is to come would have the same unique values as another that is live."""
    conflicts = []
    for table in {row.table.qualified: row.table for row in recovery.writes}.values():
        rows = [row for row in recovery.writes if row.table.qualified == table.qualified]
        for columns in editor.unique(table):
            if set(columns) != set(table.pk) and {c.name for c in table.columns}.issuperset(columns):
                conflicts += list(_conflicts(editor, table, columns, rows))
    if conflicts:
        more = f" And {len(conflicts) - _MOST_SAID} more." if len(conflicts) > _MOST_SAID else ""
        raise RestoreError(
            " ".join(conflicts[:_MOST_SAID]) + more,
            hint="Nothing was changed. Change or delete these live rows first.",
        )


def _conflicts(editor: Editor, table: Table, columns: tuple[str, ...], rows: Sequence[Planned]) -> Iterator[str]:
    taken: dict[tuple[str, ...], list[Planned]] = {}
    keys: list[Key] = []
    for row in rows:
        cells = [{**(row.now or {}), **row.values}.get(name) for name in columns]
        key = tuple(cell for cell in cells if cell is not None)
        if len(key) == len(cells):
            taken.setdefault(ident(key), []).append(row)
            keys.append(key)
    moving = {ident(row.key) for row in rows if any(field.column.name in columns for field in row.fields)}
    for found in editor.rows(table, Among(columns, tuple(keys))) if keys else ():
        there = by_name(table, found)
        own = tuple(cell for name in table.pk if (cell := there[name]) is not None)
        # Equal by a collation need not be equal to the letter; then it is not known which of the rows it is.
        same = taken.get(ident(tuple(there[name] for name in columns)), rows)
        if ident(own) not in moving and not any(ident(row.key) == ident(own) for row in same):
            name = same[0].place if len(same) == 1 else f"A row of {table.qualified}"
            yield f"{name} cannot come back: the live row {key_text(own)} has the same {', '.join(columns)}."
