"""What hangs on a database's name and moves with none of its tables: triggers, views, routines and events."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from backups.engines.mysql import objects, text
from backups.engines.mysql.session import DATABASE_ERRORS, LOADING_MODE, Session, said

_DEFINERS = {
    "trigger": "SELECT TRIGGER_NAME, DEFINER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ",
    "view": "SELECT TABLE_NAME, DEFINER FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ",
    "event": "SELECT EVENT_NAME, DEFINER FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ",
    "procedure": (
        "SELECT ROUTINE_NAME, DEFINER FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'PROCEDURE' AND ROUTINE_SCHEMA = "
    ),
    "function": (
        "SELECT ROUTINE_NAME, DEFINER FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'FUNCTION' AND ROUTINE_SCHEMA = "
    ),
}
_LOSABLE = frozenset(_DEFINERS) - {"event"}
_HEAD = re.compile(r"CREATE (?:ALGORITHM ?= ?\w+ )?")


@dataclass(frozen=True, slots=True)
class Piece:
    """One of them. ``sql`` is as ``Statement`` has it, without its definer, who is ``user@host``."""

    kind: str
    name: str
    sql: str
    definer: str = ""


@dataclass(frozen=True, slots=True)
class Dress:
    """All of a database, in the order in which they are made; ``lost`` says what could not be read, and why."""

    pieces: tuple[Piece, ...] = ()
    lost: tuple[str, ...] = ()

    def owned_as(self, other: Dress) -> Dress:
        """Return the same with the definers of ``other``, where it has a piece of that kind and name."""
        known = {(piece.kind, piece.name): piece.definer for piece in other.pieces}
        pieces = (replace(one, definer=known.get((one.kind, one.name), one.definer)) for one in self.pieces)
        return Dress(tuple(pieces), self.lost)


def worn(session: Session, database: str) -> Dress:
    """Return what hangs on the name of a database."""
    session.run(f"USE {text.name(database)}")
    captured = objects.capture(session, database)
    found = captured.after
    # An event is named there only because a copy's never runs.
    lost = [f"{one.kind} {one.name}: {one.reason}" for one in captured.uncovered if one.kind in _LOSABLE]
    definers = {
        (kind, str(name)): str(definer)
        for kind, sql in _DEFINERS.items()
        for name, definer in session.query(sql + text.string(database))
    }
    return Dress(tuple(Piece(s.kind, s.name, s.sql, definers.get((s.kind, s.name), "")) for s in found), tuple(lost))


def dress(session: Session, database: str, wanted: Dress) -> list[str]:
    """Have a database wear just that: what is there already stays, definer and grants and all.

    Returns a sentence for each piece that could not be made as it was.
    """
    there = {(piece.kind, piece.name): piece for piece in worn(session, database).pieces}
    known = {(piece.kind, piece.name): piece for piece in wanted.pieces}
    for key in _named(session, database):
        if key not in known or key not in there or not _equal(there[key], known[key]):
            _drop(session, database, *key)
            there.pop(key, None)
    notes = []
    for piece in wanted.pieces:
        if (piece.kind, piece.name) not in there:
            notes += _made(session, database, piece)
    return notes


def undressed(session: Session, database: str, kinds: Iterable[str]) -> None:
    """Take pieces of these kinds off a database."""
    for kind, name in _named(session, database):
        if kind in kinds:
            _drop(session, database, kind, name)


def _named(session: Session, database: str) -> list[tuple[str, str]]:
    return [
        (kind, str(name)) for kind, sql in _DEFINERS.items() for name, _ in session.query(sql + text.string(database))
    ]


def _equal(one: Piece, other: Piece) -> bool:
    if one.kind == "event":
        return objects.disabled(one.sql) == objects.disabled(other.sql)
    return one.sql == other.sql


def _drop(session: Session, database: str, kind: str, name: str) -> None:
    session.run(f"DROP {kind.upper()} IF EXISTS {text.name(database)}.{text.name(name)}")


def _made(session: Session, database: str, piece: Piece) -> list[str]:
    """Make a piece for its definer, or where that is not allowed for whoever we are."""
    header, body = objects.parts(piece.sql)
    user, _, host = piece.definer.rpartition("@")
    definer = f"DEFINER={text.name(user)}@{text.name(host)} " if user else ""
    owned = _HEAD.sub(lambda head: head[0] + definer, body, count=1)
    session.run(f"USE {text.name(database)}")
    zone, mode = text.string("+00:00"), text.string(LOADING_MODE)
    session.run(header or f"SET time_zone = {zone}, sql_mode = {mode}")
    try:
        trouble: Exception | None = None
        for sql in dict.fromkeys((owned, body)):
            try:
                session.run(objects.disabled(sql) if piece.kind == "event" else sql)
            except DATABASE_ERRORS as error:
                trouble = trouble or error
                continue
            if trouble is None:
                return []
            return [f"The {piece.kind} {piece.name} acts as whoever restored it, and no more as {piece.definer}."]
        return (
            [f"The {piece.kind} {piece.name} of database {database} could not be made: {said(trouble)}."]
            if trouble
            else []
        )
    finally:
        session.run("SET NAMES utf8mb4")
        session.run(f"SET time_zone = {zone}, sql_mode = ''")
