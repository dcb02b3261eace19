"""A storage that fails as it is told, and a crash at every storage operation of a verb.

    def test_a_prune_that_dies(world):                      # the fixture of this module
        ...                                                 # make backups; what is there now is remembered
        points = every_crash(world, lambda: prune_backups(world.alias), check)

``every_crash`` runs the verb once to learn its operations, then once for each of them and each way to die: before it,
after it, and with half of its bytes stored (of what only reads: before it, since the storage is the same after it;
LIFEBOAT_TEST_ALL=1 tries that too). After each it calls ``check(point)`` on what the dead process left, with
the storage whole again, and puts everything back: storage, databases, catalogue. A crash is a kill: it passes every
``except Exception``, nothing that the process does afterwards reaches the storage, and its beats are a dead process's.

Single failures: ``world.storage.arm(Fault(Effect.TRUNCATE, verb="save", name="chunks/"))``.
"""

from __future__ import annotations

import errno
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import pytest
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage, storages
from django.db import connections
from django.test import override_settings
from django.utils import timezone

from backups.engines import engine_for
from backups.engines.base import Engine
from backups.repository import Repository
from tests.databases import SQLiteServer, registered

Result = TypeVar("Result")

EVERYTHING = os.environ.get("LIFEBOAT_TEST_ALL") == "1"
"""Whether to take the time for what finds nothing that the ordinary run does not."""


class Crashed(BaseException):
    """The process died here: no ``except Exception`` sees it."""


class Effect(StrEnum):
    """What goes wrong with one operation."""

    CRASH_BEFORE = "dies before"
    CRASH_MIDDLE = "dies in the middle of"  # of a save: half of the bytes are there under the name
    CRASH_AFTER = "dies after"
    RAISE_BEFORE = "is refused"
    RAISE_AFTER = "is done, and the caller is told that it was not"
    FULL = "finds no room after half of the bytes"
    TRUNCATE = "stores half of the bytes and says nothing"
    FLIP = "reads one bit wrong"
    STALE = "lists what was there when the fault was armed"
    SLOW = "takes a fifth of a second"
    LIE = "says that it deleted, and did not"


CRASHES = (Effect.CRASH_BEFORE, Effect.CRASH_MIDDLE, Effect.CRASH_AFTER)
_WAYS = {"save": CRASHES, "delete": (Effect.CRASH_BEFORE, Effect.CRASH_AFTER)}
_READING = _WAYS["delete"] if EVERYTHING else (Effect.CRASH_BEFORE,)
_HALVES = (Effect.CRASH_MIDDLE, Effect.FULL, Effect.TRUNCATE)


@dataclass(frozen=True)
class Operation:
    """One call: ``save``, ``open``, ``exists``, ``listdir``, ``delete``, ``size`` or ``get_modified_time``."""

    verb: str
    name: str

    def kind(self) -> tuple[str, list[str]]:
        """What is the same in two runs: the verb and the folder, but of what is read, which may be several at once."""
        return self.verb, [] if self.verb == "open" else self.name.split("/")[:2]


@dataclass
class Fault:
    """One effect on the operation of that number, or on those of that verb whose name has those words; ``times`` -1: all."""

    effect: Effect
    at: int | None = None
    verb: str = ""
    name: str = ""
    times: int = 1

    def fits(self, number: int, operation: Operation) -> bool:
        """Say whether it is this operation's turn."""
        there = self.at in (None, number) and self.verb in ("", operation.verb) and self.name in operation.name
        return there and self.times != 0


@dataclass(frozen=True)
class Point:
    """Where a process died."""

    number: int
    effect: Effect
    operation: Operation

    def __str__(self) -> str:
        return f"it {self.effect.value} operation {self.number}, {self.operation.verb} {self.operation.name}"


class FaultyStorage(Storage):
    """A storage of objects in memory, with faults. One operation at a time; all are noted in ``operations``."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.ahead = timedelta()  # of its clock, before the real one
        self.objects: dict[str, bytes] = {}
        self._modified: dict[str, datetime] = {}
        self._lock = threading.RLock()
        self.heal()

    def arm(self, *faults: Fault) -> None:
        """Fail so from here on; operations are counted from here, from 0."""
        self.heal()
        self._then = list(self.objects)
        self._faults = list(faults)

    def heal(self) -> None:
        """Work from here on; operations are counted anew."""
        self._faults: list[Fault] = []
        self._dead = False
        self.operations = []

    def age(self, name: str, age: timedelta) -> None:
        """Say that an object was stored so long ago."""
        self._modified[name] = timezone.now() - age

    # Django's interface

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        return self._do("open", name, lambda: self._read(name))

    def _save(self, name: str, content: File[Any]) -> str:
        data = content.read()
        return self._do("save", name, lambda half=False: self._put(name, data[: len(data) // 2] if half else data))

    def delete(self, name: str) -> None:
        self._do("delete", name, lambda: self.objects.pop(name, None))

    def exists(self, name: str) -> bool:
        return self._do("exists", name, lambda: name in self.objects)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """A folder is what is before a slash in names: none is empty, and none is missing."""
        return self._do("listdir", path, lambda: _listing(self.objects, path))

    def size(self, name: str) -> int:
        return self._do("size", name, lambda: len(self.objects[name]))

    def get_modified_time(self, name: str) -> datetime:
        return self._do("get_modified_time", name, lambda: self._modified[name])

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def _read(self, name: str) -> File[Any]:
        if name not in self.objects:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return ContentFile(self.objects[name])

    def _put(self, name: str, data: bytes) -> str:
        self.objects[name] = data
        self._modified[name] = timezone.now() + self.ahead
        return name

    def _do(self, verb: str, name: str, work: Callable[..., Result]) -> Result:
        with self._lock:
            if self._dead:
                raise Crashed
            operation = Operation(verb, name)
            fault = next((fault for fault in self._faults if fault.fits(len(self.operations), operation)), None)
            self.operations.append(operation)
            if fault is None:
                return work()
            fault.times -= 1
            return self._fail(fault.effect, operation, work)

    def _fail(self, effect: Effect, operation: Operation, work: Callable[..., Any]) -> Any:
        self._dead = effect in CRASHES
        if effect in (Effect.CRASH_BEFORE, Effect.RAISE_BEFORE):
            raise _lost(effect)
        if effect == Effect.STALE:
            return _listing(self._then, operation.name)
        if effect == Effect.LIE:
            return None
        if effect == Effect.SLOW:
            time.sleep(0.2)
        done = work(half=True) if effect in _HALVES and operation.verb == "save" else work()
        if effect == Effect.FLIP:
            return _flipped(done)
        if effect == Effect.FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if effect in (*CRASHES, Effect.RAISE_AFTER):
            raise _lost(effect)
        return done


class World:
    """One SQLite database, its catalogue, and its storage, that can be put back as they were."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.alias, self._folder = engine, engine.alias, folder
        self._files: dict[Path, bytes] = {}
        self._objects: dict[str, bytes] = {}

    @property
    def storage(self) -> FaultyStorage:
        """The configured storage."""
        storage = storages["backups"]
        assert isinstance(storage, FaultyStorage)
        return storage

    @property
    def repository(self) -> Repository:
        """The repository, opened afresh."""
        return Repository.open(self.alias)

    def remember(self) -> None:
        """What is there now is what ``reset`` puts back."""
        self._close()
        self._files = {path: path.read_bytes() for path in self._paths()}
        self._objects = dict(self.storage.objects)

    def reset(self) -> None:
        """Put back storage, databases and catalogue."""
        self._close()
        for path in self._paths() - self._files.keys():
            path.unlink()
        for path, data in self._files.items():
            path.write_bytes(data)
        self.storage.heal()
        self.storage.objects = dict(self._objects)

    def _paths(self) -> set[Path]:
        found = {path for path in self._folder.rglob("*") if path.is_file()}
        return found | {Path(connections["default"].settings_dict["NAME"])}

    def _close(self) -> None:
        for connection in connections.all(initialized_only=True):
            connection.close()


def every_crash(
    world: World,
    verb: Callable[[], object],
    check: Callable[[Point], None],
    matters: Callable[[Point], bool] = lambda point: True,
) -> int:
    """Die at each operation of the verb that ``matters`` in each way, ``check`` what is left, return how many points."""
    points = list(filter(matters, crash_points(world, verb)))
    for point in points:
        die(world, verb, point)
        try:
            check(point)
        except BaseException as error:
            error.add_note(f"The process had died: {point}.")
            raise
        world.reset()
    print(f"{len(points)} crash points")
    return len(points)


def crash_points(world: World, verb: Callable[[], object]) -> Iterator[Point]:
    """Run the verb to its end once, put everything back, and yield each way to die of it."""
    world.remember()
    world.storage.heal()
    verb()
    operations = world.storage.operations
    world.reset()
    for number, operation in enumerate(operations):
        possible = _WAYS.get(operation.verb, _READING)
        yield from (Point(number, effect, operation) for effect in CRASHES if effect in possible)


def die(world: World, verb: Callable[[], object], point: Point) -> None:
    """Run the verb until it dies at that point; the storage is whole again afterwards."""
    world.storage.arm(Fault(point.effect, at=point.number))
    with a_process_of_its_own(), pytest.raises(Crashed):
        verb()
    died = world.storage.operations[point.number]
    assert died.kind() == point.operation.kind(), f"Operation {point.number} is not the same each time: {died}, {point}"
    world.storage.heal()


@contextmanager
def a_world(folder: Path) -> Iterator[World]:
    """Yield an empty SQLite database under an alias of its own, whose backups go to a ``FaultyStorage`` in memory."""
    configured = {**settings.STORAGES, "backups": {"BACKEND": "tests.faults.FaultyStorage"}}
    server = SQLiteServer(folder)
    server.create("world")
    with ExitStack() as stack:
        stack.enter_context(override_settings(STORAGES=configured))
        # Objects are put one after another, so that an operation has the same number each time.
        stack.enter_context(patch("backups.archiver.writer.ThreadPoolExecutor", _InTurn))
        alias = stack.enter_context(registered(server.settings("world")))
        made = World(engine_for(alias), folder)
        made.remember()
        yield made
        made.reset()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Such a world, for one test."""
    (tmp_path / "databases").mkdir()
    with a_world(tmp_path / "databases") as made:
        yield made


class _InTurn:
    """Does at once what is submitted."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args))
        except BaseException as error:  # noqa: BLE001 (as a pool does)
            future.set_exception(error)
        return future

    def shutdown(self, **kwargs: object) -> None:
        pass


@contextmanager
def a_process_of_its_own() -> Iterator[None]:
    """What is done inside is done, as beats and the catalogue tell it, by a process that is gone when one leaves."""
    with subprocess.Popen(["sleep", "600"]) as process, patch("os.getpid", return_value=process.pid):
        try:
            yield
        finally:
            process.kill()


def _lost(effect: Effect) -> BaseException:
    return Crashed() if effect in CRASHES else ConnectionError("the storage hung up")


def _flipped(file: File[Any]) -> File[Any]:
    data = bytearray(file.read())
    data[len(data) // 2] ^= 4
    return ContentFile(bytes(data))


def _listing(names: Iterable[str], folder: str) -> tuple[list[str], list[str]]:
    inside = [name.removeprefix(f"{folder}/").split("/") for name in names if name.startswith(f"{folder}/")]
    return sorted({parts[0] for parts in inside if len(parts) > 1}), [parts[0] for parts in inside if len(parts) == 1]
