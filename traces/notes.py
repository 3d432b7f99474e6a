"""What the reader must know about the record of a trace itself: what is missing, open, or not to be believed. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from llmobs.lib.templatetags.figures import duration_us
from traces.queries.spans import StoredSpan
from traces.story import some

if TYPE_CHECKING:
    from traces.queries.traces import Trace

# A request id such as "None" may be on any number of traces: the newest are read.
MOST_TRACES_OF_REQUEST: Final = 100
# Clocks of machines that are kept in time differ by milliseconds; what goes on in the background ends a little later.
# A start in whole seconds was cut, so that it may be a second early.
EARLY_US: Final = 50_000
BEYOND_US: Final = 1_000_000
AHEAD: Final = timedelta(seconds=2)
LATE: Final = timedelta(hours=1)
_HOUR: Final = timedelta(hours=1)
_LONGEST_US: Final = 10**14  # three years: further, dates end
_SECOND_US: Final = 1_000_000
_MICROSECOND: Final = timedelta(microseconds=1)
_INCOMPLETE: Final = frozenset({"root_missing", "parent_missing", "not_ended", "span_missing"})


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the reader must know about the record itself."""

    code: str
    text: str


def notes_of(trace: "Trace") -> list[Note]:
    """What is to be known about the record, as the JSON and the page say it."""
    spans = trace.spans
    found = [
        *_several(len(trace.summaries)),
        *_missing(trace),
        *_clocks(spans),
        *_late(spans),
        *_counted(
            trace.totals.calls_without_price,
            "price_unknown",
            "call has no known price; the cost is a lower limit.",
            "calls have no known price; the cost is a lower limit.",
        ),
    ]
    return [Note(code, text) for code, text in found]


def complete(notes: Sequence[Note]) -> bool:
    """Whether all that belongs to the trace has arrived, as far as its notes tell."""
    return not any(note.code in _INCOMPLETE for note in notes)


def _several(traces: int) -> Iterator[tuple[str, str]]:
    if traces >= MOST_TRACES_OF_REQUEST:
        yield "more_traces", f"{MOST_TRACES_OF_REQUEST} traces or more carry this request id; the newest are shown."
    elif traces > 1:
        yield "several_traces", f"{traces} traces carry this request id; all are shown."


def _missing(trace: "Trace") -> Iterator[tuple[str, str]]:
    spans = trace.spans
    if not all(summary.has_root for summary in trace.summaries):
        yield "root_missing", "The first step has not arrived: it may still run, or its sender lost it."
    orphans = sum(node.orphan for node in trace.nodes)
    yield from _counted(
        orphans,
        "parent_missing",
        "step names a parent that has not arrived.",
        "steps name a parent that has not arrived.",
    )
    open_spans = sum(not span.record.ended and not span.record.is_placeholder for span in spans)
    yield from _counted(
        open_spans,
        "not_ended",
        "step has not ended, as far as its sender told.",
        "steps have not ended, as far as its sender told.",
    )
    yield from _counted(
        sum(span.record.is_placeholder for span in spans),
        "span_missing",
        "step is known only by logs: what was said came, the rest has not.",
        "steps are known only by logs: what was said came, the rest has not.",
    )


def _clocks(spans: Sequence[StoredSpan]) -> Iterator[tuple[str, str]]:
    yield from _counted(
        sum(span.record.started_at is None for span in spans),
        "start_not_sent",
        "step was sent without a start.",
        "steps were sent without a start.",
    )
    yield from _counted(
        sum((span.record.duration_us or 0) < 0 for span in spans),
        "ends_before_start",
        "step ends before it starts: a clock is off.",
        "steps end before they start: a clock is off.",
    )
    yield from _counted(
        sum(_unbelievable(span) for span in spans),
        "start_not_believed",
        "step was sent with a start that cannot be; it is shown at the moment when it came in.",
        "steps were sent with a start that cannot be; they are shown at the moment when they came in.",
    )
    yield from _skew(spans)
    ahead = max((_ahead(span) for span in spans), default=timedelta())
    if ahead > AHEAD:
        words = duration_us(ahead // _MICROSECOND)
        yield (
            "clock_ahead",
            f"The sender's clock is at least {words} ahead of ours: steps came before they ended.",
        )


def _skew(spans: Sequence[StoredSpan]) -> Iterator[tuple[str, str]]:
    """Steps that begin before the step that called them, or end long after it."""
    by_id = {(span.record.trace_id, span.span_id): span for span in spans}
    early = beyond = 0
    for span in spans:
        parent = by_id.get((span.record.trace_id, span.parent_id)) if span.parent_id else None
        if parent is None or not (_is_timed(span) and _is_timed(parent)):
            continue
        after_us = (span.happened_at - parent.happened_at) // _MICROSECOND
        slack = _SECOND_US if 0 in (span.happened_at.microsecond, parent.happened_at.microsecond) else 0
        early = max(early, -after_us if -after_us > max(EARLY_US, slack) else 0)
        if span.record.duration_us is not None and parent.record.duration_us is not None:
            over_us = after_us + span.record.duration_us - parent.record.duration_us
            beyond = max(beyond, over_us if over_us > BEYOND_US + slack else 0)
    if early:
        yield (
            "clock_skew",
            f"A step begins {duration_us(early)} before the step that called it: the clocks of two machines differ.",
        )
    elif beyond:
        yield (
            "clock_skew",
            f"A step ends {duration_us(beyond)} after the step that called it: it went on alone, or a clock is off.",
        )


def _late(spans: Sequence[StoredSpan]) -> Iterator[tuple[str, str]]:
    delays = [span.received_at - _end(span) for span in spans if _is_timed(span)]
    longest = max(delays, default=timedelta())
    if longest > LATE:
        words = duration_us(longest // _MICROSECOND)
        yield "received_late", f"It came in up to {words} after it ended: until then, charts and rules were without it."


def _is_timed(span: StoredSpan) -> bool:
    """Whether its place in time is its sender's, and not counted back from when it came."""
    return span.record.started_at is not None and not span.record.start_assumed and not _unbelievable(span)


def _unbelievable(span: StoredSpan) -> bool:
    started_at = span.record.started_at
    return started_at is not None and abs(started_at - span.happened_at) > _HOUR


def _ahead(span: StoredSpan) -> timedelta:
    return _end(span) - span.received_at if _is_timed(span) else timedelta()


def _end(span: StoredSpan) -> datetime:
    return span.happened_at + timedelta(microseconds=min(max(span.record.duration_us or 0, 0), _LONGEST_US))


def _counted(count: int, code: str, one: str, many: str) -> Iterator[tuple[str, str]]:
    if count:
        yield code, some(count, one, many)
