"""One row per trace, for lists and look-ups. Only merges that give the same row in any order and any number of times.

Counts, tokens and cost are not here: they come from the spans, where repetitions cannot add up.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from traces import preview
from traces.records import SpanRecord

_TYPES = {
    "trace_id": "bytea",
    "happened_at": "timestamptz",
    "ended_at": "timestamptz",
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
_LEAST = ", ".join(
    f"{name} = LEAST(kept.{name}, excluded.{name})"
    for name in ("trace_text", "request_id", "session_id", "user_id", "feature", "service", "environment", "release")
)
_RANKED = ", ".join(
    f"""{name} = CASE WHEN excluded.{name}_rank <= kept.{name}_rank THEN coalesce(excluded.{name}, kept.{name})
            ELSE coalesce(kept.{name}, excluded.{name}) END,
        {name}_rank = LEAST(kept.{name}_rank, excluded.{name}_rank)"""
    for name in ("name", "asked", "answered")
)
UPSERT_SUMMARIES = f"""
    INSERT INTO traces_summary AS kept (project_id, {_NAMES})
    SELECT %(project)s, * FROM unnest({_ARRAYS})
    ON CONFLICT (project_id, trace_id) DO UPDATE SET
        was_happened_at = kept.happened_at,
        happened_at = LEAST(kept.happened_at, excluded.happened_at),
        ended_at = GREATEST(kept.ended_at, excluded.ended_at),
        first_day = LEAST(kept.first_day, excluded.first_day),
        last_day = GREATEST(kept.last_day, excluded.last_day),
        has_root = kept.has_root OR excluded.has_root,
        {_RANKED},
        {_LEAST},
        revision = kept.revision + 1
    RETURNING trace_id, happened_at, was_happened_at, revision
"""

# Ranks: the least wins. Roots come before all others, whatever the moment.
_ROOTS_FIRST = -4 * 10**18
_NO_RANK = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Revised:
    """A trace that was there before: where it began until now, and where it begins now."""

    trace_id: bytes
    happened_at: datetime
    was_happened_at: datetime


def write(cursor: "psycopg.Cursor[Any]", project_id: int, spans: list[tuple[SpanRecord, datetime]]) -> list[Revised]:
    """Merge what `spans` (each with the moment it happened) say of their traces into the summaries.

    Gives back the traces that had a summary before: other intervals than the spans' own may count differently now.
    """
    rows = _rows(spans)
    columns = {name: [row[name] for row in rows] for name in _TYPES}
    cursor.execute(UPSERT_SUMMARIES, {"project": project_id, **columns})
    return [
        Revised(trace_id, happened_at, was_happened_at)
        for trace_id, happened_at, was_happened_at, revision in cursor.fetchall()
        if revision
    ]


def _rows(spans: Iterable[tuple[SpanRecord, datetime]]) -> list[dict[str, Any]]:
    """One row per trace, in the order of their ids."""
    rows: dict[bytes, dict[str, Any]] = {}
    for record, happened_at in spans:
        row = _row(record, happened_at)
        before = rows.get(record.trace_id)
        rows[record.trace_id] = _merged(before, row) if before else row
    return [rows[trace_id] for trace_id in sorted(rows)]


def _row(record: SpanRecord, happened_at: datetime) -> dict[str, Any]:
    is_root = record.parent_id is None
    asked = preview.asked(record) if is_root or record.kind == "llm" else None
    answered = preview.answered(record) if is_root or record.kind == "llm" else None
    begins = (happened_at - _EPOCH) // timedelta(microseconds=1) + (_ROOTS_FIRST if is_root else 0)
    # The answer is what came last, unless the root tells it.
    ends = begins if is_root else -((happened_at - _EPOCH) // timedelta(microseconds=1) + (record.duration_us or 0))
    day: date = happened_at.astimezone(UTC).date()
    return {
        "trace_id": record.trace_id,
        "trace_text": record.trace_text,
        "happened_at": happened_at,
        "ended_at": _ended_at(record, happened_at),
        "first_day": day,
        "last_day": day,
        "has_root": is_root,
        "name": record.name or None,
        "name_rank": begins,
        "asked": asked,
        "asked_rank": begins if asked else _NO_RANK,
        "answered": answered,
        "answered_rank": max(ends, -(2**63)) if answered else _NO_RANK,
        "request_id": record.request_id,
        "session_id": record.session_id,
        "user_id": record.user_id,
        "feature": record.feature,
        "service": record.service,
        "environment": record.environment,
        "release": record.release,
    }


def _ended_at(record: SpanRecord, happened_at: datetime) -> datetime | None:
    if record.duration_us is None or not record.ended:
        return None
    try:
        return min(happened_at + timedelta(microseconds=record.duration_us), _LATEST)
    except OverflowError:
        return _LATEST


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What the statement does between rows, for two rows of one request."""
    row = {}
    for name in _TYPES:
        a, b = one[name], other[name]
        if name in ("ended_at", "last_day", "has_root"):
            row[name] = max((value for value in (a, b) if value is not None), default=None)
        elif name in ("name", "asked", "answered"):
            first, second = (other, one) if other[f"{name}_rank"] < one[f"{name}_rank"] else (one, other)
            row[name] = first[name] if first[name] is not None else second[name]
        else:
            row[name] = min((value for value in (a, b) if value is not None), default=None)
    return row
