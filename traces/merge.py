"""Several versions of one span become one: what is set wins over what is not, and null never erases. Pure.

A version that has ended wins over one that has not, whichever came first; else the one that came later wins. Where a
sender tells when it said a version, its moment decides instead, field by field: `traces.versions`.
https://opentelemetry.io/docs/specs/otlp/#exporting-requests (a retry repeats) and the create-then-update of other SDKs
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import reduce
from operator import attrgetter
from typing import Any

from traces import logged, pricing, versions
from traces.records import Payload, SpanRecord

# What a field holds while nobody has set it.
_UNSET: dict[str, Any] = {"name": "", "kind": "other", "status": "unset", "dropped_attributes": 0}
_SEPARATE = frozenset({
    "payload", "attributes", "logged", "finish_reason_logged", "finish_reason", "cost_usd", "cost_source", "ended",
    "start_may_change", "started_at", "start_assumed", "said",
})  # fmt: skip
_RECORD_FIELDS = tuple(field.name for field in fields(SpanRecord) if field.name not in _SEPARATE)
_PAYLOAD_FIELDS = tuple(field.name for field in fields(Payload) if field.name not in _SEPARATE)


def all_merged(of: Sequence[SpanRecord]) -> SpanRecord:
    """One record of the versions of a span, in the order they came; priced anew unless its sender told the cost."""
    if len(of) > 1 and any(one.payload.said is not None for one in of):
        return versions.merged(of)
    return reduce(_merged, of)


def merged(earlier: SpanRecord, later: SpanRecord) -> SpanRecord:
    """The same of two."""
    return all_merged((earlier, later))


def _merged(earlier: SpanRecord, later: SpanRecord) -> SpanRecord:
    loser, winner = (later, earlier) if earlier.ended and not later.ended else (earlier, later)
    start = _start(winner, loser, earlier, later)
    sent = winner if winner.cost_source == "sent" else loser if loser.cost_source == "sent" else None
    record = replace(
        winner,
        **_chosen(winner, loser, _RECORD_FIELDS),
        payload=replace(
            winner.payload,
            **_chosen(winner.payload, loser.payload, _PAYLOAD_FIELDS),
            attributes={**loser.payload.attributes, **winner.payload.attributes},
            logged=logged.united(earlier.payload.logged, later.payload.logged),
            finish_reason_logged=None,
        ),
        finish_reason=logged.told_finish_reason(winner) or logged.told_finish_reason(loser),
        started_at=start.started_at,
        start_assumed=start.start_assumed,
        ended=winner.ended or loser.ended,
        start_may_change=winner.start_may_change or loser.start_may_change,
        cost_usd=sent.cost_usd if sent else None,
        cost_source="sent" if sent else None,
    )
    logged.settle(record)
    return record if sent else pricing.priced(record)


def _start(winner: SpanRecord, loser: SpanRecord, *by_arrival: SpanRecord) -> SpanRecord:
    """The version whose start holds: one that was told, else the first of those counted back from their arrival."""
    told = [one for one in (winner, loser) if one.started_at is not None and not one.start_assumed]
    assumed = [one for one in by_arrival if one.started_at is not None]
    if all(one.is_placeholder for one in assumed):  # the moments of their logs, of which any order makes the same
        assumed.sort(key=attrgetter("started_at"))
    return (told or assumed or [winner])[0]


def _chosen(winner: object, loser: object, names: tuple[str, ...]) -> dict[str, Any]:
    chosen = {}
    for name in names:
        value = getattr(winner, name)
        chosen[name] = getattr(loser, name) if value is None or value == _UNSET.get(name, ...) else value
    return chosen
