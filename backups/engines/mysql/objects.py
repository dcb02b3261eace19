"""What a database holds beside its tables: views, routines, triggers, events and sequences, as statements."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from backups.engines.mysql import text
from backups.engines.mysql.session import DATABASE_ERRORS, Session, code_of
from backups.facts import Uncovered
from backups.schema import Sequence, Statement

# Statements of these kinds are two: the session that they mean what they mean in, then what makes the object.
_HEADER_END = ";\n"
_DENIED = {1142, 1227, 1370}
_EVENT_STATE = re.compile(r"(ON COMPLETION (?:NOT )?PRESERVE) (?:ENABLE|DISABLE(?: ON (?:SLAVE|REPLICA))?)\b")
_ROUTINES = ("FUNCTION", "PROCEDURE", "PACKAGE", "PACKAGE BODY")


@dataclass(slots=True)
class Objects:
    """What was found, and what of it cannot be backed up. ``views`` is by name: the names that a view may read from."""

    before: list[Statement] = field(default_factory=list)
    after: list[Statement] = field(default_factory=list)
    uncovered: list[Uncovered] = field(default_factory=list)
    views: dict[str, set[str]] = field(default_factory=dict)


def capture(session: Session, database: str) -> Objects:
    """Capture the objects of the database that the session is in."""
    found = Objects()
    user = str(session.value("SELECT CURRENT_USER()"))
    found.before = [_sequence(session, name) for name in sequence_names(session, database)]
    _routines(session, database, found, user)
    _views(session, database, found, user)
    _triggers(session, database, found, user)
    _events(session, database, found, user)
    return found


def parts(sql: str) -> tuple[str, str]:
    """Return the two statements of a ``Statement``: the one that prepares the session, empty where none is needed."""
    header, end, body = sql.partition(_HEADER_END)
    return (header, body) if end and header.startswith("SET ") else ("", sql)


def is_event(sql: str) -> bool:
    """Say whether a ``Statement``'s text makes an event."""
    return parts(sql)[1].startswith("CREATE EVENT ")


def disabled(sql: str) -> str:
    """Return a CREATE EVENT statement that makes an event which does not run."""
    return _EVENT_STATE.sub(r"\1 DISABLE", sql, count=1)


def sequence_names(session: Session, database: str) -> list[str]:
    """Return the names of MariaDB's sequences."""
    return _tables_of(session, database, "SEQUENCE")


def sequence_state(session: Session, name: str) -> Sequence:
    """Return where a sequence stands: past the numbers that the server holds ready, so that none is given twice."""
    value = session.value(f"SELECT next_not_cached_value FROM {text.name(name)}")
    return Sequence(name, int(value), called=False)


def _sequence(session: Session, name: str) -> Statement:
    return Statement("sequence", name, str(session.query(f"SHOW CREATE SEQUENCE {text.name(name)}")[0][1]))


def _tables_of(session: Session, database: str, kind: str) -> list[str]:
    sql = (
        "SELECT TABLE_NAME FROM information_schema.TABLES "
        f"WHERE TABLE_SCHEMA = {text.string(database)} AND TABLE_TYPE = {text.string(kind)}"
    )
    return sorted(str(row[0]) for row in session.query(sql))


def _header(**variables: str) -> str:
    settings = ", ".join(f"{variable} = {text.string(value)}" for variable, value in variables.items())
    return f"SET {settings}{_HEADER_END}"


def _note_definer(found: Objects, kind: str, name: str, definer: str, user: str) -> None:
    if definer and definer != user:
        reason = f"it acts as {definer}; a restored {kind} acts as whoever restores it"
        found.uncovered.append(Uncovered("definer", f"{kind} {name}", reason))


def _routines(session: Session, database: str, found: Objects, user: str) -> None:
    sql = (
        "SELECT ROUTINE_TYPE, ROUTINE_NAME, DEFINER FROM information_schema.ROUTINES "
        f"WHERE ROUTINE_SCHEMA = {text.string(database)}"
    )
    for kind, name, definer in sorted(session.query(sql), key=lambda row: (_ROUTINES.index(row[0]), row[1])):
        _, mode, create, _, collation, _ = session.query(f"SHOW CREATE {kind} {text.name(name)}")[0]
        if create is None:
            reason = "this user has no right to see its body (SHOW CREATE ROUTINE, or SELECT on mysql.proc)"
            found.uncovered.append(Uncovered(kind.lower(), name, reason))
            continue
        body, _ = text.without_definer(create)
        header = _header(sql_mode=mode, collation_connection=collation)
        found.after.append(Statement(kind.lower(), name, header + body))
        _note_definer(found, kind.lower(), name, definer, user)


def _views(session: Session, database: str, found: Objects, user: str) -> None:
    made: dict[str, Statement] = {}
    for name in _tables_of(session, database, "VIEW"):
        try:
            _, create, _, collation = session.query(f"SHOW CREATE VIEW {text.name(name)}")[0]
        except DATABASE_ERRORS as error:
            if code_of(error) not in _DENIED:
                raise
            found.uncovered.append(Uncovered("view", name, "this user has no SHOW VIEW right on it"))
            continue
        if session.warnings():
            reason = "it reads from something that is not there, or that its definer may not read"
            found.uncovered.append(Uncovered("view", name, reason))
            continue
        body, definer = text.without_definer(create)
        made[name] = Statement("view", name, _header(collation_connection=collation) + body)
        found.views[name] = text.mentioned(body.partition(" AS ")[2])
        _note_definer(found, "view", name, definer, user)
    found.after += [made[name] for name in dependency_order(found.views)]


def dependency_order(needs: dict[str, set[str]]) -> list[str]:
    """Return the names so that each comes after those it needs; others' names are ignored."""
    ordered: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in ordered or name in path:
            return
        for other in sorted(needs[name] & needs.keys()):
            visit(other, (*path, name))
        ordered.append(name)

    for name in sorted(needs):
        visit(name, ())
    return ordered


def _triggers(session: Session, database: str, found: Objects, user: str) -> None:
    sql = (
        "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_STATEMENT, SQL_MODE, "
        "COLLATION_CONNECTION, DEFINER FROM information_schema.TRIGGERS "
        f"WHERE TRIGGER_SCHEMA = {text.string(database)} "
        "ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER"
    )
    for name, table, timing, event, body, mode, collation, definer in session.query(sql):
        # Put together anew: the text as it was typed may say which database it is in.
        create = f"CREATE TRIGGER {text.name(name)} {timing} {event} ON {text.name(table)} FOR EACH ROW {body}"
        header = _header(sql_mode=mode, collation_connection=collation)
        found.after.append(Statement("trigger", name, header + create, table))
        _note_definer(found, "trigger", name, definer, user)


def _events(session: Session, database: str, found: Objects, user: str) -> None:
    sql = f"SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = {text.string(database)}"
    for (name,) in sorted(session.query(sql)):
        _, mode, zone, create, _, collation, _ = session.query(f"SHOW CREATE EVENT {text.name(name)}")[0]
        body, definer = text.without_definer(create)
        header = _header(sql_mode=mode, collation_connection=collation, time_zone=zone)
        found.after.append(Statement("event", name, header + body))
        reason = "it is restored switched off, so that it never runs in a copy; ALTER EVENT … ENABLE switches it on"
        found.uncovered.append(Uncovered("event", name, reason))
        _note_definer(found, "event", name, definer, user)


def unseen(session: Session, database: str) -> Iterable[Uncovered]:
    """Name the kinds of object that this user has no right to see, so that nobody knows whether there are any."""
    for kind, right in (("trigger", "TRIGGER"), ("event", "EVENT"), ("routine", "EXECUTE")):
        if not has_right(session, database, right):
            yield Uncovered(kind, "(all)", f"this user has no {right} right, so nobody can tell whether there are any")


def has_right(session: Session, database: str, right: str) -> bool:
    """Say whether the session's user has a right on a whole database, by what SHOW GRANTS tells.

    Rights that come with a role are not looked into: whoever has one is believed to have them.
    """
    for (grant,) in session.query("SHOW GRANTS"):
        said = re.match(r"GRANT (.+?) ON (\*|`(?:[^`]|``)*`)\.\* TO ", grant)
        if said is None:
            if re.match(r"GRANT `[^`]*`(?:@`[^`]*`)?(?:, ?`[^`]*`(?:@`[^`]*`)?)* TO ", grant):
                return True
            continue
        rights = {entry.strip() for entry in said[1].split(",")}
        if rights & {right, "ALL PRIVILEGES", "ALL"} and _covers(said[2], database):
            return True
    return False


def _covers(pattern: str, database: str) -> bool:
    if pattern == "*":
        return True
    signs = re.findall(r"\\.|.", text.unquoted(pattern), re.DOTALL)
    wild = {"%": ".*", "_": "."}
    expression = "".join(wild.get(sign) or re.escape(sign.removeprefix("\\") or sign) for sign in signs)
    return re.fullmatch(expression, database, re.DOTALL | re.IGNORECASE) is not None
