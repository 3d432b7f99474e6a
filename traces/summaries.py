"""One row per trace, for lists and look-ups. Only merges that give the same row in any order and any number of times.

Counts, tokens and cost are not here: they come from the spans, where repetitions cannot add up.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from traces import arrays, preview
from traces.records import SpanRecord

_TYPES = {
    "trace_id": "bytea",
    "happened_at": "timestamptz",
    "ended_at": "timestamptz",
    "last_at": "timestamptz",
    "first_day": "date",
    "last_day": "date",
    "has_root": "boolean",
    **dict.fromkeys(("name_rank", "asked_rank", "answered_rank"), "bigint"),
    **dict.fromkeys(("trace_text", "name", "asked", "answered"), "text"),
    **dict.fromkeys(("request_id", "session_id", "user_id", "feature", "service", "environment", "release"), "text"),
}
_NAMES = ", ".join(_TYPES)
_ARRAYS = ", ".join(f"%({name})s::{kind}[]" for name, kind in _TYPES.items())
# Of several values the least is kept, because "the first" would depend on who came first.
_LEAST_NAMES = (
    "trace_text", "request_id", "session_id", "user_id", "feature", "service", "environment", "release",
)  # fmt: skip
_LEAST = ", ".join(f"{name} = LEAST(kept.{name}, excluded.{name})" for name in _LEAST_NAMES)
_RANKED = ", ".join(
    f"""{name} = CASE WHEN excluded.{name}_rank <= kept.{name}_rank THEN coalesce(excluded.{name}, kept.{name})
            ELSE coalesce(kept.{name}, excluded.{name}) END,
        {name}_rank = LEAST(kept.{name}_rank, excluded.{name}_rank)"""
    for name in ("name", "asked", "answered")
)
UPSERT = f"""
    INSERT INTO traces_summary AS kept (project_id, {_NAMES})
    SELECT %(project)s, * FROM unnest({_ARRAYS})
    ON CONFLICT (project_id, trace_id) DO UPDATE SET
        was_happened_at = kept.happened_at,
        happened_at = LEAST(kept.happened_at, excluded.happened_at),
        ended_at = GREATEST(kept.ended_at, excluded.ended_at),
        last_at = GREATEST(kept.last_at, excluded.last_at),
        first_day = LEAST(kept.first_day, excluded.first_day),
        last_day = GREATEST(kept.last_day, excluded.last_day),
        has_root = kept.has_root OR excluded.has_root,
        {_RANKED},
        {_LEAST},
        revision = kept.revision + 1
    RETURNING trace_id, happened_at, was_happened_at, last_at, revision, first_day < last_day
"""

# Ranks: the least wins. Roots come before all others, whatever the moment.
_ROOTS_FIRST = -4 * 10**18
_NO_RANK = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LATEST = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Revised:
    """A trace that was there before: where it began until now, where it begins now, and when its last span does."""

    trace_id: bytes
    happened_at: datetime
    was_happened_at: datetime
    last_at: datetime
    several_days: bool


def values(spans: list[tuple[SpanRecord, datetime]]) -> dict[str, arrays.Array]:
    """What `spans` (each with the moment it happened) say of their traces, as UPSERT takes it."""
    rows = _rows(spans)
    return {name: arrays.array(kind, [row[name] for row in rows]) for name, kind in _TYPES.items()}


def revised(returned: Iterable[tuple[Any, ...]]) -> list[Revised]:
    """Of what UPSERT returned the traces that had a summary before: they may count differently in other intervals."""
    return [
        Revised(trace_id, happened_at, was_happened_at, last_at, several_days)
        for trace_id, happened_at, was_happened_at, last_at, revision, several_days in returned
        if revision
    ]


def _rows(spans: Iterable[tuple[SpanRecord, datetime]]) -> list[dict[str, Any]]:
    """One row per trace, in the order of their ids."""
    members: dict[bytes, list[tuple[SpanRecord, datetime]]] = {}
    for span in spans:
        members.setdefault(span[0].trace_id, []).append(span)
    return [_row(members[trace_id]) for trace_id in sorted(members)]


def _row(spans: list[tuple[SpanRecord, datetime]]) -> dict[str, Any]:
    """What the spans of one trace say of it."""
    first, last = min(at for _, at in spans), max(at for _, at in spans)
    ranked = sorted((_rank(record, at), place) for place, (record, at) in enumerate(spans))
    in_order = [(rank, spans[place][0]) for rank, place in ranked]
    name_rank, name = next(((rank, one.name) for rank, one in in_order if one.name), (_NO_RANK, None))
    asked_rank, asked = _first(in_order, preview.asked)
    answers = sorted(((_answer_rank(record, at), place) for place, (record, at) in enumerate(spans)))
    answered_rank, answered = _first([(rank, spans[place][0]) for rank, place in answers], preview.answered)
    return {
        "trace_id": spans[0][0].trace_id,
        "happened_at": first,
        "ended_at": max((end for record, at in spans if (end := _ended_at(record, at))), default=None),
        "last_at": last,
        "first_day": first.astimezone(UTC).date(),
        "last_day": last.astimezone(UTC).date(),
        "has_root": any(record.is_root for record, _ in spans),
        "name": name,
        "name_rank": name_rank,
        "asked": asked,
        "asked_rank": asked_rank,
        "answered": answered,
        "answered_rank": answered_rank,
        **{name: _least(getattr(record, name) for record, _ in spans) for name in _LEAST_NAMES},
    }


def _first(in_order: list[tuple[int, SpanRecord]], read: Callable[[SpanRecord], str | None]) -> tuple[int, str | None]:
    """The text that the first root or model call has, and its rank: most traces say it in their first span."""
    for rank, record in in_order:
        if (record.is_root or record.kind == "llm") and (text := read(record)):
            return rank, text
    return _NO_RANK, None


def _rank(record: SpanRecord, at: datetime) -> int:
    """Roots first, then the earliest."""
    return _microseconds(at) + (_ROOTS_FIRST if record.is_root else 0)


def _answer_rank(record: SpanRecord, at: datetime) -> int:
    """The answer is what came last, unless a root tells it."""
    if record.is_root:
        return _rank(record, at)
    return max(-(_microseconds(at) + (record.duration_us or 0)), _ROOTS_FIRST // 2)


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _least(values: Iterable[str | None]) -> str | None:
    return min({value for value in values if value is not None}, default=None)


def _ended_at(record: SpanRecord, happened_at: datetime) -> datetime | None:
    if record.duration_us is None or not record.ended:
        return None
    try:
        return happened_at + timedelta(microseconds=record.duration_us)
    except OverflowError:
        return _LATEST
