"""The traces that are looked up: ten spans each, spread over the days of the store, with an id of every kind."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from benchmarks import load
from benchmarks.application import SPANS_PER_TRACE, Span, Trace, traces

SPANS = 10
KINDS = 6  # of ids
SPANS_A_REQUEST = 100
_PREFIX = 14  # characters, of which ten are of a random number


def wanted(count: int, seed: int, days: int) -> list[Trace]:
    """About so many, and no more, oldest first. A session holds one of them."""
    rng = random.Random(seed)
    source = traces(int(count * SPANS_PER_TRACE), seed, hours=(days - 1) * 24)
    return [_trace(one, rng) for one in islice(source, count)]


def bodies(found: list[Trace]) -> Iterator[bytes]:
    """Requests that export them."""
    for body, _ in load.bodies(found, SPANS_A_REQUEST, zipped=True):
        yield body


def ids(found: list[Trace], rng: random.Random) -> dict[str, list[str]]:
    """By kind, each of another trace, as many of every kind, in an order of its own."""
    by_kind: dict[str, Callable[[Trace], str]] = {
        "request id": lambda trace: trace.request_id,
        "trace id": lambda trace: trace.trace_id.hex(),
        "span id": lambda trace: rng.choice(trace.spans).span_id.hex(),
        "provider's response id": lambda trace: rng.choice(_calls(trace)).response_id,
        "session of one trace": lambda trace: trace.session_id,
        "beginning of a request id": lambda trace: trace.request_id[:_PREFIX],
    }
    most = len(found) // len(by_kind)
    shares = {kind: found[place :: len(by_kind)][:most] for place, kind in enumerate(by_kind)}
    return {kind: [by_kind[kind](trace) for trace in rng.sample(share, most)] for kind, share in shares.items()}


def _trace(trace: Trace, rng: random.Random) -> Trace:
    """The trace with so many more calls, behind its own, that it has ten spans."""
    *steps, root = trace.spans
    call = _calls(trace)[-1]
    again = [
        replace(call, span_id=rng.randbytes(8), start=root.end, end=root.end + call.end - call.start)
        for _ in range(SPANS - len(trace.spans))
    ]
    root.end = max(span.end for span in (root, *again))
    for span in [*steps, *again]:
        span.response_id = f"chatcmpl-{rng.getrandbits(116):029x}" if span.kind == "llm" else ""
    return replace(trace, session_id=f"sess_one_{rng.getrandbits(64):016x}", spans=[*steps, *again, root])


def _calls(trace: Trace) -> list[Span]:
    return [span for span in trace.spans if span.kind == "llm"]
