"""A pytest plugin: real SDKs, each of a pinned version in an environment of its own, between a made-up model and us.

Making an environment takes minutes and the package index; it is kept in `.venv/sdks`.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SDKS = ROOT / ".venv" / "sdks"
USAGE = {
    "prompt_tokens": 120,
    "completion_tokens": 17,
    "total_tokens": 137,
    "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 0},
}
BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
ANSWER = "Paris is the capital of France."


def python_with(name: str, *requirements: str, constraints: Path | None = None) -> Path:
    """The interpreter of an environment that holds `requirements`; `name` says the version, so that it is made once."""
    python = SDKS / name / "bin" / "python"
    stamp = SDKS / name / "whole"
    if not stamp.exists():
        subprocess.run([sys.executable, "-m", "venv", str(SDKS / name)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
        subprocess.run(install + (["-c", str(constraints)] if constraints else []), check=True)
        stamp.touch()
    return python


@contextmanager
def running(python: Path, program: str, *arguments: str, home: Path, **env: str) -> Iterator["subprocess.Popen[str]"]:
    """A program in an environment, without anything of ours but `env`. What it prints is read from its stdout."""
    bare = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home)}
    command = [str(python), "-c", program, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=bare | env, cwd=home) as process:
        try:
            yield process
        finally:
            process.kill()


class _Model(BaseHTTPRequestHandler):
    """OpenAI's chat completions: one answer for all questions, and 429 for those that say [[429]]."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        if b"[[429]]" in asked:
            self._say(429, {"error": {"message": "Rate limit reached", "type": "rate_limit", "code": "rate_limit"}})
            return
        message = {"role": "assistant", "content": ANSWER}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini-2024-08-06"}
        self._say(200, {**whole, "choices": [choice], "usage": USAGE})

    def _say(self, status: int, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: the test's output is not the place."""


@contextmanager
def model_server() -> Iterator[str]:
    """The base address of a model server on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Model)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Door:
    """A port in front of our server, which can be shut (nobody listens) or answer 503 by itself."""

    server: str
    port: int = 0
    busy: bool = False
    _listener: socket.socket | None = None
    _open: list[socket.socket] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Let everything through."""
        self.busy = False
        self._cut()
        if self._listener is None:
            listener = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
            self._listener, self.port = listener, listener.getsockname()[1]
            threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def refuse(self) -> None:
        """Answer 503 to every request."""
        self.busy = True
        self._cut()

    def shut(self) -> None:
        """Be away: connections break, and new ones are refused."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self._cut()

    def _cut(self) -> None:
        for one in self._open:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # gone already
        self._open.clear()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._refuse if self.busy else self._pass, args=(client,), daemon=True).start()

    def _refuse(self, client: socket.socket) -> None:
        with client:
            client.settimeout(1)
            try:
                client.recv(1 << 20)
                client.sendall(BUSY)
                while client.recv(1 << 20):  # closed with something unread, the answer would be lost
                    pass
            except OSError:
                pass  # it went away first

    def _pass(self, client: socket.socket) -> None:
        host, _, port = self.server.partition(":")
        with client, socket.create_connection((host, int(port))) as server:
            self._open += [client, server]
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            _copy(client, server)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # gone already


@pytest.fixture
def door(web: str) -> Iterator[Door]:
    """A door to the server of the tests, open; shut afterwards."""
    door = Door(web)
    door.open()
    yield door
    door.shut()


@pytest.fixture
def read(web: str, read_key: str) -> Callable[[str], dict[str, Any]]:
    """What stands at an address below `/api/v1/`. Raises HTTPError for what is not there."""

    def _read(path: str) -> dict[str, Any]:
        asked = urllib.request.Request(f"http://{web}/api/v1/{path}", headers={"x-api-key": read_key})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    return _read
