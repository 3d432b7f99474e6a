"""What is stored of spans that came again, locked until the transaction ends, as records again."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import errors

from traces import arrays, day_by_day, payload
from traces.records import SpanRecord
from traces.rows import RECORD_COLUMNS, Key, Placed

# unnest flattens arrays of arrays, so tags travel as one text; no tag can hold this separator.
TAG_SEPARATOR = "\x1f"

_STORED = ", ".join("array_to_string(s.tags, chr(31))" if name == "tags" else f"s.{name}" for name in RECORD_COLUMNS)
# Of the days `among` which they are (`day_by_day.among`). In the order of the key, so that two updaters of the same
# spans queue instead of locking each other out.
LOCK = """
    SELECT FROM unnest(%(day)s::date[], %(trace)s::bytea[], %(span)s::bytea[]) AS sent (day, trace_id, span_id)
    JOIN traces_span s ON s.project_id = %(project)s AND s.day = sent.day AND s.trace_id = sent.trace_id
        AND s.span_id = sent.span_id
    WHERE s.{among}
    ORDER BY s.day, s.trace_id, s.span_id
    FOR UPDATE OF s
"""
LOCK_AT_ONCE = LOCK + " NOWAIT"
# A statement of its own: in LOCK's a span that was waited for would come with the payload that it had before.
STORED = f"""
    SELECT s.day, s.happened_at, s.digest, p.codec, p.body, {_STORED}
    FROM unnest(%(day)s::date[], %(trace)s::bytea[], %(span)s::bytea[]) AS sent (day, trace_id, span_id)
    JOIN traces_span s ON s.project_id = %(project)s AND s.day = sent.day AND s.trace_id = sent.trace_id
        AND s.span_id = sent.span_id
    LEFT JOIN traces_payload p ON p.project_id = %(project)s AND p.day = sent.day AND p.trace_id = sent.trace_id
        AND p.span_id = sent.span_id AND p.{{among}}
    WHERE s.{{among}}
"""


def locked(
    cursor: "psycopg.Cursor[Any]", project_id: int, known: Sequence[Placed], lock: str
) -> dict[Key, tuple[Any, ...]]:
    """What is stored of these rows, by their keys, locked. Raises SerializationFailure where one was there and went."""
    values, among = {"project": project_id, **keys(known)}, day_by_day.among({row.day for row in known})
    with cursor.connection.pipeline():
        psycopg.Cursor(cursor.connection).execute(lock.format(among=among), values)
        cursor.execute(STORED.format(among=among), values)
    found = {(line[5], line[6]): line for line in cursor.fetchall()}
    if len(found) < len(known):
        raise errors.SerializationFailure("A placeholder was merged into its span meanwhile.")
    return found


def record(line: tuple[Any, ...]) -> SpanRecord:
    """The record in a line of STORED."""
    _, _, _, codec, body, *values = line
    fields = dict(zip(RECORD_COLUMNS, values, strict=True))
    fields["tags"] = fields["tags"].split(TAG_SEPARATOR) if fields["tags"] else None
    found = SpanRecord(**fields)
    if codec is not None:
        found.payload = payload.decode(payload.decompress(codec, body))
    return found


def keys(of: Sequence[Placed]) -> dict[str, arrays.Array]:
    """Their days and ids, one array per column."""
    return {
        "day": arrays.array("date", [row.day for row in of]),
        "trace": arrays.array("bytea", [row.key[0] for row in of]),
        "span": arrays.array("bytea", [row.key[1] for row in of]),
    }
