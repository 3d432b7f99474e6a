"""One process of `store.py`: its days of traces, through the product's own functions.

The store of the ingest writes them and the indexing job indexes them, in one transaction, so that every row is what
both would have written.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]
django.setup()

from django.db import connection, transaction  # noqa: E402

from accounts.models import Project  # noqa: E402
from benchmarks.application import Span, Trace, traces  # noqa: E402
from benchmarks.questions import question  # noqa: E402
from traces import partitions, pricing, store  # noqa: E402
from traces.records import Json, Payload, SpanRecord  # noqa: E402
from traces.search import index  # noqa: E402

TRACES_AT_ONCE = 300
_KINDS = {"retriever": "retrieval"}
_ENVIRONMENTS, _RELEASES = ("prod", "prod", "prod", "staging"), ("1.4.1", "1.4.2", "1.5.0")
_TAGS = ("vip", "beta", "eu")
_FAILURES = ("rate_limited", "timeout", "context_length", "tool_failed", "parser_failed")


def fill(project_id: int, source: Iterator[Trace], rng: random.Random) -> None:
    """Store and index all traces of `source`."""
    while batch := list(islice(source, TRACES_AT_ONCE)):
        spans = [record for trace in batch for record in records(trace, rng)]
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit = off")
            store.write(project_id, spans, datetime.now(UTC))
            index.index_now(project_id, [trace.trace_id for trace in batch])


def records(trace: Trace, rng: random.Random) -> list[SpanRecord]:
    """The spans of a trace as ingest would have them."""
    shared: dict[str, Any] = {
        "request_id": trace.request_id,
        "session_id": trace.session_id,
        "user_id": trace.user_id,
        "feature": trace.feature,
        "service": "benchmark",
        "environment": rng.choice(_ENVIRONMENTS),
        "release": rng.choice(_RELEASES),
    }
    root = trace.spans[-1]
    root.input = question(root.input, rng)
    order = f"ord-{rng.getrandbits(40):010x}"
    return [_record(trace, span, root, shared, order, rng) for span in trace.spans]


def _record(trace: Trace, span: Span, root: Span, shared: dict[str, Any], order: str, rng: random.Random) -> SpanRecord:
    started_at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=span.start // 1000)
    called = span.kind == "llm"
    name, _, version = span.prompt_version.partition("@")
    record = SpanRecord(
        trace_id=trace.trace_id, span_id=span.span_id, parent_id=None if span is root else root.span_id,
        name=span.name, kind=_KINDS.get(span.kind, span.kind), started_at=started_at,
        duration_us=(span.end - span.start) // 1000, status="error" if span.failure else "ok",
        failure=rng.choice(_FAILURES) if span.failure else None, status_message=span.failure or None,
        provider=span.provider or None, model_requested=span.model or None, model=span.model or None,
        input_tokens=span.input_tokens if called else None, output_tokens=span.output_tokens if called else None,
        prompt_name=name or None, prompt_version=version or None, finish_reason="stop" if called else None,
        response_id=f"chatcmpl-{rng.getrandbits(116):029x}" if called else None,
        tool_name=span.name.split()[-1] if span.kind == "tool" else None,
        tags=[rng.choice(_TAGS)] if span is root and not rng.randrange(10) else None,
        payload=_payload(span, order if span is root else None), **shared,
    )  # fmt: skip
    return pricing.priced(record)


def _payload(span: Span, order: str | None) -> Payload:
    said: tuple[Json, Json] = (span.input or None, span.output or None)
    if span.kind == "llm":
        said = ([{"role": "user", "content": span.input}], [{"role": "assistant", "content": span.output}])
    return Payload(
        input=said[0],
        output=said[1],
        documents=[{"text": text, "score": score} for text, score in span.documents] or None,
        attributes={"metadata.order_id": order} if order else {},
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--project", required=True)
    options.add_argument("--end", type=datetime.fromisoformat, required=True)
    for name in ("--spans", "--days", "--seed", "--share", "--of"):
        options.add_argument(name, type=int, required=True)
    chosen = options.parse_args()
    project_id = Project.objects.get(slug=chosen.project).pk
    partitions.make(chosen.end.date() - timedelta(days=n) for n in range(chosen.days + 1))
    for day in range(chosen.share, chosen.days, chosen.of):
        seed = chosen.seed * 1_000 + day
        end = int((chosen.end - timedelta(days=day)).timestamp() * 1e9)
        fill(project_id, traces(chosen.spans // chosen.days, seed, end=end, hours=24), random.Random(seed))


if __name__ == "__main__":
    main()
