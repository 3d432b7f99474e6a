"""A trace as the API answers it, in pieces: what is too much to hold at once is read and written bit by bit."""

from collections.abc import Iterable, Iterator, Sequence

import orjson
from django.urls import reverse

from accounts.models import Project
from traces import media
from traces.answers import head_answer, span_answers
from traces.queries.scores import StoredScore, scores_of
from traces.queries.spans import StoredSpan, payloads_of
from traces.queries.traces import Trace
from traces.records import Json
from traces.snippets import indented

_MOST_SPANS = 500  # read at once
_MOST_BYTES = 8_000_000  # of payloads read at once, unless one alone is larger


def head(project: Project, trace: Trace) -> dict[str, Json]:
    """The answer without its spans."""
    return head_answer(trace, None, scores_of(project.pk, trace))


def some(
    project: Project, trace: Trace, spans: Sequence[StoredSpan], scores: Sequence[StoredScore] = ()
) -> list[dict[str, Json]]:
    """These of the trace's spans, with the addresses of the media in them."""

    def url(name: str) -> str:
        return reverse("traces:media", args=[project.slug, name])

    traces = {span.record.trace_id for span in spans}
    payloads = payloads_of(project.pk, traces, [span.span_id for span in spans])
    payloads = {key: media.with_urls(one, url) for key, one in payloads.items()}
    return span_answers(trace, spans, payloads, scores)


def text(project: Project, trace: Trace) -> str:
    """All of it, to be read; for a trace whose payloads are few."""
    scores = scores_of(project.pk, trace)
    return indented({**head_answer(trace, None, scores), "spans": some(project, trace, trace.spans, scores)})


def pieces(project: Project, trace: Trace) -> Iterator[bytes]:
    """All of it as JSON, no more of it at once than a few megabytes."""
    scores = scores_of(project.pk, trace)
    yield _dumped(head_answer(trace, None, scores))[:-1] + b',"spans":['
    comma = b""
    for batch in _batches(trace.spans):
        for one in some(project, trace, batch, scores):
            yield comma + _dumped(one)
            comma = b","
    yield b"]}"


def _batches(spans: Iterable[StoredSpan]) -> Iterator[list[StoredSpan]]:
    batch: list[StoredSpan] = []
    size = 0
    for span in spans:
        if batch and (len(batch) == _MOST_SPANS or size + span.payload_bytes > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(span)
        size += span.payload_bytes
    yield batch


def _dumped(value: Json) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer past 64 bits
        return indented(value).encode()
