"""The verb *check storage*: does a storage do what a repository needs of it? Tried out, on objects of our own.

Everything is put under a throw-away prefix beside the repositories and removed again. What a storage does not promise
shows here, before a backup depends on it.
"""

from __future__ import annotations

import secrets
import stat
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.files.storage import Storage

from backups.conf import STORAGE_ALIAS
from backups.exceptions import NameTaken, ObjectMissing, RepositoryError, StorageUnavailable
from backups.progress import Progress, Step, silent
from backups.repository.location import configured_storage
from backups.repository.storage import LocalObjects, Objects, PlainObjects, objects_for

WRITERS = 8  # at once
LARGE = 9 * 1024 * 1024  # bytes: above the size at which libraries begin to send an object in several requests
SKEW = timedelta(minutes=5)  # what clocks may differ by before anything that goes by age is refused
SUFFIXES = ("gz", "json", "css")  # names that storages compress or decompress by themselves


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing that was tried. ``holds`` is None where it could not be tried; ``needed`` says that no backup is safe without."""

    name: str
    holds: bool | None
    detail: str = ""
    needed: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return the documented keys."""
        return {"name": self.name, "holds": self.holds, "needed": self.needed, "detail": self.detail}


@dataclass(slots=True)
class Checked:
    """What a storage was found to do. ``left`` names objects that could not be removed again."""

    storage: str
    place: str
    promises: list[Promise] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def broken(self) -> list[Promise]:
        """What does not hold and has to."""
        return [promise for promise in self.promises if promise.holds is False and promise.needed]

    @property
    def minor(self) -> list[Promise]:
        """What does not hold and is lived with: what is read back before it is believed need not be whole at once."""
        return [promise for promise in self.promises if promise.holds is False and not promise.needed]

    def as_json(self) -> dict[str, Any]:
        """Return the documented keys."""
        checks = [promise.as_json() for promise in self.promises]
        fit = not self.broken and not self.left
        return {"storage": self.storage, "place": self.place, "fit": fit, "checks": checks, "left": self.left}


class _Broken(Exception):
    """The storage did something else than it should; the text says what."""


def check_storage(alias: str = STORAGE_ALIAS, *, progress: Progress = silent) -> Checked:
    """Try out a storage and return what holds; nothing of the trial stays.

    Raises ConfigurationError where it cannot be loaded or is public, StorageUnavailable where it does not answer at all.
    """
    storage = configured_storage(alias)
    objects = objects_for(storage, f"lifeboat-check-{secrets.token_hex(6)}")
    # Asked first: what does not answer at all, or may not be written to, is a refusal and no list of broken promises.
    objects.put("probe/first", b"1")
    checked = Checked(f"{type(storage).__module__}.{type(storage).__qualname__}", objects.place().rpartition("/")[0])
    try:
        for name, needed, trial in _trials(objects, storage):
            progress(Step(f"check {name}"))
            checked.promises.append(_tried(name, needed, trial))
    finally:
        checked.left = _clear(objects)
    return checked


def _trials(objects: Objects, storage: Storage) -> Iterator[tuple[str, bool, Callable[[], str | None]]]:
    """Yield each promise: its name, whether it is needed, and the trial (None: there is no way to find out)."""
    # A name is used once, however many processes try: one that is put at once by two is the repository's own, when it begins.
    exclusive = not isinstance(objects, PlainObjects)
    yield "put and read back", True, lambda: _put(objects)
    yield "the same bytes again", True, lambda: _put_again(objects)
    yield "never other bytes", True, lambda: _other_bytes(objects)
    yield "the name that was given", True, lambda: _names(objects)
    yield "bytes as they are", True, lambda: _verbatim(objects)
    yield "large objects", True, lambda: _large(objects)
    yield "listing", True, lambda: _listing(objects)
    yield "what is missing is missing", True, lambda: _missing(objects)
    yield "delete", True, lambda: _delete(objects)
    yield "many writers of the same bytes", True, lambda: _many(objects, same=True)
    yield "one winner of many writers", exclusive, lambda: _many(objects, same=False)
    yield "whole or not at all", exclusive, lambda: _half(objects)
    yield "private", True, lambda: _private(objects, storage)
    yield "clock", False, lambda: _clock(objects, storage)
    yield "freed when deleted", False, lambda: _freed(objects)


def _tried(name: str, needed: bool, trial: Callable[[], str | None]) -> Promise:
    try:
        detail = trial()
    except _Broken as broken:
        return Promise(name, False, str(broken), needed)
    except RepositoryError as error:
        return Promise(name, False, str(error), needed)
    return Promise(name, None if detail is None else True, detail or "There is no way to find out here.", needed)


def _put(objects: Objects) -> str:
    data = bytes(range(256)) * 4
    objects.put("probe/put", data)
    _same(objects, "probe/put", data)
    return f"{len(data)} bytes"


def _put_again(objects: Objects) -> str:
    objects.put("probe/again", b"1")
    objects.put("probe/again", b"1")
    _expect(objects.list("probe").count("probe/again") == 1, "the name is there more than once, or not at all")
    return "no error, one object"


def _other_bytes(objects: Objects) -> str:
    objects.put("probe/taken", b"1")
    with suppress(NameTaken):
        objects.put("probe/taken", b"2")
        raise _Broken("a name was given other bytes than it had")
    _same(objects, "probe/taken", b"1")
    return "refused"


def _names(objects: Objects) -> str:
    name = f"names/ab/{'0123456789abcdef' * 4}.20261122T164315Z-3f9a2c"
    objects.put(name, b"1")
    _expect(
        list(objects.list("names/ab")) == [name], f"it lists {list(objects.list('names/ab'))[:3]} in the place of it"
    )
    return "as given"


def _verbatim(objects: Objects) -> str:
    data = b"body { color: red }\r\n" * 200
    for suffix in SUFFIXES:
        objects.put(f"verbatim/name.{suffix}", data)
        _same(objects, f"verbatim/name.{suffix}", data)
    return f"names that end in {', '.join(SUFFIXES)}"


def _large(objects: Objects) -> str:
    data = secrets.token_bytes(1024) * (LARGE // 1024)
    objects.put("probe/large", data)
    _same(objects, "probe/large", data)
    objects.delete("probe/large")
    return f"{LARGE // 1024 // 1024} MiB"


def _listing(objects: Objects) -> str:
    names = [f"listing/{number:02}" for number in range(12)]
    for name in (*reversed(names), "listing/deep/1"):
        objects.put(name, b"")
    _expect(
        list(objects.list("listing")) == names, "it does not list what has just been put, all of it and nothing else"
    )
    _expect(list(objects.folders("listing")) == ["listing/deep"], "it does not tell folders from objects")
    return f"{len(names)} objects, in order, at once"


def _missing(objects: Objects) -> str:
    _expect(not objects.exists("missing/object"), "it says that what was never put is there")
    _expect(not objects.list("missing") and not objects.folders("missing"), "a folder that is not there is not empty")
    with suppress(ObjectMissing):
        objects.get("missing/object")
        raise _Broken("it gives bytes of what was never put")
    return "told from a storage that does not answer"


def _delete(objects: Objects) -> str:
    objects.put("deleted/object", b"1")
    objects.delete("deleted/object")
    _expect("deleted/object" not in objects.list("deleted"), "it lists what was deleted")
    with suppress(ObjectMissing):
        objects.get("deleted/object")
        raise _Broken("it gives the bytes of what was deleted")
    objects.delete("deleted/object")
    return "gone, and no error when it is gone already"


def _many(objects: Objects, *, same: bool) -> str:
    """Put under one name from several threads at once."""
    name, outcomes = f"many/{'same' if same else 'other'}", list[str]()
    ready = threading.Barrier(WRITERS)

    def write(number: int) -> None:
        ready.wait()
        try:
            objects.put(name, b"same" if same else b"%d" % number)
            outcomes.append("put")
        except NameTaken:
            outcomes.append("taken")
        except RepositoryError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = WRITERS if same else 1
    _expect(set(outcomes) <= {"put", "taken"}, next((said for said in outcomes if said not in ("put", "taken")), ""))
    _expect(list(objects.list("many")).count(name) == 1, "the name is there more than once, or not at all")
    _expect(
        outcomes.count("put") == won, f"{outcomes.count('put')} of {WRITERS} writers were told that theirs is there"
    )
    return f"{WRITERS} at once"


def _half(objects: Objects) -> str:
    objects.break_off("half/object", b"12" * 50_000)
    _expect(
        not objects.exists("half/object"), "a process that dies while it writes leaves half of an object under the name"
    )
    return "nothing is there when a writer breaks off"


def _private(objects: Objects, storage: Storage) -> str | None:
    """See that what was put is for us alone: by its mode on local files, by asking without credentials elsewhere."""
    objects.put("private/object", b"1")
    if isinstance(objects, LocalObjects):
        path = Path(storage.path(objects.full("private/object")))
        modes = stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)
        _expect(modes == (0o600, 0o700), f"the file has mode {modes[0]:o} and its folder {modes[1]:o}")
        return "files 600, folders 700"
    try:
        url = storage.url(objects.full("private/object")).partition("?")[0]
    except Exception:  # noqa: BLE001 (each storage has its own way to say that it has no URLs)
        return None
    if not url.startswith(("http://", "https://")):
        return None
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310 (http and https only: see above)
            _expect(answer.status >= 400, f"anybody can read it, without credentials, at {url}")
    except urllib.error.HTTPError as error:
        return f"without credentials it answers {error.code}"
    except OSError:
        return None
    return None


def _clock(objects: Objects, storage: Storage) -> str | None:
    try:
        changed = storage.get_modified_time(objects.full("probe/first"))
    except Exception:  # noqa: BLE001 (a storage need not know, and each has its own way to say so)
        return None
    if changed.tzinfo is None:
        changed = changed.replace(tzinfo=datetime.fromtimestamp(time.time()).astimezone().tzinfo)
    skew = abs(datetime.now(UTC) - changed)
    _expect(skew < SKEW, f"its clock and ours differ by {skew.total_seconds():.0f} seconds")
    return "within five minutes of ours"


def _freed(objects: Objects) -> str:
    versioned = getattr(objects, "versioned", bool)
    _expect(
        not versioned(),
        "the bucket keeps versions: what is deleted is hidden, and its bytes and their cost stay. Give the bucket a "
        "lifecycle rule (NoncurrentVersionExpiration)",
    )
    return "its bytes are gone, as far as can be seen"


def _clear(objects: Objects) -> list[str]:
    """Remove all that was put, and return the names that are still there."""
    left: list[str] = []
    for folder in (
        "names/ab",
        "listing/deep",
        "names",
        "listing",
        "probe",
        "verbatim",
        "missing",
        "deleted",
        "many",
        "half",
        "private",
    ):
        try:
            for name in objects.list(folder):
                objects.delete(name)
        except StorageUnavailable:
            left.append(objects.full(folder))
        objects.remove_folder(folder)
    with suppress(StorageUnavailable):
        objects.sweep(time.time() + 1)
    objects.remove_folder("tmp")
    objects.remove_folder("")
    return left


def _same(objects: Objects, name: str, data: bytes) -> None:
    _expect(objects.get(name) == data, f"other bytes are read from {name} than were put")


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _Broken(f"{otherwise}.")
