"""Spans into Postgres: one transaction a request, both rows, the trace's summary, and the marks for the rollups.

Writing twice is writing once. Rows and tables are taken in one order everywhere, so that two writers cannot deadlock.
psycopg's own cursor is used for server-side binding: one text for 1 span and for 10,000, prepared once a connection.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from psycopg import errors

from traces import arrays, astray, marks, merge, partitions, payload, rows, summaries
from traces.errors import StoreUnavailable
from traces.records import SpanRecord
from traces.rows import RECORD_COLUMNS, Placed, Row

_OWN_COLUMNS = {"day": "date", "happened_at": "timestamptz", "digest": "bytea", "payload_bytes": "integer"}
_SPAN_COLUMNS = {**RECORD_COLUMNS, **_OWN_COLUMNS}
# unnest flattens arrays of arrays, so tags travel as one text; no tag can hold this separator.
_LONGEST_US = 86_400_000_000
_TAG_SEPARATOR = "\x1f"
_SPLIT_TAGS = "string_to_array({}, chr(31))"

_NAMES = ", ".join(_SPAN_COLUMNS)
_VALUES = ", ".join(_SPLIT_TAGS.format(name) if name == "tags" else name for name in _SPAN_COLUMNS)
_ARRAYS = ", ".join(f"%({name})s::{kind}[]" for name, kind in _SPAN_COLUMNS.items())

# A row that is not returned was there before. DO NOTHING waits for another writer of the same span to end.
INSERT_SPANS = arrays.Statement.of(f"""
    INSERT INTO traces_span (project_id, received_at, {_NAMES})
    SELECT %(project)s, %(now)s, {_VALUES}
    FROM unnest({_ARRAYS}) AS sent ({_NAMES})
    ON CONFLICT (project_id, day, trace_id, span_id) DO NOTHING
    RETURNING trace_id, span_id
""")

INSERT_PAYLOADS = """
    INSERT INTO traces_payload (project_id, codec, day, trace_id, span_id, body)
    SELECT %(project)s, %(codec)s, *
    FROM unnest(%(day)s::date[], %(trace)s::bytea[], %(span)s::bytea[], %(body)s::bytea[])
    ON CONFLICT (project_id, day, trace_id, span_id) DO UPDATE SET body = excluded.body, codec = excluded.codec
"""

_STORED = ", ".join("array_to_string(s.tags, chr(31))" if name == "tags" else f"s.{name}" for name in RECORD_COLUMNS)
# In the order of the key, so that two updaters of the same spans queue instead of locking each other out.
LOCK_STORED = f"""
    SELECT s.day, s.happened_at, s.digest, p.codec, p.body, {_STORED}
    FROM unnest(%(day)s::date[], %(trace)s::bytea[], %(span)s::bytea[]) AS sent (day, trace_id, span_id)
    JOIN traces_span s ON s.project_id = %(project)s AND s.day = sent.day AND s.trace_id = sent.trace_id
        AND s.span_id = sent.span_id
    LEFT JOIN traces_payload p ON p.project_id = %(project)s AND p.day = sent.day AND p.trace_id = sent.trace_id
        AND p.span_id = sent.span_id
    ORDER BY s.day, s.trace_id, s.span_id
    FOR UPDATE OF s
"""

_SETS = ", ".join(
    f"{name} = {_SPLIT_TAGS.format('sent.tags') if name == 'tags' else f'sent.{name}'}"
    for name in _SPAN_COLUMNS
    if name not in ("day", "trace_id", "span_id")
)
UPDATE_SPANS = arrays.Statement.of(f"""
    UPDATE traces_span s SET revision = s.revision + 1, {_SETS}
    FROM unnest({_ARRAYS}) AS sent ({_NAMES})
    WHERE s.project_id = %(project)s AND s.day = sent.day AND s.trace_id = sent.trace_id AND s.span_id = sent.span_id
""")

# The first moment that a span whose start may change was seen at decides its day for good.
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


@dataclass(slots=True)
class Outcome:
    """What became of the records: how many of each, and the positions of those that the database cannot hold."""

    accepted: int = 0
    duplicates: int = 0
    updated: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


def write(project_id: int, records: Sequence[SpanRecord], now: datetime) -> Outcome:
    """Store `records` in one transaction. Safe to repeat: what is there already is recognised or merged.

    Raises StoreUnavailable when the database did not take them; nothing of them is stored then.
    """
    try:
        return _write_or_split(project_id, records, list(range(len(records))), now)
    except (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise StoreUnavailable("The database did not take the spans; send them again.") from error
    except (errors.ReadOnlySqlTransaction, errors.InsufficientResources) as error:
        raise StoreUnavailable("The database takes no writes now; send the spans again later.") from error


def _write_or_split(project_id: int, records: Sequence[SpanRecord], positions: list[int], now: datetime) -> Outcome:
    """Write all; where one value cannot be held, find its record by halving, so that it costs no other."""
    try:
        return _write(project_id, records, positions, now)
    except (psycopg.DataError, psycopg.IntegrityError, UnicodeEncodeError, struct.error) as error:
        if isinstance(error, errors.CheckViolation):
            raise StoreUnavailable("The partition of a day could not be made; send the spans again.") from error
        if len(records) == 1:
            reason = f"A value of this span cannot be stored: {str(error).splitlines()[0]}."
            return Outcome(refused=[(positions[0], reason)])
    middle = len(records) // 2
    halves = [slice(0, middle), slice(middle, None)]
    outcomes = [_write_or_split(project_id, records[half], positions[half], now) for half in halves]
    return Outcome(
        sum(one.accepted for one in outcomes),
        sum(one.duplicates for one in outcomes),
        sum(one.updated for one in outcomes),
        [refused for one in outcomes for refused in one.refused],
    )


def _write(project_id: int, records: Sequence[SpanRecord], positions: list[int], now: datetime) -> Outcome:
    sent = _rows(records, positions, now)
    try:
        return _transact(project_id, sent, now)
    except errors.CheckViolation:  # no partition for one of the days: rare, so it is not looked for beforehand
        partitions.make({row.day for row in sent})
        return _transact(project_id, sent, now)


def _transact(project_id: int, sent: list[Row], now: datetime) -> Outcome:
    if not sent:
        return Outcome()
    with transaction.atomic(), _own_cursor() as cursor:
        _place(cursor, project_id, [row for row in sent if _must_be_placed(row)])
        sent = rows.by_key(sent)
        new = set(INSERT_SPANS.execute(cursor.connection, {"project": project_id, "now": now, **_columns(sent)}))
        fresh = [row for row in sent if row.key in new]
        changed = _update(cursor, project_id, [row for row in sent if row.key not in new])
        _write_payloads(cursor, project_id, fresh + changed)
        if written := fresh + changed:
            revised = summaries.write(cursor, project_id, [(row.record, row.happened_at) for row in written])
            written += _bring_home(cursor, project_id, written, revised)
            moments = [at for row in written for at in (row.happened_at, row.was_at) if at is not None]
            marks.add(cursor, project_id, moments, revised)
    return _outcome(sent, {row.key for row in fresh}, {row.key for row in changed})


def _bring_home(
    cursor: "psycopg.Cursor[Any]", project_id: int, written: list[Row], revised: list[summaries.Revised]
) -> list[Row]:
    """Merge placeholders that stand on another day than their span into it; the spans that this changed.

    After the summaries, whose locks let the later of two writers see what the earlier one wrote.
    """
    wide = {trace.trace_id for trace in revised if trace.several_days}
    strays = astray.found(cursor, project_id, [row.key for row in written if row.key[0] in wide]) if wide else []
    if not strays:
        return []
    stored = _lock(cursor, project_id, strays)
    home = [rows.sealed(_record(stored[one.key]), 0, one.home_at) for one in strays]
    changed = _update(cursor, project_id, home)
    astray.delete(cursor, project_id, _keys(strays))
    _write_payloads(cursor, project_id, changed)
    if changed:
        summaries.write(cursor, project_id, [(row.record, row.happened_at) for row in changed])
    return changed


def _own_cursor() -> "psycopg.Cursor[Any]":
    """A cursor that binds on the server, on Django's connection."""
    connection.ensure_connection()
    cursor = psycopg.Cursor(connection.connection)
    arrays.teach(cursor)
    return cursor


def _outcome(sent: list[Row], fresh: set[rows.Key], changed: set[rows.Key]) -> Outcome:
    """Every version that was sent counts once: the first as what became of the row, the rest as repetitions."""
    outcome = Outcome()
    for row in sent:
        versions = len(row.versions())
        outcome.updated += versions - 1
        outcome.duplicates += len(row.positions) - versions
        if row.key in fresh:
            outcome.accepted += 1
        elif row.key in changed:
            outcome.updated += 1
        else:
            outcome.duplicates += 1
    return outcome


def _rows(records: Iterable[SpanRecord], positions: Iterable[int], now: datetime) -> list[Row]:
    """One row per span: a statement may touch a row only once, so versions in one request are merged here."""
    found: dict[rows.Key, Row] = {}
    earliest, latest = now - timedelta(days=settings.SPAN_RETENTION_DAYS + 2), now + timedelta(days=1)
    for record, position in zip(records, positions, strict=True):
        row = rows.sealed(record, position, happened_at(record, now, earliest, latest))
        first = found.setdefault(row.key, row)
        if first is not row:
            rows.add(first, row)
            first.move(happened_at(first.record, now, earliest, latest))
    return list(found.values())


def happened_at(record: SpanRecord, now: datetime, earliest: datetime, latest: datetime) -> datetime:
    """The moment that lists and charts order a span by: its start, or when it came if it has no plausible one."""
    if record.started_at is not None and earliest <= record.started_at <= latest:
        return record.started_at
    return now - timedelta(microseconds=min(max(record.duration_us or 0, 0), _LONGEST_US))


def _must_be_placed(row: Row) -> bool:
    return row.record.start_may_change or row.happened_at != row.record.started_at


def _place(cursor: "psycopg.Cursor[Any]", project_id: int, unplaced: list[Row]) -> None:
    """Give rows whose start may change the day that they were first seen at."""
    if not unplaced:
        return
    ordered = sorted(unplaced, key=lambda row: row.key)
    keys = {"project": project_id, **_keys(ordered)}
    cursor.execute(PLACE_SPANS, {**keys, "at": arrays.array("timestamptz", [row.happened_at for row in ordered])})
    cursor.execute(PLACES, keys)
    places = {(trace, span): at for trace, span, at in cursor.fetchall()}
    for row in unplaced:
        place: datetime = places[row.key]
        if row.day != rows.day_of(place):
            row.move(place)


def _update(cursor: "psycopg.Cursor[Any]", project_id: int, known: list[Row]) -> list[Row]:
    """Merge `known` into the rows that are stored; the ones that changed anything."""
    if not known:
        return []
    stored = _lock(cursor, project_id, known)
    changed = [row for row in known if _merge_into(row, stored[row.key])]
    if changed:
        UPDATE_SPANS.execute(cursor.connection, {"project": project_id, **_columns(changed)})
    return changed


def _lock(cursor: "psycopg.Cursor[Any]", project_id: int, known: Sequence[Placed]) -> dict[rows.Key, tuple[Any, ...]]:
    """What is stored of these rows, by their keys, locked."""
    cursor.execute(LOCK_STORED, {"project": project_id, **_keys(known)})
    return {(line[5], line[6]): line for line in cursor.fetchall()}


def _merge_into(row: Row, line: tuple[Any, ...]) -> bool:
    """Turn `row` into the merge of what is stored and what was sent; False when that is what is stored.

    The row remembers the digests of the versions it is made of: a late repetition of an old one undoes nothing.
    """
    at, digests = line[1], bytes(line[2])
    seen = rows.apart(digests)
    new = {digest: version for digest, version in row.versions().items() if digest not in seen}
    if not new:
        return False
    before = _record(line)
    kept = rows.sealed(before, 0, at).digest
    row.record = reduce(merge.merged, new.values(), before)
    row.was_at = at
    row.seal()
    start_at = row.record.started_at
    row.move(at if start_at is None or rows.day_of(start_at) != rows.day_of(at) else start_at)
    if row.digest == kept:
        return False
    row.digest = rows.remembered(new, digests)
    return True


def _record(line: tuple[Any, ...]) -> SpanRecord:
    """The record in a line of LOCK_STORED."""
    _, _, _, codec, body, *values = line
    fields = dict(zip(RECORD_COLUMNS, values, strict=True))
    fields["tags"] = fields["tags"].split(_TAG_SEPARATOR) if fields["tags"] else None
    record = SpanRecord(**fields)
    if codec is not None:
        record.payload = payload.decode(payload.decompress(codec, body))
    return record


def _write_payloads(cursor: "psycopg.Cursor[Any]", project_id: int, written: list[Row]) -> None:
    if written:
        bodies = [payload.compress(row.body) for row in written]
        values = {"body": arrays.array("bytea", bodies), **_keys(written)}
        cursor.execute(INSERT_PAYLOADS, {"project": project_id, "codec": payload.ZSTD_JSON_DICTIONARY, **values})


def _keys(of: Sequence[Placed]) -> dict[str, arrays.Array]:
    return {
        "day": arrays.array("date", [row.day for row in of]),
        "trace": arrays.array("bytea", [row.key[0] for row in of]),
        "span": arrays.array("bytea", [row.key[1] for row in of]),
    }


def _columns(of: list[Row]) -> dict[str, arrays.Array]:
    """The rows turned into one array per column."""
    own = [(row.day, row.happened_at, row.digest, len(row.body)) for row in of]
    values = dict(zip(RECORD_COLUMNS, zip(*(row.values for row in of), strict=True), strict=True))
    values |= zip(_OWN_COLUMNS, zip(*own, strict=True), strict=True)
    values["tags"] = tuple(_TAG_SEPARATOR.join(tags) if tags else None for tags in values["tags"])
    return {name: arrays.array(kind, values[name]) for name, kind in _SPAN_COLUMNS.items()}
