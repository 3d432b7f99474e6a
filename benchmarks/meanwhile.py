"""What comes in while finding is measured: requests of 100 spans, gzipped, at a steady pace, from another process."""

import multiprocessing
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, count
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event

from benchmarks import load, sending
from benchmarks.application import traces
from benchmarks.asking import Times

PER_SECOND, SPANS = 10, 100
CONNECTIONS = 4
CHUNK_SECONDS = 5  # how much is sent in one piece; between two it is asked whether to stop
_FORK = multiprocessing.get_context("fork")


@dataclass(slots=True)
class Sent:
    """What came in: how many spans, in how many seconds, and how long each request took."""

    spans: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    def words(self) -> str:
        """Empty when nothing came."""
        if not self.latencies:
            return ""
        speed, times = self.spans / self.seconds, Times(self.latencies)
        return f"{speed:,.0f} spans/s came in (until their answer p50 / p95: {times.words()} ms)"


@contextmanager
def coming(port: int, headers: Mapping[str, str], seed: int, ready_seconds: int) -> Iterator[Sent]:
    """Spans come in until the end of the block, and what came is known behind it.

    Those of `ready_seconds` are made before, so that making them takes nothing from who is measured; if the block
    lasts longer, it does.
    """
    sent = Sent()
    chunks = _chunks(seed)
    ready = [next(chunks) for _ in range(-(-ready_seconds // CHUNK_SECONDS))]
    over, (here, there) = _FORK.Event(), _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_send, args=(port, headers, chain(ready, chunks), over, there), daemon=True)
    process.start()
    there.close()
    try:
        yield sent
    finally:
        over.set()
        try:
            sent.spans, sent.seconds, sent.latencies = here.recv()
        except EOFError:
            raise sending.Refused("What was to come in meanwhile was refused, or could not be sent.") from None
        finally:
            process.join()


def _chunks(seed: int) -> Iterator[list[bytes]]:
    """Bodies for so many seconds each, of spans that begin when they are sent, if that begins now."""
    begun = time.time_ns()
    for number in count(1):
        end = begun + number * CHUNK_SECONDS * 10**9
        source = traces(PER_SECOND * CHUNK_SECONDS * SPANS, seed + number, end=end, hours=CHUNK_SECONDS / 3600)
        made = load.bodies(source, SPANS, zipped=True)
        yield [body for body, _ in made][: PER_SECOND * CHUNK_SECONDS]


def _send(
    port: int, headers: Mapping[str, str], chunks: Iterator[list[bytes]], over: Event, result: Connection
) -> None:
    spans, latencies, begun = 0, list[float](), time.perf_counter()
    while not over.is_set():
        bodies = [sending.request_of(body, port, headers, zipped=True) for body in next(chunks)]
        latencies += sending.send(port, bodies, CONNECTIONS, per_second=PER_SECOND).latencies
        spans += SPANS * len(bodies)
    result.send((spans, time.perf_counter() - begun, latencies))
