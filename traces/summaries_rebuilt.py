"""A trace's summary built anew from its stored spans.

Summaries are merged, and a merge never takes back: when a span moved, got a parent, or says another text than its
version before, the summary would keep what no span says any more. By then its row is locked (`summaries.send`), and
spans are only read: what another writer has not yet committed it merges into the summary after this transaction.
"""

from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any

import psycopg

from traces import day_by_day, payload
from traces.records import SpanRecord
from traces.rows import day_of
from traces.summaries import LEAST_NAMES, ROWS, TYPES, Happened, Loader, Ranked, Revised, row_of, sent

_FIELDS = ("span_id", "parent_id", "name", "kind", "ended", "start_assumed", "duration_us", *LEAST_NAMES)
_AT_ONCE = 20  # payloads; mostly the first one says what is looked for

DAYS = """
    SELECT DISTINCT first_day, last_day FROM traces_summary
    WHERE project_id = %(project)s AND trace_id = ANY(%(traces)s)
"""
# Both of the days `among` which these spans are.
SPANS = f"""
    SELECT s.happened_at, s.trace_id, {", ".join(f"s.{name}" for name in _FIELDS)}
    FROM traces_summary t
    CROSS JOIN LATERAL {day_by_day.rows("traces_span", "s", only="{among}")}
    WHERE t.project_id = %(project)s AND t.trace_id = ANY(%(traces)s)
"""
PAYLOADS = f"""
    SELECT p.span_id, p.codec, p.body
    FROM traces_summary t
    CROSS JOIN LATERAL {day_by_day.rows("traces_payload", "p", only="span_id = ANY(%(spans)s) AND {among}")}
    WHERE t.project_id = %(project)s AND t.trace_id = %(trace)s
"""
_SETS = ", ".join(f"{name} = sent.{name}" for name in TYPES if name != "trace_id")
REBUILD = f"""
    UPDATE traces_summary t SET was_happened_at = t.happened_at, revision = t.revision + 1, {_SETS}
    FROM {ROWS}
    WHERE t.project_id = %(project)s AND t.trace_id = sent.trace_id
    RETURNING t.trace_id, t.happened_at, t.was_happened_at, t.last_at, t.first_day < t.last_day
"""


def rebuild(cursor: "psycopg.Cursor[Any]", project_id: int, trace_ids: set[bytes]) -> list[Revised]:
    """Build the summaries of these traces anew, whose rows the transaction has locked; what became of them."""
    named = {"project": project_id, "traces": list(trace_ids)}
    cursor.execute(DAYS, named)
    days = {day for first, last in cursor.fetchall() for day in day_by_day.days_between(first, last)}
    members: dict[bytes, list[Happened]] = {}
    cursor.execute(SPANS.format(among=day_by_day.among(days)), named)
    for happened_at, trace_id, *values in cursor.fetchall():
        record = SpanRecord(trace_id, **dict(zip(_FIELDS, values, strict=True)))
        members.setdefault(trace_id, []).append((record, happened_at))
    rows = [row_of(spans, _loader(cursor, project_id, {day_of(at) for _, at in spans})) for spans in members.values()]
    cursor.execute(REBUILD, {"project": project_id, **sent(cursor.connection, rows)})
    return [Revised(*line) for line in cursor.fetchall()]


def _loader(cursor: "psycopg.Cursor[Any]", project_id: int, days: set[date]) -> Loader:
    """What gives payloads, some at a time, to records of one trace that stand on these days."""
    statement = PAYLOADS.format(among=day_by_day.among(days))

    def loaded(ranked: Iterator[Ranked]) -> Iterator[Ranked]:
        while some := list(islice(ranked, _AT_ONCE)):
            _load(cursor, project_id, [record for _, record in some], statement)
            yield from some

    return loaded


def _load(cursor: "psycopg.Cursor[Any]", project_id: int, records: list[SpanRecord], statement: str) -> None:
    """Give these records of one trace their payloads."""
    spans = {record.span_id: record for record in records}
    cursor.execute(statement, {"project": project_id, "trace": records[0].trace_id, "spans": list(spans)})
    for span_id, codec, body in cursor.fetchall():
        spans[span_id].payload = payload.decode(payload.decompress(codec, body))
