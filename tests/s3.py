"""A real S3 to talk to over HTTP: moto's server, and a front before it that refuses what a test wants refused."""

import http.client
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.config import Config

ACCESS, SECRET = "an-access-key", "a-secret-key"
BACKEND = "storages.backends.s3.S3Storage"
Refusal = Callable[[BaseHTTPRequestHandler], tuple[int, str] | None]
"""What a front answers instead of S3: a status and a code of S3's, or None to pass the request on."""


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """The URL of moto's server."""
    from moto.server import ThreadedMotoServer

    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")  # nobody is asked for credentials that are not given
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_url: str) -> dict[str, Any]:
    """The options of a storage in a new bucket."""
    options = options_at(s3_url)
    client(options).create_bucket(Bucket=options["bucket_name"])
    return options


def options_at(url: str, **more: Any) -> dict[str, Any]:
    """Return options for django-storages; a bucket of that name need not be there."""
    return {
        "bucket_name": f"bucket-{secrets.token_hex(6)}",
        "endpoint_url": url,
        "access_key": ACCESS,
        "secret_key": SECRET,
        "region_name": "us-east-1",
        "client_config": Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=20),
        **more,
    }


def client(options: dict[str, Any]) -> Any:
    """Return a client of our own, to look behind the storage's back."""
    return storage(options).connection.meta.client


def storage(options: dict[str, Any]) -> Any:
    """Return a storage."""
    from storages.backends.s3 import S3Storage

    return S3Storage(**options)


@contextmanager
def front(url: str, refuse: Refusal) -> Iterator[str]:
    """Serve what an S3 serves, but for what is refused; yields the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            refused = refuse(self)
            if refused is not None:
                text = f"<Error><Code>{refused[1]}</Code><Message>as the test wants</Message></Error>".encode()
                self.reply(refused[0], {"Content-Type": "application/xml"}, text)
                return
            behind = http.client.HTTPConnection(url.removeprefix("http://"))
            behind.request(self.command, self.path, body, dict(self.headers))
            response = behind.getresponse()
            self.reply(response.status, dict(response.headers), response.read())
            behind.close()

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = answer  # noqa: N815

        def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("connection", "transfer-encoding", "content-length", "server", "date"):
                    self.send_header(name, value)
            length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
