"""A trace's spans as rows with bars on one time scale. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

from llmobs.lib.templatetags.figures import duration_us as words_for
from traces.queries.spans import StoredSpan
from traces.queries.traces import Trace
from traces.tree import Node

FAMILIES = {
    **dict.fromkeys(("llm", "embedding", "rerank"), "model"),
    "retrieval": "find",
    "tool": "tool",
    **dict.fromkeys(("parser", "guardrail", "evaluator"), "check"),
    **dict.fromkeys(("agent", "chain", "other"), "logic"),
}
MOST_STEPS = 1_000
DEEPEST = 12  # further in, rows are not indented more
_LONGEST_NOTE = 40
_MOST_TICKS = 5
_LAST_ROUND_MARK = 0.86  # of the length: further right it would touch the last
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Step:
    """One row. Percents are of the whole trace's length; `first_token_percent` is of the row's own bar."""

    span_id: str
    depth: int
    name: str
    kind: str
    family: str
    model: str | None
    note: str | None
    failed: bool
    open: bool
    left_percent: float
    width_percent: float
    first_token_percent: float | None
    duration_us: int | None
    is_whole: bool
    current: bool
    retry: int
    missing_parent: bool
    folded: int = 0


def steps(trace: Trace, current: bytes | None) -> list[Step]:
    """The rows in tree pre-order, the span `current` marked. At most 1,000, then one that counts the rest."""
    start, length = _scale(trace.spans)
    shown = trace.nodes[:MOST_STEPS]
    rows = [_row(node, (_offset(node.span, start), length), current) for node in shown]
    if len(trace.nodes) > len(shown):
        rows.append(_rest(len(trace.nodes) - len(shown)))
    return rows


def ticks(trace: Trace) -> list[tuple[float, str]]:
    """Where the scale has marks, in percent, and what they say: round lengths, then the whole."""
    length = _scale(trace.spans)[1]
    step = _round_step(length)
    marks = range(0, round(length * _LAST_ROUND_MARK), step)
    return [*((100 * mark / length, words_for(mark) if mark else "0") for mark in marks), (100, words_for(length))]


def _round_step(length: int) -> int:
    """The least of 1, 2, 5, 10, 20, 50 … microseconds that cuts `length` into at most five."""
    steps: Iterator[int] = (digit * 10**power for power in count() for digit in (1, 2, 5))
    return next(step for step in steps if length <= step * _MOST_TICKS)


def _scale(spans: list[StoredSpan]) -> tuple[StoredSpan, int]:
    """The span that starts first, and the microseconds until the last end; never 0, so that it can divide."""
    first = min(spans, key=lambda span: span.happened_at)
    ends = (_offset(span, first) + max(span.record.duration_us or 0, 0) for span in spans)
    return first, max([1, *ends])


def _offset(span: StoredSpan, first: StoredSpan) -> int:
    return (span.happened_at - first.happened_at) // _MICROSECOND


def _row(node: Node, place: tuple[int, int], current: bytes | None) -> Step:
    record, (offset, length) = node.span.record, place
    duration = max(record.duration_us or 0, 0)
    first_token = record.time_to_first_token_us
    return Step(
        span_id=node.span.shown_id,
        depth=min(node.depth, DEEPEST),
        name=record.name or record.kind,
        kind=record.kind,
        family=FAMILIES[record.kind],
        model=record.model_requested or record.model,
        note=_note(node.span),
        failed=node.span.failed,
        open=not record.ended or record.duration_us is None,
        left_percent=round(100 * offset / length, 2),
        width_percent=round(100 * duration / length, 2),
        first_token_percent=round(min(100 * first_token / duration, 100), 1) if first_token and duration else None,
        duration_us=record.duration_us,
        is_whole=node.children > 0,
        current=record.span_id == current,
        retry=record.attempt or 1,
        missing_parent=node.orphan,
    )


def _note(span: StoredSpan) -> str | None:
    record = span.record
    if span.failed:
        words = record.status_message or (record.failure or "failed").replace("_", " ")
        line = words.partition("\n")[0]
        return line[: _LONGEST_NOTE - 1] + "…" if len(line) > _LONGEST_NOTE else line
    if record.fallback and record.fallback != "none":
        return f"fallback: {record.fallback.replace('_', ' ')}"
    if record.cost_source == "unknown":
        return "price unknown"
    return None


def _rest(folded: int) -> Step:
    return Step("", 0, "", "other", "logic", None, None, False, False, 0, 0, None, None, False, False, 1, False, folded)
