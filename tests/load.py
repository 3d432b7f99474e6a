"""Load for the tests of faults: senders that keep sending, and the spans that were answered 2xx."""

import json
import threading
import time
from http.client import HTTPConnection, HTTPException
from itertools import count
from types import TracebackType

ANSWER_SECONDS = 30
TRACES_A_REQUEST = 5
SPANS_A_TRACE = 3


class Load:
    """Several threads that send plain records for as long as the `with` lasts, each batch until it is answered 2xx.

    `kept` has the (trace, span) ids of every span that was answered 2xx, in hex; `seen` every other status with its
    Retry-After, where a broken connection is 0; `slowest` the longest wait for an answer, in seconds.
    """

    def __init__(self, address: str, key: str, threads: int = 4) -> None:
        self.kept: set[tuple[str, str]] = set()
        self.seen: list[tuple[int, str | None]] = []
        self.slowest = 0.0
        self._address, self._key = address.removeprefix("http://"), key
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send_on) for _ in range(threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send_on(self) -> None:
        while not self._stop.is_set():
            spans = batch()
            body = json.dumps(spans).encode()
            while not (answered := self._send(body)) and not self._stop.is_set():
                self._stop.wait(0.2)
            if answered:
                self.kept |= {(span["trace_id"], span["span_id"]) for span in spans}

    def _send(self, body: bytes) -> bool:
        """Whether it was answered 2xx."""
        connection = HTTPConnection(self._address, timeout=ANSWER_SECONDS)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        began = time.monotonic()
        try:
            connection.request("POST", "/api/v1/traces", body, headers)
            answer = connection.getresponse()
            answer.read()
            status, later = answer.status, answer.headers.get("Retry-After")
        except (OSError, HTTPException):
            status, later = 0, None
        finally:
            connection.close()
        self.slowest = max(self.slowest, time.monotonic() - began)
        if status == 200:
            return True
        self.seen.append((status, later))
        return False


_numbers = count(int(time.time()) << 32)


def batch() -> list[dict[str, object]]:
    """The spans of a few new traces: a root with model calls below it."""
    return [span for _ in range(TRACES_A_REQUEST) for span in _trace(f"{next(_numbers):032x}")]


def _trace(trace_id: str) -> list[dict[str, object]]:
    ids = [f"{next(_numbers):016x}" for _ in range(SPANS_A_TRACE)]
    begun = time.time_ns() // 1_000_000
    root = {"span_id": ids[0], "kind": "chain", "name": "answer", "feature": "load", "input": "a", "output": "b"}
    calls = [
        {"span_id": one, "parent_id": ids[0], "kind": "llm", "model": "gpt-4o-mini", "input_tokens": 7, "input": "c"}
        for one in ids[1:]
    ]
    return [{"trace_id": trace_id, "started_at": begun, "duration_ms": 40, **span} for span in [root, *calls]]
