"""A connection of our own to one server: a session that no setting of the project shapes, and results as streams."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self

import MySQLdb
from django.db import Error as DjangoError
from django.db.backends.base.base import BaseDatabaseWrapper
from MySQLdb.constants import FIELD_TYPE

Found = tuple[Any, ...]

DATABASE_ERRORS = (MySQLdb.Error, DjangoError)

# What the driver makes of each type: numbers become numbers, all else stays the server's own text, or bytes.
CONVERSIONS = {
    **dict.fromkeys(
        (FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG, FIELD_TYPE.LONGLONG, FIELD_TYPE.YEAR),
        int,
    ),
    **dict.fromkeys((FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE), float),
    **dict.fromkeys((FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL), str),
    **dict.fromkeys((FIELD_TYPE.DATE, FIELD_TYPE.TIME, FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP), str),
    **dict.fromkeys((FIELD_TYPE.ENUM, FIELD_TYPE.SET), str),
}

# Strict, since a value that does not fit must be an error; but zero dates, impossible days and key 0 are values.
LOADING_MODE = "STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION"
LENIENT_MODE = "ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION"
_YEAR = 31_536_000  # seconds, the longest that the server takes
_SORTED_BYTES = 16_384  # of a value that are sorted by: more than any index holds
_PUT_TOGETHER = 16 * 1024 * 1024  # bytes of rows that are made one text: twice as many as a chunk has
_SETTINGS = {
    "time_zone": "'+00:00'",
    "sql_mode": "''",
    "wait_timeout": _YEAR,
    "net_write_timeout": _YEAR,
    "net_read_timeout": _YEAR,
    "max_sort_length": _SORTED_BYTES,
    "sql_select_limit": "DEFAULT",
    "sql_quote_show_create": 1,
    "max_error_count": 65_535,
    "group_concat_max_len": _PUT_TOGETHER,
    "foreign_key_checks": 1,
    "unique_checks": 1,
}
_MARIADB_SETTINGS = {
    "max_statement_time": 0,
    "idle_transaction_timeout": 0,
    "idle_readonly_transaction_timeout": 0,
    "check_constraint_checks": 1,
    "innodb_strict_mode": 0,  # row formats that the source's server let through
}
_MYSQL_SETTINGS = {"max_execution_time": 0}
_NO_SUCH_THREAD = 1094
_STEP_ROWS = 256
_IN_MEMORY = 8 * 1024 * 1024  # bytes of a parked result; more of it goes to a temporary file without a name


class Session:
    """Speaks to a server, in one database or (name None) in none. Raises the driver's errors (DATABASE_ERRORS).

    ``lock_wait`` is how many seconds a statement waits for somebody else's lock on a table.
    """

    def __init__(self, wrapper: BaseDatabaseWrapper, *, lock_wait: int = 30) -> None:
        self._wrapper = wrapper
        self._stream: Stream | None = None
        wrapper.ensure_connection()
        try:
            self._driver: Any = wrapper.connection
            version, packet, folds = self.query("SELECT VERSION(), @@max_allowed_packet, @@lower_case_table_names")[0]
            self.version = str(version)
            self.largest_packet = int(packet)
            self.folds_names = bool(folds)
            self.is_mariadb = "mariadb" in self.version.lower()
            self.run("SET NAMES utf8mb4")
            own = _MARIADB_SETTINGS if self.is_mariadb else _MYSQL_SETTINGS
            self.set(_SETTINGS | own | {"lock_wait_timeout": lock_wait})
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, whatever state it is in; a transaction under way is rolled back by the server."""
        self._stream = None
        self._wrapper.close()

    def set(self, variables: dict[str, Any]) -> None:
        """Set variables of this session to SQL expressions."""
        self.run("SET SESSION " + ", ".join(f"{variable} = {value}" for variable, value in variables.items()))

    def query(self, sql: str) -> list[Found]:
        """Run a statement and return all rows of its result; none where it has no result."""
        self.park()
        self._driver.query(sql.encode())
        result = self._driver.store_result()
        return list(result.fetch_row(0)) if result is not None else []

    def run(self, sql: str) -> int:
        """Run a statement and return how many rows it changed."""
        self.query(sql)
        changed: int = self._driver.affected_rows()
        return changed

    def value(self, sql: str) -> Any:
        """Return the one value of a result, or None."""
        rows = self.query(sql)
        return rows[0][0] if rows else None

    def warnings(self) -> list[tuple[int, str]]:
        """Return code and text of each warning of the statement before."""
        return [(int(code), str(said)) for _, code, said in self.query("SHOW WARNINGS")] if self._warned() else []

    def _warned(self) -> bool:
        return bool(self._driver.warning_count())

    def end(self, connection: int) -> None:
        """End another connection; nothing where it has ended by itself."""
        try:
            self.run(f"KILL {connection}")
        except MySQLdb.Error as error:
            if code_of(error) != _NO_SUCH_THREAD:
                raise

    def stream(self, sql: str, step: int = _STEP_ROWS) -> Stream:
        """Run a statement and return its rows as they come, fetched ``step`` at a time."""
        self.park()
        self._driver.query(sql.encode())
        self._stream = Stream(self, self._driver.use_result(), step)
        return self._stream

    def park(self) -> None:
        """Free the connection for another statement: what is left of a stream is put aside."""
        if self._stream is not None:
            self._stream.park()
            self._stream = None

    def left(self, stream: Stream) -> None:
        """Take note that a stream no longer keeps the connection busy."""
        if self._stream is stream:
            self._stream = None


class Stream:
    """The rows of one result. A connection carries one result at a time, so another statement parks this one."""

    def __init__(self, session: Session, result: Any, step: int) -> None:
        self._session, self._result, self._step = session, result, step
        self._parked: Any = None

    def __iter__(self) -> Iterator[Found]:
        try:
            while rows := self._fetch():
                yield from rows
        finally:
            self.close()

    def park(self) -> None:
        """Read the rest, for later."""
        aside = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (it outlives this call; close() closes)
        while rows := self._result.fetch_row(self._step):
            pickle.dump(rows, aside)
        aside.seek(0)
        self._parked, self._result = aside, None

    def close(self) -> None:
        """Let go of the result, read or not."""
        if self._result is not None:
            self._result.discard()
            self._result = None
            self._session.left(self)
        if self._parked is not None:
            self._parked.close()
            self._parked = None

    def _fetch(self) -> Iterable[Found]:
        if self._result is not None:
            rows: Iterable[Found] = self._result.fetch_row(self._step)
            return rows
        if self._parked is None:
            return ()
        try:
            kept: Iterable[Found] = pickle.load(self._parked)  # noqa: S301 (our own rows, put there by park())
        except EOFError:
            return ()
        return kept


def code_of(error: BaseException) -> int:
    """Return the server's or the client library's number of an error, 0 where it has none."""
    first = error.args[0] if error.args else 0
    return first if isinstance(first, int) else 0


def said(error: BaseException) -> str:
    """Return the text of an error, without its number, as part of a sentence."""
    told = str(error.args[1] if len(error.args) > 1 else error) or "the server gave no reason"
    return f"{told.removesuffix('.')} (error {code_of(error)})"


def prepared(options: dict[str, Any]) -> dict[str, Any]:
    """Return the OPTIONS of a DATABASES entry with what would shape our session replaced; how to connect stays."""
    ours = {"charset", "use_unicode", "isolation_level", "sql_mode", "conv", "cursorclass", "db", "database"}
    kept = {key: value for key, value in options.items() if key not in ours}
    return {**kept, "charset": "utf8mb4", "conv": CONVERSIONS}
