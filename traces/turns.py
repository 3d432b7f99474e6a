"""The turns of a session: what was asked, what came back, and how it went. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from traces.listing import TraceRow
from traces.queries.scores import StoredScore
from traces.queries.sessions import Amounts
from traces.queries.spans import StoredSpan
from traces.sentences import plain
from traces.story import remedies, troubles

# Traces of more steps are told by their outcome alone: reading them all would take longer than the page.
MOST_STEPS_TOLD: Final = 100


@dataclass(frozen=True, slots=True)
class Turn:
    """One trace of a session. `why`: what went wrong and what was done about it, in sentences."""

    row: TraceRow
    number: int | None
    why: list[str] = field(default_factory=list)
    scores: list[StoredScore] = field(default_factory=list)


def in_trouble(rows: Iterable[TraceRow]) -> list[bytes]:
    """The traces whose spans tell more than their row does."""
    return [row.key for row in rows if row.state_tone in ("bad", "warn") and row.spans <= MOST_STEPS_TOLD]


def turns_of(
    rows: Sequence[TraceRow], first: int | None, spans: Iterable[StoredSpan], scores: Iterable[StoredScore]
) -> list[Turn]:
    """The rows as turns. `first` is the number of the first in its session, None where it is not known.

    `spans` are those of the traces in trouble, `scores` those of all of them.
    """
    of_trace: dict[bytes, list[StoredSpan]] = {}
    for span in sorted(spans, key=lambda span: (span.happened_at, span.span_id)):
        of_trace.setdefault(span.record.trace_id, []).append(span)
    given = _by_trace(rows, scores)
    return [
        Turn(row, None if first is None else first + place, _why(of_trace.get(row.key, [])), given.get(row.key, []))
        for place, row in enumerate(rows)
    ]


def amounts(rows: Iterable[TraceRow]) -> Amounts:
    """What these traces come to together."""
    told = list(rows)
    costs = [row.cost_usd for row in told if row.cost_usd is not None]
    tokens = [row.tokens for row in told if row.tokens is not None]
    return Amounts(
        turns=len(told),
        failed=sum(row.failed for row in told),
        tokens=sum(tokens) if tokens else None,
        cost_usd=sum(costs, Decimal()) if costs else None,
        calls_without_price=sum(row.calls_without_price for row in told),
    )


def _why(spans: Sequence[StoredSpan]) -> list[str]:
    return [plain(sentence) for sentence in (*troubles(spans), *remedies(spans))]


def _by_trace(rows: Iterable[TraceRow], scores: Iterable[StoredScore]) -> Mapping[bytes, list[StoredScore]]:
    by_request = {row.request_id: row.key for row in rows if row.request_id}
    found: dict[bytes, list[StoredScore]] = {}
    for score in scores:
        key = score.trace_id or by_request.get(score.request_id or "")
        if key is not None:
            found.setdefault(key, []).append(score)
    return found
