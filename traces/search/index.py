"""The job that keeps the index: it takes the marked traces and writes their entries anew, from the spans as they are.

So repeated, late and changed spans end up indexed right. The marks are deleted first, and the spans read by later
statements, whose snapshots hold all that was committed with those marks; a span that comes after leaves a mark of its
own. The delete commits with the entries: a worker that is killed leaves the marks. One worker at a time, else the one
that read earlier could write last.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import psycopg
from django.db import connection, transaction
from django.utils import timezone

from traces import arrays
from traces.queries.spans import StoredSpan, spans_of
from traces.search import entry_rows, reading
from traces.search.entries import Draft, Entry
from traces.search.pace import PAUSE_SECONDS, Pace
from traces.search.reading import Beginning
from traces.search.vocabulary import Key, Vocabulary

MARKS_AT_ONCE = 300

LOCK = "SELECT pg_try_advisory_xact_lock(727003)"
# In the order of the table, which is about that of arrival.
CLAIM = """
    DELETE FROM traces_unindexed WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM traces_unindexed WHERE due_at IS NULL OR due_at <= %(now)s LIMIT %(most)s
    ))
    RETURNING project_id, trace_id, marked_at
"""
UNMARK = "DELETE FROM traces_unindexed WHERE project_id = %(project)s AND trace_id = ANY(%(traces)s)"
PUT_OFF = """
    INSERT INTO traces_unindexed (project_id, trace_id, marked_at, due_at)
    SELECT %(project)s, * FROM unnest(%(traces)s::bytea[], %(marked)s::timestamptz[], %(due)s::timestamptz[])
"""

# Trace ids, each with the moment of its oldest mark.
Marked = dict[bytes, datetime]
_vocabulary = Vocabulary()
_pace = Pace()


def index_marked(limit: int = 1_000_000, *, give_way: bool = False, now: datetime | None = None) -> int:
    """Index about `limit` marked traces at most, the oldest marks first; how many it were. 0: nothing to do.

    Safe to repeat and to run many times at once: while another worker is at it, nothing is done. With `give_way` it
    returns early on a busy machine (`pace.py`); the rest waits for the next call, and pages say up to when they know.
    """
    done = 0
    while done < limit:
        most = _pace.most() if give_way else None
        began = time.monotonic()
        claimed = _index_some(now or timezone.now(), MARKS_AT_ONCE if most is None else min(most, MARKS_AT_ONCE))
        done += claimed
        if not claimed:
            break
        time.sleep(_pace.took(claimed, time.monotonic() - began) if give_way else PAUSE_SECONDS)
    return done


def index_now(project_id: int, traces: Sequence[bytes]) -> None:
    """Index these traces, which nobody else writes or indexes meanwhile, and take their marks.

    Within the caller's transaction, if it has one; the caller must then commit it.
    """
    with transaction.atomic(), own_cursor() as cursor:
        cursor.execute(UNMARK, {"project": project_id, "traces": arrays.array("bytea", traces)})
        added = _write(project_id, reading.beginnings_of(cursor, project_id, traces), timezone.now())
    _vocabulary.remember(added)
    entry_rows.sort_in({day for _, day in added})


def _write(project_id: int, beginnings: Iterable[Beginning], now: datetime) -> dict[Key, set[int]]:
    """Write the entries of these traces from their spans; what `Vocabulary` is to remember after the commit."""
    with own_cursor() as cursor:
        begun = {one.trace_id: one for one in beginnings}
        entries = _entries(cursor, project_id, begun)
        entry_rows.upsert(cursor, project_id, entries, now)
        entry_rows.forget_moved(cursor, project_id, begun.values())
        words: dict[Key, set[str]] = {}
        for entry in entries:
            words.setdefault((project_id, entry.day), set()).update(entry.words)
        return {key: _vocabulary.add(cursor, key, some) for key, some in words.items()}


def _index_some(now: datetime, most: int) -> int:
    """Claim some marks and index their traces in one READ COMMITTED transaction; how many marks it were."""
    added: dict[Key, set[int]] = {}
    with transaction.atomic():
        claimed = _claim(now, most)
        for project_id, marked in claimed.items():
            with own_cursor() as cursor:
                begun = reading.beginnings_of(cursor, project_id, marked)
                grown = [one for one in begun if one.due_at is not None and one.due_at > now]
                _put_off(cursor, project_id, grown, marked)
            added |= _write(project_id, [one for one in begun if one not in grown], now)
    _vocabulary.remember(added)
    entry_rows.sort_in({day for _, day in added})
    return sum(map(len, claimed.values()))


def _claim(now: datetime, most: int) -> dict[int, Marked]:
    """Some of the marks that are due, by project; none while another worker is at it."""
    found: dict[int, Marked] = {}
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
        if not cursor.fetchone()[0]:
            return {}
        cursor.execute(CLAIM, {"now": now, "most": most})
        for project_id, trace_id, marked_at in cursor.fetchall():
            of_project, trace = found.setdefault(project_id, {}), bytes(trace_id)
            of_project[trace] = min(marked_at, of_project.get(trace, marked_at))
    return found


def _put_off(cursor: "psycopg.Cursor[Any]", project_id: int, grown: list[Beginning], marked: Marked) -> None:
    if grown:
        values = {
            "traces": arrays.array("bytea", [one.trace_id for one in grown]),
            "marked": arrays.array("timestamptz", [marked[one.trace_id] for one in grown]),
            "due": arrays.array("timestamptz", [one.due_at for one in grown]),
        }
        cursor.execute(PUT_OFF, {"project": project_id, **values})


def _entries(cursor: "psycopg.Cursor[Any]", project_id: int, begun: dict[bytes, Beginning]) -> list[Entry]:
    """The entries of these traces; none for those whose spans are gone."""
    members: dict[bytes, list[StoredSpan]] = {}
    for span in spans_of(project_id, begun) if begun else []:
        members.setdefault(span.record.trace_id, []).append(span)
    drafts = {
        trace_id: Draft(project_id, begun[trace_id].happened_at, spans) for trace_id, spans in sorted(members.items())
    }
    for span, payload in reading.payloads_of(cursor, project_id, _unread(drafts.values())):
        drafts[span.record.trace_id].read(span, payload)
    return [draft.entry() for draft in drafts.values()]


def _unread(drafts: Iterable[Draft]) -> Iterator[StoredSpan]:
    """The spans of all drafts; of one that has become full no more."""
    for draft in drafts:
        for span in draft.spans:
            if draft.full:
                break
            yield span


def own_cursor() -> "psycopg.Cursor[Any]":
    """A cursor that binds on the server, on Django's connection."""
    connection.ensure_connection()
    arrays.teach(connection.connection)
    return psycopg.Cursor(connection.connection)
