"""The server's errors as ours: which number means what, said as a sentence about this database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from backups.engines.mysql.session import DATABASE_ERRORS, code_of, said
from backups.exceptions import BackupsError, SourceChanged, SourceCorrupt, SourceError, TargetError, TargetExists

UNKNOWN_DATABASE = 1049
DATABASE_EXISTS = 1007
LOCK_WAIT = {1205, 1213}
TRUNCATED = 1265
_CHANGED = {1054, 1146, 1356, 1412}
_CORRUPT = {126, 127, 1034, 1035, 1194, 1195, 1712, 1877, 1932, 1969}
_DENIED = {1044, 1045, 1142, 1143, 1227, 1370, 1698}
GONE = {2006, 2013, 1927, 1053, 1152}
_UNREACHABLE = {2002, 2003, 2005}


@contextmanager
def reading(database: str) -> Iterator[None]:
    """Turn the errors of reading into SourceError and its kinds; ``database`` is how a sentence names it."""
    try:
        yield
    except DATABASE_ERRORS as error:
        raise _source(error, database) from error


def _source(error: Exception, database: str) -> SourceError:
    code, told = code_of(error), said(error)
    if code in _CHANGED:
        return SourceChanged(
            f"A table of {database} was altered, truncated or dropped while it was being read: {told}."
        )
    if code in _CORRUPT:
        return SourceCorrupt(f"{_first(database)} is damaged: {told}.")
    if code in LOCK_WAIT:
        return SourceChanged(f"A table of {database} is locked by somebody who alters it: {told}.")
    if code == UNKNOWN_DATABASE:
        return SourceError(f"There is no {database}.", hint="Bring it back: manage.py restore_db --replace.")
    if code in _DENIED:
        return SourceError(f"{_first(database)} cannot be read with this user's rights: {told}.")
    if code in GONE:
        return SourceError(f"The connection to {database} was lost: {told}.", hint="No backup was taken. Try again.")
    if code in _UNREACHABLE:
        return SourceError(f"The server of {database} cannot be reached: {told}.")
    return SourceError(f"{_first(database)} cannot be read: {told}.")


@contextmanager
def making(database: str) -> Iterator[None]:
    """Turn the errors of making or removing a database into TargetError and its kinds."""
    try:
        yield
    except DATABASE_ERRORS as error:
        raise _target(error, database) from error


def _target(error: Exception, database: str) -> BackupsError:
    code, told = code_of(error), said(error)
    if code == DATABASE_EXISTS:
        return TargetExists(f"{_first(database)} exists already.")
    if code in _DENIED:
        return TargetError(
            f"{_first(database)} cannot be made or removed with this user's rights: {told}.",
            hint="The user needs the rights on that database: GRANT ALL ON `lifeboat\\_%`.* for throw-away ones.",
        )
    if code in _UNREACHABLE:
        return TargetError(f"The server of {database} cannot be reached: {told}.")
    return TargetError(f"{_first(database)} cannot be made or removed: {told}.")


def _first(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
