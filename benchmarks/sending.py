"""The client of the benchmarks: ready-made requests over kept-alive connections, with as little work as possible.

One thread and one selector serve all connections, each of which has at most one request on its way, as exporters do.
"""

import selectors
import socket
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_READ_BYTES = 65_536
_SILENCE_SECONDS = 120
_SHOWN_BYTES = 500


class Refused(Exception):
    """The server's answer was not a 2xx, or it stopped answering."""


@dataclass(slots=True)
class Sent:
    """What sending took. Latencies are seconds from when a request was due to the last byte of its answer."""

    seconds: float
    cpu_seconds: float  # of this client
    latencies: list[float]

    def latency(self, share: float) -> float:
        """The latency, in seconds, that `share` (0.0 to 1.0) of the requests kept below."""
        return sorted(self.latencies)[min(int(share * len(self.latencies)), len(self.latencies) - 1)]


@dataclass(slots=True, eq=False)
class _Connection:
    """One connection, and the request that is on its way over it."""

    socket: socket.socket
    busy: bool = False
    ended: bool = False  # the server has said that it closes the connection after its answer
    due: float = 0.0
    unsent: memoryview = field(default_factory=lambda: memoryview(b""))
    answer: bytearray = field(default_factory=bytearray)


def request_of(body: bytes, port: int, headers: Mapping[str, str], *, zipped: bool) -> bytes:
    """The whole request, ready to be sent."""
    lines = ["POST /v1/traces HTTP/1.1", f"Host: 127.0.0.1:{port}", "Content-Type: application/x-protobuf"]
    lines += [f"{name}: {value}" for name, value in headers.items()] + ["Content-Encoding: gzip"] * zipped
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def send(port: int, requests: Sequence[bytes], connections: int, *, per_second: float | None = None) -> Sent:
    """Send all, over `connections` at once; as fast as answers come, or `per_second` at even intervals.

    A request that finds no free connection waits, and the wait is part of its latency. Raises Refused.
    """
    pool = [_Connection(_connected(port)) for _ in range(connections)]
    try:
        with selectors.DefaultSelector() as selector:
            for connection in pool:
                selector.register(connection.socket, selectors.EVENT_READ, connection)
            sender = _Sender(selector, port, pool.copy(), deque(requests), 1 / per_second if per_second else 0.0)
            cpu, begun = time.process_time(), time.perf_counter()
            sender.run(begun)
            return Sent(time.perf_counter() - begun, time.process_time() - cpu, sender.latencies)
    finally:
        for connection in pool:
            connection.socket.close()


@dataclass(slots=True)
class _Sender:
    """The loop of `send`, and what it still has to do."""

    selector: selectors.BaseSelector
    port: int
    free: list[_Connection]
    waiting: deque[bytes]
    interval: float  # seconds from one request to the next; 0.0: none
    next_due: float = 0.0
    latencies: list[float] = field(default_factory=list)

    def run(self, begun: float) -> None:
        wanted, self.next_due = len(self.waiting), begun
        while len(self.latencies) < wanted:
            self.start_what_is_due()
            early = max(self.next_due - time.perf_counter(), 0) if self.waiting and self.free else _SILENCE_SECONDS
            events = self.selector.select(early)
            if not events and early == _SILENCE_SECONDS:
                raise Refused(f"No answer for {_SILENCE_SECONDS} s.")
            for key, _ in events:
                self.take(key.data)

    def start_what_is_due(self) -> None:
        while self.waiting and self.free and self.next_due <= (now := time.perf_counter()):
            _start(self.selector, self.free.pop(), self.waiting.popleft(), self.next_due if self.interval else now)
            self.next_due += self.interval

    def take(self, connection: _Connection) -> None:
        """Go on with what the connection is doing."""
        if not connection.busy:
            _renew(self.selector, connection, self.port)
        elif _go_on(self.selector, connection):
            self.latencies.append(time.perf_counter() - connection.due)
            if connection.ended:
                _renew(self.selector, connection, self.port)
            self.free.append(connection)


def _connected(port: int) -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", port), timeout=30)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    opened.setblocking(False)
    return opened


def _start(selector: selectors.BaseSelector, connection: _Connection, request: bytes, due: float) -> None:
    connection.busy, connection.due, connection.unsent = True, due, memoryview(request)
    _write(selector, connection)


def _renew(selector: selectors.BaseSelector, connection: _Connection, port: int) -> None:
    """Open it again: a server may close a connection that has been idle for some seconds, or after any answer."""
    selector.unregister(connection.socket)
    connection.socket.close()
    connection.socket, connection.ended = _connected(port), False
    selector.register(connection.socket, selectors.EVENT_READ, connection)


def _write(selector: selectors.BaseSelector, connection: _Connection) -> None:
    """Send what the kernel takes now; what is left goes when there is room again."""
    try:
        connection.unsent = connection.unsent[connection.socket.send(connection.unsent) :]
    except BlockingIOError:
        pass
    wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.unsent else 0)
    if selector.get_key(connection.socket).events != wanted:
        selector.modify(connection.socket, wanted, connection)


def _go_on(selector: selectors.BaseSelector, connection: _Connection) -> bool:
    """Write or read on; True when the answer is complete."""
    if connection.unsent:
        _write(selector, connection)
    try:
        piece = connection.socket.recv(_READ_BYTES)
    except BlockingIOError:
        return False
    connection.answer += piece
    if not piece:
        raise Refused(f"The connection was closed after {bytes(connection.answer[:_SHOWN_BYTES])!r}.")
    if not _complete(connection.answer):
        return False
    if not connection.answer.startswith(b"HTTP/1.1 2"):
        raise Refused(bytes(connection.answer[:_SHOWN_BYTES]).decode(errors="replace"))
    connection.ended = b"\r\nconnection: close" in bytes(connection.answer).lower()
    connection.answer.clear()
    connection.busy = False
    return True


def _complete(answer: bytearray) -> bool:
    """Whether an answer is there to its last byte; one without a length, and not chunked, has no body."""
    head, end, body = bytes(answer).lower().partition(b"\r\n\r\n")
    if not end:
        return False
    if b"transfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    _, _, length = head.partition(b"content-length:")
    return len(body) >= int(length.split(b"\r\n")[0] or 0)
