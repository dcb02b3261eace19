"""Puts the tables of one database in the place of another's, by one RENAME TABLE; the old tables move to a third one.

The server renames no database, so what hangs on names (triggers, views, routines, events) is taken away before that
statement and made again after it. What is to be done is written into a table of the third database first, so that
whoever comes next can finish it, or take it back where the statement was never run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial

import msgspec

from backups.engines.mysql import errors, locking, text
from backups.engines.mysql.dressing import Dress, dress, undressed, worn
from backups.engines.mysql.session import DATABASE_ERRORS, Session, code_of, said
from backups.exceptions import LockHeld, TargetError
from backups.progress import Progress, Step

_PLAN = "lifeboat_promotion"
_TRIES = 10
_WAIT = 2  # seconds that the statement waits for other people's transactions before they are ended again
_PATIENCE = 60  # seconds that a killed run's last statement may still take
_LOCK = "promotion of "


@dataclass(frozen=True, slots=True)
class Plan:
    """What a promotion does: the three databases, their tables, what hangs on names; ``made`` where live was not there."""

    live: str
    copy: str
    kept: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    old_dress: Dress
    new_dress: Dress
    made: bool = False


def obstacles(session: Session, live: str) -> list[str]:
    """Return why the tables of another database cannot be put in this one's place."""
    if not session.is_mariadb and not session.version.startswith("8"):
        return [f"The server {session.version} cannot rename several tables in one step that outlasts a crash."]
    if session.is_mariadb and tuple(map(int, session.version.split("-")[0].split(".")[:2])) < (10, 6):
        return [f"MariaDB {session.version} cannot rename several tables in one step that outlasts a crash; 10.6 can."]
    return _bound(session, live)


def promote(session: Session, live: str, copy: str, kept: str, progress: Progress) -> list[str]:
    """Put the tables of ``copy`` in the place of those of ``live``, which are kept in ``kept``."""
    with _alone(session, live, 0):
        bound = _bound(session, copy)
        if bound:
            raise TargetError(" ".join(bound), hint="Nothing was changed.")
        progress(Step("promote", "make the database that keeps the old tables"))
        plan = _planned(session, live, copy, kept, progress)
        try:
            _before(session, plan, progress)
            progress(Step("promote", "rename the tables"))
            _rename(session, plan)
        except DATABASE_ERRORS as error:
            _take_back(session, plan)
            raise TargetError(
                f"The tables of database {live} could not be exchanged: {said(error)}.{_who(session, live)}",
                hint="Nothing was changed. End what uses them, then try again.",
            ) from error
        except BaseException:
            if not _renamed(session, plan):
                _take_back(session, plan)
            raise
        return _after(session, plan, progress)


def finish(session: Session, live: str, copy: str, kept: str) -> bool:
    """Finish a promotion that was killed, or take it back; say whether the copy's tables stand in the place now."""
    with _alone(session, live, _PATIENCE):
        plan = _read(session, kept)
        if plan is not None:
            if _renamed(session, plan):
                _after(session, plan, lambda _: None)
                return True
            _take_back(session, plan)
            return False
        if _there(session, kept):
            if _tables(session, kept) in ((), (_PLAN,)):
                session.run(f"DROP DATABASE {text.name(kept)}")
                return False
            return True
        return _there(session, live) and not _there(session, copy)


def is_unfinished(session: Session, kept: str) -> bool:
    """Say whether the promotion that was to keep the old tables there was killed before its end."""
    return _read(session, kept) is not None


@contextmanager
def _alone(session: Session, live: str, patience: int) -> Iterator[None]:
    """Let one promotion at a time happen to a database; a killed one's lock ends with its last statement."""
    name = text.string(locking.lock_name(_LOCK + live))
    if session.value(f"SELECT GET_LOCK({name}, {patience})") != 1:
        raise LockHeld(f"Another run is about to replace database {live}.")
    try:
        yield
    finally:
        session.query(f"SELECT RELEASE_LOCK({name})")


def _planned(session: Session, live: str, copy: str, kept: str, progress: Progress) -> Plan:
    made = not _there(session, live)
    session.run(f"CREATE DATABASE {text.name(kept)}{_manner(session, copy if made else live)}")
    new = worn(session, copy)
    old = Dress() if made else worn(session, live)
    # What is made again belongs to whom it belonged to.
    new = new.owned_as(old)
    plan = Plan(live, copy, kept, () if made else _tables(session, live), _tables(session, copy), old, new, made)
    progress(Step("promote", "write down what is to be done"))
    table = f"{text.name(kept)}.{text.name(_PLAN)}"
    session.run(f"CREATE TABLE {table} (plan LONGTEXT NOT NULL) ENGINE=InnoDB CHARACTER SET utf8mb4")
    progress(Step("promote", "write it down"))
    session.run(f"INSERT INTO {table} VALUES ({text.string(msgspec.json.encode(asdict(plan)).decode())})")
    return plan


def _read(session: Session, kept: str) -> Plan | None:
    if _PLAN not in _tables(session, kept):
        return None
    rows = session.query(f"SELECT plan FROM {text.name(kept)}.{text.name(_PLAN)}")
    return msgspec.json.decode(str(rows[0][0]).encode(), type=Plan) if rows else None


def _before(session: Session, plan: Plan, progress: Progress) -> None:
    if plan.made:
        progress(Step("promote", "make the database"))
        session.run(f"CREATE DATABASE IF NOT EXISTS {text.name(plan.live)}{_manner(session, plan.copy)}")
    for database in (plan.copy, plan.live):
        progress(Step("promote", f"drop the triggers of {database}"))
        _insisting(session, database, partial(undressed, session, database, ("trigger",)))


def _rename(session: Session, plan: Plan) -> None:
    pairs = [(plan.live, plan.kept, table) for table in plan.old] + [
        (plan.copy, plan.live, table) for table in plan.new
    ]
    if not pairs:
        return
    moves = (
        f"{text.name(source)}.{text.name(name)} TO {text.name(target)}.{text.name(name)}"
        for source, target, name in pairs
    )
    _insisting(session, plan.live, partial(session.run, f"RENAME TABLE {', '.join(moves)}"))


def _insisting(session: Session, database: str, act: Callable[[], object]) -> None:
    """Do what needs tables for itself, ending whoever is connected to the database as often as it takes."""
    session.set({"lock_wait_timeout": _WAIT})
    for left in reversed(range(_TRIES)):
        try:
            locking.end_connections(session, database)
            act()
            return
        except DATABASE_ERRORS as error:
            if code_of(error) not in errors.LOCK_WAIT or not left:
                raise


def _after(session: Session, plan: Plan, progress: Progress) -> list[str]:
    """Make again what hangs on names; each step may be done twice."""
    notes = [f"What was replaced could not be kept whole, {lost}." for lost in plan.old_dress.lost]
    for database, wanted in ((plan.live, plan.new_dress), (plan.kept, plan.old_dress)):
        progress(Step("promote", f"make the triggers and views of {database}"))
        notes += dress(session, database, wanted)
    notes += _switched_off(session, plan.live)
    if _there(session, plan.copy) and not _tables(session, plan.copy):
        progress(Step("promote", "set the character set"))
        session.run(f"ALTER DATABASE {text.name(plan.live)}{_manner(session, plan.copy)}")
        progress(Step("promote", "drop what is left of the copy"))
        session.run(f"DROP DATABASE {text.name(plan.copy)}")
    progress(Step("promote", "strike the plan out"))
    gone = plan.made and not plan.old
    session.run(
        f"DROP DATABASE {text.name(plan.kept)}" if gone else f"DROP TABLE {text.name(plan.kept)}.{text.name(_PLAN)}"
    )
    progress(Step("promote", "done"))
    return notes


def _switched_off(session: Session, live: str) -> list[str]:
    """A copy's events never run, so those that the old database had not are made switched off."""
    sql = "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE STATUS <> 'ENABLED' AND EVENT_SCHEMA = "
    names = [str(name) for (name,) in session.query(sql + text.string(live))]
    return [f"Events that are switched off: {', '.join(names)}; ALTER EVENT … ENABLE switches one on."] if names else []


def _take_back(session: Session, plan: Plan) -> None:
    """Make everything as it was; the tables were not renamed."""
    if plan.made:
        if _there(session, plan.live) and not _tables(session, plan.live):
            session.run(f"DROP DATABASE {text.name(plan.live)}")
    else:
        dress(session, plan.live, plan.old_dress)
    if _there(session, plan.copy):
        dress(session, plan.copy, plan.new_dress)
    if _tables(session, plan.kept) == (_PLAN,):
        session.run(f"DROP DATABASE {text.name(plan.kept)}")


def _renamed(session: Session, plan: Plan) -> bool:
    """Say whether the one statement was run: it moves all tables or none."""
    return not set(plan.new) & set(_tables(session, plan.copy)) and set(plan.old) <= set(_tables(session, plan.kept))


def _there(session: Session, database: str) -> bool:
    return bool(session.query(f"SHOW DATABASES WHERE `Database` = {text.string(database)}"))


def _tables(session: Session, database: str) -> tuple[str, ...]:
    """Return the names of all that RENAME TABLE moves: tables and sequences."""
    sql = (
        "SELECT TABLE_NAME FROM information_schema.TABLES "
        f"WHERE TABLE_SCHEMA = {text.string(database)} AND TABLE_TYPE <> 'VIEW'"
    )
    return tuple(sorted(str(name) for (name,) in session.query(sql)))


def _manner(session: Session, database: str) -> str:
    charset, collation = session.query(
        "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA "
        f"WHERE SCHEMA_NAME = {text.string(database)}"
    )[0]
    return f" CHARACTER SET {text.name(str(charset))} COLLATE {text.name(str(collation))}"


def _bound(session: Session, database: str) -> list[str]:
    """Name the columns whose default names the database itself: it would go on pointing there."""
    sql = (
        "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS "
        f"WHERE TABLE_SCHEMA = {text.string(database)} AND INSTR(COLUMN_DEFAULT, {text.string(text.name(database) + '.')}) > 0"
    )
    return [
        f"The default of column {column} of table {table} takes numbers from a sequence of database {database} by that name."
        for table, column in session.query(sql)
    ]


def _who(session: Session, live: str) -> str:
    sql = f"SELECT ID, USER, HOST FROM information_schema.PROCESSLIST WHERE DB = {text.string(live)}"
    found = [f"connection {ident} of {user} from {host}" for ident, user, host in session.query(sql)]
    return f" Connected: {'; '.join(found)}." if found else ""
