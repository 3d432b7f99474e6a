"""What the reader must know about the record of a trace itself: what is missing, open, or not to be believed. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
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
AHEAD_US: Final = 2_000_000
LATE_US: Final = 3_600_000_000
_HOUR: Final = timedelta(hours=1)
_LONGEST_US: Final = 10**14  # three years: further, dates end
_SECOND_US: Final = 1_000_000
_INCOMPLETE: Final = frozenset({"root_missing", "parent_missing", "not_ended", "span_missing"})


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the reader must know about the record itself."""

    code: str
    text: str


def notes_of(trace: "Trace") -> list[Note]:
    """What is to be known about the record, as the JSON and the page say it."""
    timed = [span for span in trace.spans if _is_timed(span)]
    # How long after its end each of them came in.
    delays = [span.received_us - _end_us(span) for span in timed]
    found = [
        *_several(len(trace.summaries)),
        *_missing(trace),
        *_starts(trace.spans),
        *_skew(timed),
        *_ahead(-min(delays, default=0)),
        *_late(max(delays, default=0)),
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
    if not all(summary.has_root for summary in trace.summaries):
        yield "root_missing", "The first step has not arrived: it may still run, or its sender lost it."
    orphans = sum(node.orphan for node in trace.nodes)
    yield from _counted(
        orphans,
        "parent_missing",
        "step names a parent that has not arrived.",
        "steps name a parent that has not arrived.",
    )
    unended = [span.record for span in trace.spans if not span.record.ended]
    placeholders = sum(record.is_placeholder for record in unended)
    yield from _counted(
        len(unended) - placeholders,
        "not_ended",
        "step has not ended, as far as its sender told.",
        "steps have not ended, as far as its sender told.",
    )
    yield from _counted(
        placeholders,
        "span_missing",
        "step is known only by logs: what was said came, the rest has not.",
        "steps are known only by logs: what was said came, the rest has not.",
    )


def _starts(spans: Sequence[StoredSpan]) -> Iterator[tuple[str, str]]:
    records = [span.record for span in spans]
    yield from _counted(
        sum(record.started_at is None for record in records),
        "start_not_sent",
        "step was sent without a start.",
        "steps were sent without a start.",
    )
    yield from _counted(
        sum(record.duration_us is not None and record.duration_us < 0 for record in records),
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


def _skew(timed: Sequence[StoredSpan]) -> Iterator[tuple[str, str]]:
    """Steps that begin before the step that called them, or end long after it."""
    early = beyond = 0
    for span, parent in _with_parents(timed):
        after_us = span.happened_us - parent.happened_us
        own_us, whole_us = span.record.duration_us, parent.record.duration_us
        over_us = 0 if own_us is None or whole_us is None else after_us + own_us - whole_us
        if -after_us <= EARLY_US and over_us <= BEYOND_US:
            continue
        slack = 0 if span.happened_us % _SECOND_US and parent.happened_us % _SECOND_US else _SECOND_US
        early = max(early, -after_us if -after_us > max(EARLY_US, slack) else 0)
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


def _with_parents(spans: Sequence[StoredSpan]) -> Iterator[tuple[StoredSpan, StoredSpan]]:
    """Those of `spans` whose parent is among them too, with it."""
    by_id = {(span.record.trace_id, span.record.span_id): span for span in spans}
    for span in spans:
        record = span.record
        parent = by_id.get((record.trace_id, record.parent_id)) if record.parent_id else None
        if parent is not None:
            yield span, parent


def _ahead(most_us: int) -> Iterator[tuple[str, str]]:
    if most_us > AHEAD_US:
        words = duration_us(most_us)
        yield "clock_ahead", f"The sender's clock is at least {words} ahead of ours: steps came before they ended."


def _late(longest_us: int) -> Iterator[tuple[str, str]]:
    if longest_us > LATE_US:
        words = duration_us(longest_us)
        yield "received_late", f"It came in up to {words} after it ended: until then, charts and rules were without it."


def _is_timed(span: StoredSpan) -> bool:
    """Whether its place in time is its sender's, and not counted back from when it came."""
    record = span.record
    return record.started_at is not None and not record.start_assumed and not _unbelievable(span)


def _unbelievable(span: StoredSpan) -> bool:
    started_at, happened_at = span.record.started_at, span.happened_at
    # Mostly they are the same object, which is quicker seen than counted.
    return started_at is not None and started_at is not happened_at and abs(started_at - happened_at) > _HOUR


def _end_us(span: StoredSpan) -> int:
    return span.happened_us + min(max(span.record.duration_us or 0, 0), _LONGEST_US)


def _counted(count: int, code: str, one: str, many: str) -> Iterator[tuple[str, str]]:
    if count:
        yield code, some(count, one, many)
