"""Spans into Postgres: one transaction a request, both rows, the trace's summary, and the marks for the rollups.

Writing twice is writing once. Rows and tables are taken in one order everywhere, so that two writers cannot deadlock.
psycopg's own cursor is used for server-side binding: one text for 1 span and for 10,000, prepared once a connection.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Any

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from psycopg import errors

from traces import marks, merge, partitions, payload, summaries
from traces.errors import StoreUnavailable
from traces.records import SpanRecord

# The columns that hold a field of SpanRecord by its name, and their types.
_RECORD_COLUMNS: dict[str, str] = {
    "trace_id": "bytea",
    "span_id": "bytea",
    "parent_id": "bytea",
    "started_at": "timestamptz",
    **dict.fromkeys(("duration_us", "time_to_first_token_us", "input_tokens", "output_tokens"), "bigint"),
    **dict.fromkeys(("cache_read_tokens", "cache_write_tokens", "reasoning_tokens"), "bigint"),
    "confidence": "double precision",
    "attempt": "integer",
    "retries": "integer",
    **dict.fromkeys(("cache_hit", "refused", "format_valid", "ended", "start_assumed"), "boolean"),
    **dict.fromkeys(("name", "kind", "status", "failure", "fallback", "finish_reason"), "text"),
    **dict.fromkeys(("trace_text", "span_text", "parent_text", "request_id", "session_id", "user_id"), "text"),
    **dict.fromkeys(("response_id", "feature", "service", "environment", "release", "provider"), "text"),
    **dict.fromkeys(("model_requested", "model", "prompt_name", "prompt_version", "template_name"), "text"),
    **dict.fromkeys(("template_version", "retriever_name", "retriever_version", "parser_name"), "text"),
    **dict.fromkeys(("parser_version", "tool_name", "tool_version", "cost_source", "status_message"), "text"),
    "cost_usd": "numeric",
    "tags": "text",
}
_STARTED_AT = list(_RECORD_COLUMNS).index("started_at")
_OWN_COLUMNS = {"day": "date", "happened_at": "timestamptz", "digest": "bytea", "payload_bytes": "integer"}
_SPAN_COLUMNS = {**_RECORD_COLUMNS, **_OWN_COLUMNS}
# unnest flattens arrays of arrays, so tags travel as one text; no tag can hold this separator.
_TAG_SEPARATOR = "\x1f"
_SPLIT_TAGS = "string_to_array({}, chr(31))"

_NAMES = ", ".join(_SPAN_COLUMNS)
_VALUES = ", ".join(_SPLIT_TAGS.format(name) if name == "tags" else name for name in _SPAN_COLUMNS)
_ARRAYS = ", ".join(f"%({name})s::{kind}[]" for name, kind in _SPAN_COLUMNS.items())

# A row that is not returned was there before. DO NOTHING waits for another writer of the same span to end.
INSERT_SPANS = f"""
    INSERT INTO traces_span (project_id, received_at, {_NAMES})
    SELECT %(project)s, %(now)s, {_VALUES}
    FROM unnest({_ARRAYS}) AS sent ({_NAMES})
    ON CONFLICT (project_id, day, trace_id, span_id) DO NOTHING
    RETURNING trace_id, span_id
"""

INSERT_PAYLOADS = """
    INSERT INTO traces_payload (project_id, codec, day, trace_id, span_id, body)
    SELECT %(project)s, %(codec)s, *
    FROM unnest(%(day)s::date[], %(trace)s::bytea[], %(span)s::bytea[], %(body)s::bytea[])
    ON CONFLICT (project_id, day, trace_id, span_id) DO UPDATE SET body = excluded.body, codec = excluded.codec
"""

_STORED = ", ".join("array_to_string(s.tags, chr(31))" if name == "tags" else f"s.{name}" for name in _RECORD_COLUMNS)
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
UPDATE_SPANS = f"""
    UPDATE traces_span s SET revision = s.revision + 1, {_SETS}
    FROM unnest({_ARRAYS}) AS sent ({_NAMES})
    WHERE s.project_id = %(project)s AND s.day = sent.day AND s.trace_id = sent.trace_id AND s.span_id = sent.span_id
"""

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


@dataclass(slots=True)
class Row:
    """A record ready to be written. `positions` are those of its versions in what was sent."""

    record: SpanRecord
    positions: list[int]
    happened_at: datetime
    differs: bool = False  # its versions in this request were not all the same
    was_at: datetime | None = None  # where it stood before this request moved or changed it
    body: bytes = b""
    digest: bytes = b""

    @property
    def key(self) -> tuple[bytes, bytes]:
        return self.record.trace_id, self.record.span_id

    @property
    def day(self) -> date:
        return self.happened_at.astimezone(UTC).date()

    def seal(self) -> "Row":
        """Encode the payload and take the digest of everything that was sent, by which a repetition is recognised."""
        self.body = payload.encode(self.record.payload)
        values = [getattr(self.record, name) for name in _RECORD_COLUMNS]
        if self.record.start_assumed:
            values[_STARTED_AT] = None
        self.digest = blake2b(repr(values).encode("utf-8", "surrogatepass") + self.body, digest_size=8).digest()
        return self


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
    except (psycopg.DataError, psycopg.IntegrityError, UnicodeEncodeError) as error:
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
    rows = _rows(records, positions, now)
    try:
        return _transact(project_id, rows, now)
    except errors.CheckViolation:  # no partition for one of the days: rare, so it is not looked for beforehand
        partitions.make({row.day for row in rows})
        return _transact(project_id, rows, now)


def _transact(project_id: int, rows: list[Row], now: datetime) -> Outcome:
    if not rows:
        return Outcome()
    with transaction.atomic(), _own_cursor() as cursor:
        _place(cursor, project_id, [row for row in rows if _must_be_placed(row.record, now)])
        rows.sort(key=lambda row: (row.day, *row.key))
        cursor.execute(INSERT_SPANS, {"project": project_id, "now": now, **_columns(rows)})
        new = set(cursor.fetchall())
        fresh = [row for row in rows if row.key in new]
        changed = _update(cursor, project_id, [row for row in rows if row.key not in new])
        _write_payloads(cursor, project_id, fresh + changed)
        written = fresh + changed
        if written:
            revised = summaries.write(cursor, project_id, [(row.record, row.happened_at) for row in written])
            moments = [at for row in written for at in (row.happened_at, row.was_at) if at is not None]
            marks.add(cursor, project_id, moments, revised)
    return _outcome(rows, {row.key for row in fresh}, {row.key for row in changed})


def _own_cursor() -> "psycopg.Cursor[Any]":
    """A cursor that binds on the server, on Django's connection."""
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)


def _outcome(rows: list[Row], fresh: set[tuple[bytes, bytes]], changed: set[tuple[bytes, bytes]]) -> Outcome:
    """Every version that was sent counts once: the first as what became of the row, the rest as repetitions."""
    outcome = Outcome()
    for row in rows:
        repetitions = len(row.positions) - 1
        if row.differs:
            outcome.updated += repetitions
        else:
            outcome.duplicates += repetitions
        if row.key in fresh:
            outcome.accepted += 1
        elif row.key in changed:
            outcome.updated += 1
        else:
            outcome.duplicates += 1
    return outcome


def _rows(records: Iterable[SpanRecord], positions: Iterable[int], now: datetime) -> list[Row]:
    """One row per span: a statement may touch a row only once, so versions in one request are merged here."""
    rows: dict[tuple[bytes, bytes], Row] = {}
    for record, position in zip(records, positions, strict=True):
        key = (record.trace_id, record.span_id)
        row = rows.get(key)
        if row is None:
            rows[key] = Row(record, [position], happened_at(record, now)).seal()
            continue
        digest = Row(record, [position], row.happened_at).seal().digest
        row.positions.append(position)
        if digest != row.digest:
            row.differs = True
            row.record = merge.merged(row.record, record)
            row.happened_at = happened_at(row.record, now)
            row.seal()
    return list(rows.values())


def happened_at(record: SpanRecord, now: datetime) -> datetime:
    """The moment that lists and charts order a span by: its start, or when it came if it has no plausible one."""
    if record.started_at is not None and _earliest(now) <= record.started_at <= now + timedelta(days=1):
        return record.started_at
    return now - timedelta(microseconds=min(max(record.duration_us or 0, 0), 86_400_000_000))


def _earliest(now: datetime) -> datetime:
    return now - timedelta(days=settings.SPAN_RETENTION_DAYS + 2)


def _must_be_placed(record: SpanRecord, now: datetime) -> bool:
    return record.start_may_change or record.started_at is None or happened_at(record, now) != record.started_at


def _place(cursor: "psycopg.Cursor[Any]", project_id: int, rows: list[Row]) -> None:
    """Give rows whose start may change the day that they were first seen at."""
    if not rows:
        return
    rows.sort(key=lambda row: row.key)
    keys = {"project": project_id, "trace": [row.key[0] for row in rows], "span": [row.key[1] for row in rows]}
    cursor.execute(PLACE_SPANS, {**keys, "at": [row.happened_at for row in rows]})
    cursor.execute(PLACES, keys)
    places = {(trace, span): at for trace, span, at in cursor.fetchall()}
    for row in rows:
        place: datetime = places[row.key]
        if row.day != place.astimezone(UTC).date():
            row.happened_at = place


def _update(cursor: "psycopg.Cursor[Any]", project_id: int, rows: list[Row]) -> list[Row]:
    """Merge `rows` into those that are stored; the ones that changed anything."""
    if not rows:
        return []
    cursor.execute(LOCK_STORED, {"project": project_id, **_keys(rows)})
    stored = {(line[5], line[6]): line for line in cursor.fetchall()}
    changed = [row for row in rows if _merge_into(row, stored[row.key])]
    if changed:
        cursor.execute(UPDATE_SPANS, {"project": project_id, **_columns(changed)})
    return changed


def _merge_into(row: Row, line: tuple[Any, ...]) -> bool:
    """Turn `row` into the merge of what is stored and what was sent; False when that is what is stored."""
    _, at, digest, codec, body, *values = line
    if bytes(digest) == row.digest:
        return False
    fields = dict(zip(_RECORD_COLUMNS, values, strict=True))
    fields["tags"] = fields["tags"].split(_TAG_SEPARATOR) if fields["tags"] else None
    sent = payload.decode(payload.decompress(codec, body)) if codec is not None else None
    before = SpanRecord(**fields)
    if sent is not None:
        before.payload = sent
    kept = Row(before, [], at).seal().digest
    row.record = merge.merged(before, row.record)
    row.was_at = at
    row.happened_at = (
        at if row.record.started_at is None or row.record.started_at.date() != at.date() else row.happened_at
    )
    return row.seal().digest != kept


def _write_payloads(cursor: "psycopg.Cursor[Any]", project_id: int, rows: list[Row]) -> None:
    if rows:
        bodies = [payload.compress(row.body) for row in rows]
        values = {"project": project_id, "codec": payload.CODEC_ZSTD_JSON, "body": bodies, **_keys(rows)}
        cursor.execute(INSERT_PAYLOADS, values)


def _keys(rows: list[Row]) -> dict[str, list[Any]]:
    return {
        "day": [row.day for row in rows],
        "trace": [row.record.trace_id for row in rows],
        "span": [row.record.span_id for row in rows],
    }


def _columns(rows: list[Row]) -> dict[str, list[Any]]:
    records = [row.record for row in rows]
    columns: dict[str, list[Any]] = {name: [getattr(one, name) for one in records] for name in _RECORD_COLUMNS}
    columns["tags"] = [_TAG_SEPARATOR.join(one.tags) if one.tags else None for one in records]
    columns["day"] = [row.day for row in rows]
    columns["happened_at"] = [row.happened_at for row in rows]
    columns["digest"] = [row.digest for row in rows]
    columns["payload_bytes"] = [len(row.body) for row in rows]
    return columns
