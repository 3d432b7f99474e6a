"""A real web server for tests: granian in a process of its own, as `up` starts it, on the database of the tests.

Django's client makes up what a server does with a body: chunks, lengths and connections that break need the server.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

START_SECONDS = 30


@pytest.fixture(scope="session")
def _web_address(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with django_db_blocker.unblock():
        from django.db import connection  # noqa: PLC0415  # the settings are not read yet when plugins are imported

        database = database_url(connection.settings_dict)
    with served(tmp_path_factory.mktemp("web"), DATABASE_URL=database) as address:
        yield address


@pytest.fixture
def web(transactional_db: None, _web_address: str) -> str:
    """`host:port` of a server that reads and writes what the test commits. It lives as long as the session."""
    return _web_address


@contextmanager
def served(folder: Path, threads: int = 2, workers: int = 1, **env: str) -> Iterator[str]:
    """A server with this environment beside our own; gives its `host:port`. Its words are in `folder`/web.log."""
    port = free_port()
    options = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)]
    options += ["--blocking-threads", str(threads), "--no-ws", "--log-level", "warning"]
    with (folder / "web.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "granian", *options, "llmobs.wsgi:application"],
            env=os.environ | {"WEB_THREADS": str(threads), "DJANGO_SETTINGS_MODULE": "llmobs.settings"} | env,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_it_answers(port, process, folder / "web.log")
            yield f"127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until_it_answers(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if sent(f"127.0.0.1:{port}", "GET", "/health/live").status == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"The web server did not start: {log.read_text()}")


def sent(address: str, method: str, path: str, body: Any = None, **headers: str) -> HTTPResponse:
    """The answer, read to its end, to one request. A list of bytes as `body` is sent in chunks.

    Underscores in the names of `headers` stand for dashes.
    """
    connection = HTTPConnection(address, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    chunked = isinstance(body, list)
    if chunked:
        named["Transfer-Encoding"] = "chunked"
    connection.request(method, path, iter(body) if chunked else body, named, encode_chunked=chunked)
    answer = connection.getresponse()
    answer.content = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


def sent_raw(address: str, head: str, body: bytes) -> bytes:
    """What comes back for a request written by hand; nothing more is sent after it."""
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def database_url(access: dict[str, Any]) -> str:
    """The address of a database as DATABASE_URL says it; a socket's folder is part of the path."""
    user, password = quote(access["USER"], safe=""), quote(access["PASSWORD"], safe="")
    host, port = access["HOST"], access["PORT"] or 5432
    if host.startswith("/"):
        return f"postgres://{user}:{password}@:{port}/{quote(host)}/{access['NAME']}"
    return f"postgres://{user}:{password}@{host}:{port}/{access['NAME']}"
