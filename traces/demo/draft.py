"""One trace being written: a clock that only goes forward, and the spans opened so far."""

from datetime import datetime, timedelta
from random import Random

from traces.records import Json

_LETTERS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
Record = dict[str, Json]


class Draft:
    """Spans are leaves at the clock, or open until closed; a new one is a child of the one opened last.

    `shared` holds what is true of the whole trace, such as its request id. `clock_us` is since `started_at`.
    `as_told`: it tells a story, in which nothing goes wrong by chance.
    """

    def __init__(self, rng: Random, started_at: datetime, **shared: Json) -> None:
        self.rng = rng
        self.started_at = started_at
        self.clock_us = 0
        self.as_told = False
        self.shared: Record = {"trace_id": f"{rng.getrandbits(128):032x}", "request_id": name(rng, "req_"), **shared}
        self.spans: list[Record] = []
        self._open: list[tuple[Record, int]] = []

    def open(self, kind: str, name: str, **fields: Json) -> Record:
        """Begin a span that what follows belongs to."""
        span = self._span(kind, name, fields)
        self._open.append((span, self.clock_us))
        return span

    def close(self, **fields: Json) -> None:
        """End the span opened last, ok unless `fields` or its opening say otherwise."""
        span, began_us = self._open.pop()
        span.update({"status": "ok", "duration_us": self.clock_us - began_us} | fields)

    def leaf(self, kind: str, name: str, took_us: int, **fields: Json) -> Record:
        """A whole span, `took_us` long; the clock is then at its end."""
        span = self._span(kind, name, {"status": "ok", "duration_us": took_us} | fields)
        self.clock_us += took_us
        return span

    def wait(self, low_ms: float, high_ms: float) -> None:
        """Let time pass."""
        self.clock_us += about_us(self.rng, low_ms, high_ms)

    def mishap(self, share: float) -> bool:
        """Whether what goes wrong in a `share` of cases, 0.0 to 1.0, does now."""
        return self.rng.random() < share and not self.as_told

    def trace(self) -> Record:
        """The trace as `POST /api/v1/traces` takes it."""
        return {**self.shared, "spans": self.spans}

    @property
    def ended_at(self) -> datetime:
        """Where the clock is."""
        return self.started_at + timedelta(microseconds=self.clock_us)

    def _span(self, kind: str, name: str, fields: Record) -> Record:
        span: Record = {
            "span_id": f"{self.rng.getrandbits(64):016x}",
            "parent_id": self._open[-1][0]["span_id"] if self._open else None,
            "kind": kind,
            "name": name,
            "started_at": self.ended_at.isoformat(),
            **fields,
        }
        self.spans.append(span)
        return span


def name(rng: Random, prefix: str, length: int = 9) -> str:
    """An id such as req_7Hx2TrWb9."""
    return prefix + "".join(rng.choices(_LETTERS, k=length))


def about_us(rng: Random, low_ms: float, high_ms: float) -> int:
    """Some microseconds between two numbers of milliseconds."""
    return int(rng.uniform(low_ms, high_ms) * 1_000)
