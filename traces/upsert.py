"""One transaction: both rows of each span, the summaries of their traces, and the marks for the rollups.

Writing twice is writing once. Rows and tables are taken in one order everywhere, so that two writers cannot deadlock.
psycopg's own cursor is used for server-side binding: one text for 1 span and for 10,000, prepared once a connection.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any

import psycopg

from traces import (
    arrays,
    astray,
    composites,
    day_by_day,
    marks,
    merge,
    payload,
    placing,
    rows,
    stored,
    summaries,
    summaries_rebuilt,
    writing,
)
from traces.rows import RECORD_COLUMNS, Row

_OWN_COLUMNS = {"day": "date", "happened_at": "timestamptz", "digest": "bytea", "payload_bytes": "integer"}
SENT = composites.Shape("traces_sent_span", {**RECORD_COLUMNS, **_OWN_COLUMNS})
TRACE_ID_BYTES = 16
# What travels as text.
_CASTS = {"tags": "string_to_array(sent.tags, chr(31))", "cost_usd": "sent.cost_usd::numeric"}
_VALUES = {name: _CASTS.get(name, f"sent.{name}") for name in SENT.fields}
_ROWS = f"unnest(%(spans)s::{SENT.name}[]) AS sent"

_KEYS = "cardinality(%(keys)s::bytea[])"
_COUNT = f"cardinality(%(spans)s::{SENT.name}[])"
# A row that is not added was there before. DO NOTHING waits for another writer of the same span to end. Which were
# added is only said where not all were: to read a hundred rows costs more than to send them.
_INSERT_SPANS = f"""
    WITH valid AS MATERIALIZED (
        SELECT count(*) FROM accounts_key WHERE digest = ANY(%(keys)s::bytea[]) AND revoked_at IS NULL
    ), added AS (
        INSERT INTO traces_span (project_id, received_at, {", ".join(_VALUES)})
        SELECT %(project)s, %(now)s, {", ".join(_VALUES.values())}
        FROM {_ROWS}
        WHERE (SELECT count FROM valid) = {_KEYS}
        ON CONFLICT (project_id, day, trace_id, span_id) DO NOTHING
        RETURNING trace_id, span_id
    ), done AS MATERIALIZED (
        SELECT CASE WHEN count(*) < {_COUNT} THEN array_agg(trace_id || span_id) END AS some, count(*) FROM added
    )"""
# What follows the rows. Its tables are written in no certain order; nobody waits for another in them but for a trace's
# summary, and the rows before them are already locked.
_REST = f"""payloads AS (
        INSERT INTO traces_payload (project_id, codec, day, trace_id, span_id, body)
        SELECT %(project)s, %(codec)s, *
        FROM unnest(%(day)s::date[], %(trace_id)s::bytea[], %(span_id)s::bytea[], %(body)s::bytea[])
        WHERE {{condition}}
        ON CONFLICT (project_id, day, trace_id, span_id) DO UPDATE SET body = excluded.body, codec = excluded.codec
    ), marked AS ({marks.ADD}), unindexed AS ({marks.ADD_UNINDEXED}), summary AS ({summaries.UPSERT})"""
# Where all rows are new, as nearly always, they and the rest are one statement. Where some are not, it adds the new
# ones alone: what the rest says of the others depends on what is stored of them.
WRITE_ALL = arrays.Statement.of(f"""
    {_INSERT_SPANS}, {_REST.format(condition=f"(SELECT count FROM done) = {_COUNT}")}
    SELECT (SELECT count FROM valid) = {_KEYS}, done.some, done.count, revised.*
    FROM done LEFT JOIN ({summaries.REVISED}) revised ON true
""")
WRITE_THE_REST = arrays.Statement.of(f"WITH {_REST.format(condition='true')} {summaries.REVISED}")

_SETS = ", ".join(f"{name} = {value}" for name, value in _VALUES.items() if name not in ("day", "trace_id", "span_id"))
UPDATE_SPANS = f"""
    UPDATE traces_span s SET revision = s.revision + 1, {_SETS}
    FROM {_ROWS}
    WHERE s.project_id = %(project)s AND s.day = sent.day AND s.trace_id = sent.trace_id AND s.span_id = sent.span_id
        AND s.{{among}}
"""


@dataclass(frozen=True, slots=True)
class Written:
    """The keys of the rows that were new, and of those that were there and have changed. The rest were known."""

    fresh: set[rows.Key]
    changed: set[rows.Key]


class KeyGone(Exception):
    """An API key was revoked or deleted; nothing was written."""


def write(project_id: int, sent: list[Row], now: datetime, keys: Collection[bytes]) -> Written:
    """Store `sent`, which holds each span once, if the API keys with these digests are valid. Places and merges rows.

    Raises KeyGone, and what psycopg raises; nothing of `sent` is stored then.
    """
    with writing.transaction() as cursor:
        placing.place(cursor, project_id, sent)
        sent = rows.by_key(sent)
        new, revised = _insert(cursor.connection, project_id, sent, now, keys)
        changed: list[Row] = []
        written = sent
        if len(new) < len(sent):
            changed = _update(cursor, project_id, [row for row in sent if row.key not in new])
            written = [row for row in sent if row.key in new] + changed
            revised = _follow(cursor, project_id, written, now) if written else []
        if revised:
            _settle(cursor, project_id, written, revised, now)
    return Written(new, {row.key for row in changed})


def _insert(
    to: "psycopg.Connection[Any]", project_id: int, sent: list[Row], now: datetime, keys: Collection[bytes]
) -> tuple[set[rows.Key], list[summaries.Revised]]:
    """The keys of the rows that were not there; where that is all of them, what follows from them is written too.

    Then also the traces that were there before.
    """
    values = {
        **_ids(sent),
        **_what_follows(to, sent, now),
        "project": project_id,
        "now": now,
        "spans": _spans(to, sent),
    }
    with to.pipeline():
        writing.begin(to)
        sending = WRITE_ALL.send(to, {**values, "keys": arrays.array("bytea", list(keys))})
    lines = sending.fetchall()
    is_valid, some, count = lines[0][:3]
    if not is_valid:
        raise KeyGone
    if count == len(sent):
        return {row.key for row in sent}, summaries.revised(line[3:] for line in lines if line[3])
    return {(key[:TRACE_ID_BYTES], key[TRACE_ID_BYTES:]) for key in some or ()}, []


def _settle(
    cursor: "psycopg.Cursor[Any]",
    project_id: int,
    written: list[Row],
    revised: list[summaries.Revised],
    now: datetime,
) -> None:
    """What follows for traces that were there before: other intervals, placeholders on other days."""
    brought = _bring_home(cursor, project_id, written, revised, now)
    if outlived := {row.key[0] for row in written if _is_outlived(row)} | {row.key[0] for row in brought}:
        revised += summaries_rebuilt.rebuild(cursor, project_id, outlived)
    marks.add_of_traces(cursor, project_id, _moments(brought), revised, now)


def _follow(
    cursor: "psycopg.Cursor[Any]", project_id: int, written: list[Row], now: datetime
) -> list[summaries.Revised]:
    """Payloads, summaries and marks of the rows that are new or changed; the traces that were there before."""
    values = {"project": project_id, **_ids(written), **_what_follows(cursor.connection, written, now)}
    return summaries.revised(WRITE_THE_REST.execute(cursor.connection, values))


def _ids(of: list[Row]) -> dict[str, arrays.Array]:
    keys = stored.keys(of)
    return {"day": keys["day"], "trace_id": keys["trace"], "span_id": keys["span"]}


def _what_follows(to: "psycopg.Connection[Any]", written: list[Row], now: datetime) -> dict[str, Any]:
    """What _REST takes beside the ids of these rows."""
    return {
        "codec": payload.ZSTD_JSON_DICTIONARY,
        "body": arrays.array("bytea", [row.packed or payload.compress(row.body) for row in written]),
        **marks.values(_moments(written), (row.key[0] for row in written), now),
        **summaries.values(to, [(row.record, row.happened_at) for row in written]),
    }


def _is_outlived(row: Row) -> bool:
    """Whether the summary of its trace says what only an earlier version of the row said."""
    if row.was is None or row.was_at is None:
        return False
    return summaries.outlived((row.was, row.was_at), (row.record, row.happened_at))


def _moments(of: list[Row]) -> list[datetime]:
    return [at for row in of for at in (row.happened_at, row.was_at) if at is not None]


def _bring_home(
    cursor: "psycopg.Cursor[Any]",
    project_id: int,
    written: list[Row],
    revised: list[summaries.Revised],
    now: datetime,
) -> list[Row]:
    """Merge placeholders that stand on another day than their span into it; those spans.

    After the summaries, whose locks let the later of two writers see what the earlier one wrote. Spans come before
    summaries elsewhere, so none is waited for here: who cannot have one at once raises LockNotAvailable.
    """
    wide = {trace.trace_id: trace.days for trace in revised if trace.several_days}
    keys = [row.key for row in written if row.key[0] in wide]
    strays = astray.found(cursor, project_id, keys, {*chain(*wide.values())}) if wide else []
    if not strays:
        return []
    found = stored.locked(cursor, project_id, strays, stored.LOCK_AT_ONCE)
    home = [rows.sealed(stored.record(found[one.key]), 0, one.home_at) for one in strays]
    changed = _update(cursor, project_id, home, stored.LOCK_AT_ONCE)
    astray.delete(cursor, project_id, strays)
    if changed:
        _follow(cursor, project_id, changed, now)
    return home


def _update(cursor: "psycopg.Cursor[Any]", project_id: int, known: list[Row], lock: str = stored.LOCK) -> list[Row]:
    """Merge `known` into the rows that are stored; the ones that changed anything."""
    if not known:
        return []
    found = stored.locked(cursor, project_id, known, lock)
    changed = [row for row in known if _merge_into(row, found[row.key])]
    if changed:
        statement = _update_of(day_by_day.among({row.day for row in changed}))
        statement.execute(cursor.connection, {"project": project_id, "spans": _spans(cursor.connection, changed)})
    return changed


@lru_cache(maxsize=64)
def _update_of(among: str) -> arrays.Statement:
    return arrays.Statement.of(UPDATE_SPANS.format(among=among))


def _merge_into(row: Row, line: tuple[Any, ...]) -> bool:
    """Turn `row` into the merge of what is stored and what was sent; False when that is what is stored.

    The row remembers the digests of the versions it is made of: a late repetition of an old one undoes nothing.
    """
    at, digests = line[1], bytes(line[2])
    seen = rows.apart(digests)
    new = {digest: version for digest, version in row.versions().items() if digest not in seen}
    if not new:
        return False
    before = stored.record(line)
    kept = rows.sealed(before, 0, at).digest
    row.record = merge.all_merged([before, *new.values()])
    row.was, row.was_at = before, at
    row.seal()
    start_at = row.record.started_at
    row.move(at if start_at is None or rows.day_of(start_at) != rows.day_of(at) else start_at)
    if row.digest == kept:
        return False
    row.digest = rows.remembered(new, digests)
    return True


def _spans(to: "psycopg.Connection[Any]", of: list[Row]) -> arrays.Rows:
    """The rows as _ROWS takes them."""
    own = [(row.day, row.happened_at, row.digest, len(row.body)) for row in of]
    told = [*zip(*(row.values for row in of), strict=True)] or [()] * len(RECORD_COLUMNS)
    columns: dict[str, Sequence[Any]] = dict(zip(RECORD_COLUMNS, told, strict=True))
    columns |= zip(_OWN_COLUMNS, [*zip(*own, strict=True)] or [()] * len(_OWN_COLUMNS), strict=True)
    columns["tags"] = [stored.TAG_SEPARATOR.join(tags) if tags else None for tags in columns["tags"]]
    if columns["started_at"] == columns["happened_at"]:  # nearly always; one of them is then written for both
        columns["started_at"] = columns["happened_at"]
    return SENT.rows(to, columns)
