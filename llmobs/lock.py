"""One `up` a DATA_DIR, and one server a port."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llmobs.embedded import EmbeddedError, make_data_dir

# An `up` that was killed leaves children behind for a moment, until the kernel's signal has reached them.
LEFTOVER_SECONDS = 10


@contextmanager
def locked(data_dir: Path) -> Iterator[bool]:
    """Hold DATA_DIR for this process. Yields whether the holder before us ended in good order.

    Raises EmbeddedError when another process holds it. The kernel lets go of the lock when its holder dies.
    """
    make_data_dir(data_dir)
    with (data_dir / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise EmbeddedError(
                f"llmobs is already running on {data_dir} (process {file.read().strip() or 'unknown'}); "
                "stop it, or name another folder by --data-dir."
            ) from None
        file.seek(0)
        orderly = not file.read()
        _write(file.fileno(), str(os.getpid()))
        yield orderly
        _write(file.fileno(), "")


def require_free_port(host: str, port: int, *, option: str = "--port", patience_seconds: float = 0) -> None:
    """Raises EmbeddedError, which names the `option` to choose another by, unless a server may listen there.

    Asked before granian starts, since that shares a busy port with whoever listens already.
    """
    deadline = time.monotonic() + patience_seconds
    while error := _bind_error(host, port):
        if time.monotonic() >= deadline:
            raise EmbeddedError(f"Port {port} of {host} cannot be used ({error}); choose another by {option}.")
        time.sleep(0.1)


def _bind_error(host: str, port: int) -> str | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(
                socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
            )  # what only waits to be forgotten is no obstacle
            probe.bind(address)
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return None


def _write(handle: int, text: str) -> None:
    os.ftruncate(handle, 0)
    os.pwrite(handle, text.encode(), 0)
