"""The model calls of a trace as rows of a table. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from llmobs.lib.templatetags.figures import nth
from traces.critical import scale_of
from traces.queries.spans import StoredSpan
from traces.queries.traces import Trace

PAGE_CALLS = 200


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call. `after_us` counts from the first start of the trace; `span` holds the rest."""

    span: StoredSpan
    number: int
    query: str
    after_us: int

    @property
    def tries(self) -> str | None:
        """How often it was tried: "3 tries" within it, "2nd try" where each is a step of its own. None is unknown."""
        attempt, retries = self.span.record.attempt, self.span.record.retries
        place = f"{nth(attempt)} try" if attempt and (attempt > 1 or retries is None) else ""
        if retries is None:
            return place or None
        within = f"{retries + 1:,} {'try' if retries == 0 else 'tries'}"
        return f"{place}, {within} in it" if place and retries else place or within


@dataclass(frozen=True, slots=True)
class CallRows:
    """A stretch of the calls in the order of the tree."""

    rows: list[CallRow]
    first: int
    of: int

    @property
    def next(self) -> int | None:
        """The place of the first call that is not here, None when none follows."""
        after = self.first + len(self.rows)
        return after if after < self.of else None


def call_rows(trace: Trace, first: int, keep: str) -> CallRows:
    """The calls from the place `first` on. `keep` stands in the query of a row before its span."""
    calls = list(_calls(trace))
    start = scale_of(trace.spans)
    rows = [
        CallRow(span, number, f"?{keep}span={quote(span.shown_id, safe='')}", start.stretch(span)[0])
        for number, span in calls[first : first + PAGE_CALLS]
    ]
    return CallRows(rows, first, len(calls))


def _calls(trace: Trace) -> Iterator[tuple[int, StoredSpan]]:
    spans: Sequence[StoredSpan] = trace.spans
    for number, span in enumerate(spans, 1):
        if (span.record.trace_id, span.span_id) in trace.call_ids:
            yield number, span
