"""The days of spans whose start may be missing or change: the first moment that one was seen at decides for good.

A start that a span says, and keeps, gives the day by itself; those spans are not asked for.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from traces import arrays, rows, stored, writing
from traces.rows import Row

PLACE_SPANS = """
    INSERT INTO traces_locator (project_id, trace_id, span_id, happened_at)
    SELECT %(project)s, * FROM unnest(%(trace)s::bytea[], %(span)s::bytea[], %(at)s::timestamptz[])
    ON CONFLICT (project_id, trace_id, span_id) DO NOTHING
"""
PLACES = """
    SELECT l.trace_id, l.span_id, l.happened_at
    FROM unnest(%(trace)s::bytea[], %(span)s::bytea[]) AS sent (trace_id, span_id)
    JOIN traces_locator l ON l.project_id = %(project)s AND l.trace_id = sent.trace_id AND l.span_id = sent.span_id
"""


def place(cursor: "psycopg.Cursor[Any]", project_id: int, sent: Sequence[Row]) -> None:
    """Move those of `sent` whose start may change to the day that they were first seen at. Safe to repeat."""
    unplaced = sorted((row for row in sent if _must_be_placed(row)), key=lambda row: row.key)
    if not unplaced:
        return
    writing.begin(cursor.connection)
    keys = {"project": project_id, **stored.keys(unplaced)}
    cursor.execute(PLACE_SPANS, {**keys, "at": arrays.array("timestamptz", [row.happened_at for row in unplaced])})
    cursor.execute(PLACES, keys)
    places = {(trace, span): at for trace, span, at in cursor.fetchall()}
    for row in unplaced:
        at: datetime = places.get(row.key, row.happened_at)  # none: its retention ended just now
        if row.day != rows.day_of(at):
            row.move(at)


def _must_be_placed(row: Row) -> bool:
    return row.record.start_may_change or row.happened_at != row.record.started_at
