"""Where a SQLite database lies: a file with its sidecars, or memory that connections share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from backups.durable import sync_folder

SIDECARS = ("-wal", "-shm", "-journal")
SUFFIX = ".sqlite3"


@dataclass(frozen=True, slots=True)
class Place:
    """``path`` is None for a database in memory; ``options`` are those of a ``file:`` URI, ``name`` is NAME itself."""

    name: str
    path: Path | None
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, name: str) -> Place:
        """Read a NAME setting: a path, a ``file:`` URI or ``:memory:``."""
        if not name.startswith("file:"):
            in_memory = name in {"", ":memory:"}
            return cls(name, None if in_memory else Path(os.path.abspath(name)))
        parts = urlsplit(name)
        options = tuple(parse_qsl(parts.query))
        path = unquote(parts.path)
        if ("mode", "memory") in options or path in {"", ":memory:"}:
            return cls(name, None, options)
        return cls(name, Path(os.path.abspath(path)), options)

    @property
    def is_shared(self) -> bool:
        """Whether other connections of this process can see it."""
        return self.path is not None or ("cache", "shared") in self.options

    def uri(self, mode: str) -> str:
        """Return a NAME that opens it as ``ro``, ``rw``; neither ever makes a file."""
        if self.path is None:
            return self.name
        options = [(key, value) for key, value in self.options if key not in {"mode", "immutable"}]
        return f"file:{quote(str(self.path))}?{urlencode([*options, ('mode', mode)])}"

    def files(self) -> Iterator[Path]:
        """Yield the file and its sidecars, whether they are there or not; nothing for memory."""
        if self.path is not None:
            yield self.path
            for suffix in SIDECARS:
                yield self.path.with_name(self.path.name + suffix)

    def exists(self) -> bool:
        """Say whether anything lies under this name, a dangling link too."""
        return any(os.path.lexists(path) for path in self.files())


def moved(path: Path, name: Path) -> None:
    """Give a file another name on its file system, durably; raise FileExistsError where there is such a file."""
    try:
        os.link(path, name)
        path.unlink()
    except FileExistsError:
        raise
    except OSError:
        # A file system without links; there, only the look before says whether the name is free.
        if os.path.lexists(name):
            raise
        path.rename(name)
    for folder in {path.parent, name.parent}:
        sync_folder(folder)
