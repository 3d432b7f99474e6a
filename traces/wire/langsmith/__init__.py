"""What LangSmith's clients send: runs and feedback, as parts of a multipart body, as a batch, or one by one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import orjson

from traces.errors import Unreadable
from traces.records import RawSpan, Rejection
from traces.wire.jsontext import loads
from traces.wire.langsmith.feedback import score
from traces.wire.langsmith.parts import Attachment, Draft, drafts
from traces.wire.langsmith.run import raw_span
from traces.wire.plain_values import Refused
from traces.wire.scores import Score

__all__ = ["Attachment", "Sent", "info", "of_batch", "of_feedback", "of_multipart", "of_run"]

# Of LangSmith's own server: below 0.8.10 clients send each feedback in a request that their caller waits for.
_VERSION: Final = "0.13.0"
_RUNS: Final = 100


@dataclass(slots=True)
class Sent:
    """What a body holds. Every position of the flattened input is a span, a score or a rejection.

    A span whose `trace_id` is '' does not say it. `attachments` are of the spans at these places of `spans`.
    """

    spans: list[RawSpan] = field(default_factory=list)
    attachments: list[tuple[int, Attachment]] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


def of_multipart(body: bytes, content_type: str | None) -> Sent:
    """The runs and feedback of `POST /runs/multipart`. Raises Unreadable, TooLarge."""
    return _sent(drafts(body, content_type))


def of_batch(body: bytes) -> Sent:
    """The runs of `POST /runs/batch`. Raises Unreadable."""
    batch = loads(body)
    lists = [batch.get(name) for name in ("post", "patch")] if isinstance(batch, dict) else []
    runs = [run for some in lists if isinstance(some, list) for run in some]
    if not runs:
        raise Unreadable('There are no runs in the body; send {"post": […], "patch": […]}.')
    return _sent(Draft(index, run) for index, run in enumerate(runs))


def of_run(body: bytes, run_id: str | None = None) -> Sent:
    """The one run of `POST /runs`, or of `PATCH /runs/<run_id>`. Raises Unreadable."""
    run = loads(body)
    if run_id is not None and isinstance(run, dict):
        run["id"] = run_id
    return _sent([Draft(0, run)])


def of_feedback(body: bytes) -> Sent:
    """The one feedback of `POST /feedback`. Raises Unreadable."""
    return _sent([Draft(0, loads(body), is_feedback=True)])


def info(most_bytes: int) -> bytes:
    """The answer to `GET /info`: what this server takes, up to `most_bytes` in a body."""
    return orjson.dumps(
        {
            "version": _VERSION,
            "license_expiration_time": None,
            "instance_flags": {"zstd_compression_enabled": True},
            "batch_ingest_config": {
                "use_multipart_endpoint": True,
                "size_limit": _RUNS,
                "size_limit_bytes": most_bytes,
                "scale_up_qsize_trigger": 1000,
                "scale_up_nthreads_limit": 16,
                "scale_down_nempty_trigger": 4,
            },
        }
    )


def _sent(found: Iterable[Draft]) -> Sent:
    sent = Sent()
    for draft in found:
        try:
            if draft.problem:
                raise Refused(draft.problem)
            if draft.is_feedback:
                sent.scores.append(score(draft.index, draft.said))
                continue
            sent.spans.append(raw_span(draft.index, draft.said))
            sent.attachments += [(len(sent.spans) - 1, one) for one in draft.attachments]
        except Refused as problem:
            what = "feedback" if draft.is_feedback else "runs"
            sent.rejected.append(Rejection(draft.index, f"{what}[{draft.index}]: {problem}"))
    _place(sent.spans)
    return sent


def _place(spans: list[RawSpan]) -> None:
    """Fill in the traces that other runs of the same body tell: the run's other version, or its parent."""
    told = {raw.span_id: raw.trace_id for raw in spans if raw.trace_id}
    for raw in spans:
        if not raw.trace_id:
            raw.trace_id = told.get(raw.span_id) or told.get(raw.parent_id or "") or ""
            if raw.trace_id:
                told[raw.span_id] = raw.trace_id
