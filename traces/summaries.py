"""One row per trace, for lists and look-ups. Only merges that give the same row in any order and any number of times.

Counts, tokens and cost are not here: they come from the spans, where repetitions cannot add up.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter, itemgetter
from typing import Any

import psycopg

from traces import arrays, composites, preview, rows
from traces.day_by_day import days_between
from traces.records import SpanRecord

TYPES = {
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
_NAMES = ", ".join(TYPES)
SENT = composites.Shape("traces_sent_summary", TYPES)
# As a table called `sent`; what it takes gives `values`.
ROWS = f"unnest(%(summaries)s::{SENT.name}[]) AS sent"
# Of several values the least is kept, because "the first" would depend on who came first.
LEAST_NAMES = (
    "trace_text", "request_id", "session_id", "user_id", "feature", "service", "environment", "release",
)  # fmt: skip
_LEAST = ", ".join(f"{name} = LEAST(kept.{name}, excluded.{name})" for name in LEAST_NAMES)
# Of the same rank the least text, for the same reason. Without a text there is no rank, and nothing to compare.
_RANKED = ", ".join(
    f"""{name} = CASE WHEN (excluded.{name}_rank, excluded.{name}) < (kept.{name}_rank, kept.{name})
            THEN excluded.{name} ELSE kept.{name} END,
        {name}_rank = LEAST(kept.{name}_rank, excluded.{name}_rank)"""
    for name in ("name", "asked", "answered")
)
UPSERT = f"""
    INSERT INTO traces_summary AS kept (project_id, {_NAMES})
    SELECT %(project)s, sent.* FROM {ROWS} WHERE {{condition}}
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
    RETURNING trace_id, happened_at, was_happened_at, last_at, first_day < last_day AS several_days, revision
"""
# Of what UPSERT, called `summary`, wrote: the traces that had a summary before.
REVISED = """
    SELECT trace_id, happened_at, was_happened_at, last_at, several_days FROM summary WHERE revision > 0
"""

# Ranks: the least wins. Roots come before all others, whatever the moment.
_ROOTS_FIRST = -4 * 10**18
_NO_RANK = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 12, 31, tzinfo=UTC)

_least_of = attrgetter(*LEAST_NAMES)
_rank_of = itemgetter(0)
Happened = tuple[SpanRecord, datetime]  # a span, and the moment it happened
Ranked = tuple[int, SpanRecord]
Loader = Callable[[Iterator[Ranked]], Iterator[Ranked]]


@dataclass(frozen=True, slots=True)
class Revised:
    """A trace that was there before: where it began until now, where it begins now, and when its last span does."""

    trace_id: bytes
    happened_at: datetime
    was_happened_at: datetime
    last_at: datetime
    several_days: bool

    @property
    def days(self) -> list[date]:
        """Those on which its spans stand."""
        return days_between(rows.day_of(self.happened_at), rows.day_of(self.last_at))


def values(to: "psycopg.Connection[Any]", spans: list[Happened]) -> dict[str, arrays.Array]:
    """What `spans` (each with the moment it happened) say of their traces, as UPSERT takes it."""
    return sent(to, _rows(spans))


def sent(to: "psycopg.Connection[Any]", of_traces: list[dict[str, Any]]) -> dict[str, arrays.Array]:
    """What ROWS takes for these traces."""
    return {"summaries": SENT.rows(to, {name: [row[name] for row in of_traces] for name in TYPES})}


def revised(returned: Iterable[tuple[Any, ...]]) -> list[Revised]:
    """What REVISED gave back. These traces may count differently in other intervals than those of the new spans."""
    return [Revised(*line) for line in returned]


def _rows(spans: Iterable[Happened]) -> list[dict[str, Any]]:
    """One row per trace, in the order of their ids."""
    members: dict[bytes, list[Happened]] = {}
    for span in spans:
        members.setdefault(span[0].trace_id, []).append(span)
    return [row_of(members[trace_id]) for trace_id in sorted(members)]


def row_of(spans: list[Happened], loaded: Loader = iter) -> dict[str, Any]:
    """What the spans of one trace say of it. `loaded` may give their payloads to those that are looked into."""
    moments = [at for _, at in spans]
    first, last = min(moments), max(moments)
    since = [_microseconds(at) for at in moments]
    in_order, answers, has_root = _ranked(spans, since)
    name_rank, name = next(((rank, one.name) for rank, one in in_order if one.name), (_NO_RANK, None))
    asked_rank, asked = _first(in_order, loaded, preview.asked)
    answered_rank, answered = _first(answers, loaded, preview.answered)
    return {
        "trace_id": spans[0][0].trace_id,
        "happened_at": first,
        "ended_at": _ended_at(spans, since),
        "last_at": last,
        "first_day": rows.day_of(first),
        "last_day": rows.day_of(last),
        "has_root": has_root,
        "name": name,
        "name_rank": name_rank,
        "asked": asked,
        "asked_rank": asked_rank,
        "answered": answered,
        "answered_rank": answered_rank,
        **dict(zip(LEAST_NAMES, _least(spans), strict=True)),
    }


def outlived(before: Happened, after: Happened) -> bool:
    """Whether a summary keeps of a span's version `before` what `after`, which took its place, does not say."""
    return row_of([before, after]) != row_of([after])


def _ranked(spans: list[Happened], since: list[int]) -> tuple[list[Ranked], list[Ranked], bool]:
    """The spans in the order in which they say what was asked, and what was answered; whether there is a root.

    Roots come first. What was asked is what came earliest then, what was answered is what came last.
    """
    in_order: list[Ranked] = []
    answers: list[Ranked] = []
    has_root = False
    for (record, _), rank in zip(spans, since, strict=True):
        if record.is_root:
            has_root = True
            in_order.append((rank + _ROOTS_FIRST, record))
            answers.append((rank + _ROOTS_FIRST, record))
        else:
            in_order.append((rank, record))
            answers.append((max(-(rank + (record.duration_us or 0)), _ROOTS_FIRST // 2), record))
    in_order.sort(key=_rank_and_name)
    answers.sort(key=_rank_of)
    return in_order, answers, has_root


def _first(in_order: list[Ranked], loaded: Loader, read: Callable[[SpanRecord], str | None]) -> tuple[int, str | None]:
    """The text that the first root or model call has, and its rank: most traces say it in their first span."""
    found_rank, found = _NO_RANK, None
    telling = ((rank, record) for rank, record in in_order if record.kind == "llm" or record.is_root)
    for rank, record in loaded(telling):
        if rank > found_rank:
            break
        if text := read(record):
            found_rank, found = rank, text if found is None else min(found, text)
    return found_rank, found


def _rank_and_name(ranked: Ranked) -> tuple[int, str]:
    return ranked[0], ranked[1].name


def _microseconds(at: datetime) -> int:
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _least(spans: list[Happened]) -> tuple[str | None, ...]:
    """The least of each of LEAST_NAMES that they say."""
    said = {_least_of(record) for record, _ in spans}
    if len(said) == 1:  # nearly always: the spans of a trace agree
        return said.pop()
    of_names = zip(*said, strict=True)
    return tuple(min((value for value in values if value is not None), default=None) for values in of_names)


def _ended_at(spans: list[Happened], since: list[int]) -> datetime | None:
    """The latest end, None while none has ended; `since` are their moments in microseconds."""
    ends = [
        begin + record.duration_us
        for (record, _), begin in zip(spans, since, strict=True)
        if record.duration_us is not None and record.ended
    ]
    try:
        return _EPOCH + timedelta(0, 0, max(ends)) if ends else None
    except OverflowError:
        return _LATEST
