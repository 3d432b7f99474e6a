"""One measurement: a load, sent to a server, until every span of it can be queried."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from benchmarks import load, machine, sending
from benchmarks.application import traces

PATIENCE_SECONDS = 300  # for spans that were taken with a 2xx and cannot be queried yet
_POLL_SECONDS = 0.2


class NotStored(Exception):
    """A 2xx that did not mean what it says."""


class Server(Protocol):
    """What can be loaded and asked."""

    @property
    def port(self) -> int: ...

    def headers(self) -> Mapping[str, str]:
        """Those that a client sends: the key, the experiment."""

    def spans(self) -> int:
        """How many spans can be queried."""

    def cpu_seconds(self) -> dict[str, float]:
        """Of each part, so far."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a load comes in: None as `batch` is one trace a request."""

    title: str
    batch: int | None
    zipped: bool
    connections: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What one load took. `cpu_us` is of each part of the server, in microseconds a span."""

    spans: int
    requests: int
    seconds: float
    cpu_us: dict[str, float]
    client_us: float  # of CPU, a span
    others_cores: float  # how many cores were busy with something else meanwhile
    p50_ms: float
    p99_ms: float

    @property
    def spans_per_second(self) -> float:
        return self.spans / self.seconds

    @property
    def server_us(self) -> float:
        """All parts of the server, its Postgres and its jobs too."""
        return sum(self.cpu_us.values())


@dataclass(frozen=True, slots=True)
class Bodies:
    """A load, ready to be sent to any server."""

    shape: Shape
    bodies: list[bytes]
    spans: int


def prepared(shape: Shape, spans: int, seed: int, hours: float) -> Bodies:
    """At least `spans` spans in requests of that shape, spread over the last `hours`."""
    made = list(load.bodies(traces(spans, seed, hours=hours), shape.batch, zipped=shape.zipped))
    return Bodies(shape, [body for body, _ in made], sum(count for _, count in made))


def measured(server: Server, what: Bodies, *, per_second: float | None = None) -> Measured:
    """Send it all, at most `per_second` requests a second, and wait until it can be queried.

    Raises NotStored, and Refused as `send` does.
    """
    headers = server.headers()
    requests = [sending.request_of(body, server.port, headers, zipped=what.shape.zipped) for body in what.bodies]
    wanted, before = server.spans() + what.spans, _Meter(server)
    sent = sending.send(server.port, requests, what.shape.connections, per_second=per_second)
    seconds, after = sent.seconds, _Meter(server)
    while (stored := server.spans()) < wanted:
        if after.at - before.at > sent.seconds + PATIENCE_SECONDS:
            raise NotStored(f"{wanted - stored} of {what.spans} spans were answered with a 2xx and cannot be queried.")
        time.sleep(_POLL_SECONDS)
        after = _Meter(server)
        seconds = after.at - before.at
    used = {part: after.parts[part] - before.parts[part] for part in after.parts}
    others = after.busy - before.busy - sum(used.values()) - sent.cpu_seconds
    return Measured(
        what.spans, len(requests), seconds,
        cpu_us={part: spent / what.spans * 1e6 for part, spent in used.items()},
        client_us=sent.cpu_seconds / what.spans * 1e6,
        others_cores=max(others, 0.0) / (after.at - before.at),
        p50_ms=sent.latency(0.5) * 1000, p99_ms=sent.latency(0.99) * 1000,
    )  # fmt: skip


class _Meter:
    """What the server's parts, and all cores, have worked until now."""

    def __init__(self, server: Server) -> None:
        self.at = time.perf_counter()
        self.busy = machine.busy_seconds()
        self.parts = server.cpu_seconds()


def middle(found: Iterable[Measured]) -> Measured:
    """Of several rounds the one with the middle speed."""
    ordered = sorted(found, key=lambda one: one.spans_per_second)
    return ordered[len(ordered) // 2]
