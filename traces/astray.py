"""Placeholders on the other side of midnight: the contents of a span came on one day, the span began on another.

A span that says its start is written to that day without asking for others, so both may stand. Whoever writes the
later of the two finds it out, because the trace then lies on two days, and makes one of them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg

from traces import arrays, day_by_day, stored
from traces.rows import Key

ROWS_OF_SPANS = f"""
    SELECT s.trace_id, s.span_id, s.day, s.happened_at, s.start_assumed AND NOT s.ended AND s.name = ''
    FROM unnest(%(trace)s::bytea[], %(span)s::bytea[]) AS sent (trace_id, span_id)
    JOIN traces_summary t ON t.project_id = %(project)s AND t.trace_id = sent.trace_id
    CROSS JOIN LATERAL {day_by_day.rows("traces_span", "s", only="span_id = sent.span_id AND {among}")}
"""

DELETE = """
    DELETE FROM {table} s
    USING unnest(%(day)s::date[], %(trace)s::bytea[], %(span)s::bytea[]) AS stray (day, trace_id, span_id)
    WHERE s.project_id = %(project)s AND s.day = stray.day AND s.trace_id = stray.trace_id AND s.span_id = stray.span_id
        AND s.{among}
"""


@dataclass(frozen=True, slots=True)
class Stray:
    """A placeholder, and the moment at which its span stands on another day."""

    key: Key
    day: date
    home_at: datetime


def found(cursor: "psycopg.Cursor[Any]", project_id: int, keys: Sequence[Key], days: Collection[date]) -> list[Stray]:
    """The placeholders of these spans that stand on another day than the span itself. Their traces are of `days`."""
    traces, spans = [trace for trace, _ in keys], [span for _, span in keys]
    sent = {"trace": arrays.array("bytea", traces), "span": arrays.array("bytea", spans)}
    cursor.execute(ROWS_OF_SPANS.format(among=day_by_day.among(days)), {"project": project_id, **sent})
    homes: dict[Key, datetime] = {}
    placeholders: dict[Key, date] = {}
    for trace, span, day, happened_at, is_placeholder in cursor.fetchall():
        if is_placeholder:
            placeholders[trace, span] = day
        else:
            homes[trace, span] = happened_at
    return [Stray(key, placeholders[key], homes[key]) for key in sorted(placeholders.keys() & homes.keys())]


def delete(cursor: "psycopg.Cursor[Any]", project_id: int, strays: Sequence[Stray]) -> None:
    """Delete these rows, whose contents stand elsewhere now."""
    among = day_by_day.among({one.day for one in strays})
    for table in ("traces_span", "traces_payload"):
        cursor.execute(DELETE.format(table=table, among=among), {"project": project_id, **stored.keys(strays)})
