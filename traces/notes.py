"""What the reader must know about the record of a trace itself: what is missing, open, or not to be believed. Pure."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from traces.queries.traces import Trace

# A request id such as "None" may be on any number of traces: the newest are read.
MOST_TRACES_OF_REQUEST: Final = 100


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the reader must know about the record itself."""

    code: str
    text: str


def notes_of(trace: "Trace") -> list[Note]:
    """What is to be known about the record, as the JSON and the page say it."""
    spans = trace.spans
    orphans = sum(node.orphan for node in trace.nodes)
    open_spans = sum(not span.record.ended and not span.record.is_placeholder for span in spans)
    placeholders = sum(span.record.is_placeholder for span in spans)
    without_start = sum(span.record.started_at is None for span in spans)
    backwards = sum((span.record.duration_us or 0) < 0 for span in spans)
    without_price = trace.totals.calls_without_price
    found = [
        (
            "several_traces",
            1 < len(trace.summaries) < MOST_TRACES_OF_REQUEST,
            f"{len(trace.summaries)} traces carry this request id; all are shown.",
        ),
        (
            "more_traces",
            len(trace.summaries) >= MOST_TRACES_OF_REQUEST,
            f"{MOST_TRACES_OF_REQUEST} traces or more carry this request id; the newest are shown.",
        ),
        (
            "root_missing",
            not all(summary.has_root for summary in trace.summaries),
            "The first step has not arrived: it may still run, or its sender lost it.",
        ),
        ("parent_missing", orphans > 0, f"{_some(orphans, 'step names', 'steps name')} a parent that has not arrived."),
        (
            "not_ended",
            open_spans > 0,
            f"{_some(open_spans, 'step has', 'steps have')} not ended, as far as its sender told.",
        ),
        (
            "span_missing",
            placeholders > 0,
            f"{_some(placeholders, 'step is', 'steps are')} known only by logs: what was said came, the rest has not.",
        ),
        (
            "start_not_sent",
            without_start > 0,
            f"{_some(without_start, 'step was', 'steps were')} sent without a start.",
        ),
        (
            "ends_before_start",
            backwards > 0,
            f"{_some(backwards, 'step ends', 'steps end')} before it starts: a clock is off.",
        ),
        (
            "price_unknown",
            without_price > 0,
            f"{_some(without_price, 'call has', 'calls have')} no known price; the cost is a lower limit.",
        ),
    ]
    return [Note(code, text) for code, applies, text in found if applies]


def _some(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
