"""Entries in their table: written, taken away from days that they have left, and sorted into the index of words."""

import struct
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from django.db import connection, transaction
from psycopg import errors

from traces import arrays, partitions
from traces.search.entries import CODEC, Entry
from traces.search.reading import Beginning

_COLUMNS = {
    "trace_id": "bytea",
    "day": "date",
    "happened_at": "timestamptz",
    **dict.fromkeys(("duration_us", "tokens", "input_tokens", "output_tokens"), "bigint"),
    "cost_usd": "numeric",
    **dict.fromkeys(("spans", "retries"), "integer"),
    "text_cut": "boolean",
    "words": "text",
    "facets": "text",
    "text": "bytea",
}
# What no repetition can mend.
_UNFIT = (psycopg.DataError, errors.ProgramLimitExceeded, UnicodeEncodeError, struct.error)
_LARGEST = {"bigint": 2**63 - 1, "integer": 2**31 - 1}
# unnest flattens arrays of arrays, so words and facets travel as one text; none of them holds this sign.
_SEPARATOR = "\x1f"
_NAMES = ", ".join(_COLUMNS)
_VALUES = _NAMES.replace("words", "array_to_tsvector(string_to_array(words, chr(31)))").replace(
    "facets", "string_to_array(facets, chr(31))"
)
_ARRAYS = ", ".join(f"%({name})s::{kind}[]" for name, kind in _COLUMNS.items())
_SETS = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in ("trace_id", "day"))
UPSERT = arrays.Statement.of(f"""
    INSERT INTO traces_entry (project_id, indexed_at, codec, {_NAMES})
    SELECT %(project)s, %(now)s, %(codec)s, {_VALUES} FROM unnest({_ARRAYS}) AS made ({_NAMES})
    ON CONFLICT (project_id, day, trace_id) DO UPDATE SET indexed_at = excluded.indexed_at, codec = excluded.codec,
        {_SETS}
""")
FORGET = "DELETE FROM traces_entry WHERE project_id = %(project)s AND day = %(day)s AND trace_id = ANY(%(traces)s)"

# Readers search what is not sorted in yet word by word; sorted in together, entries cost a fifth of one by one.
SORT_IN = """
    SELECT gin_clean_pending_list(i.indexrelid)
    FROM pg_inherits h JOIN pg_index i ON i.indexrelid = h.inhrelid
    WHERE h.inhparent = to_regclass('traces_entry_by_words') AND i.indrelid = ANY(%(days)s::regclass[])
"""


def upsert(cursor: "psycopg.Cursor[Any]", project_id: int, entries: Sequence[Entry], now: datetime) -> None:
    """Write the entries, over those that are there. Makes the partitions that are missing."""
    if not entries:
        return
    partitions.make({entry.day for entry in entries})
    ordered = sorted(entries, key=lambda entry: (entry.day, entry.trace_id))
    try:
        _write(cursor, project_id, ordered, now)
    except _UNFIT:  # one of them: it must not keep the others out for ever
        for entry in ordered:
            try:
                _write(cursor, project_id, [entry], now)
            except _UNFIT:
                _write(cursor, project_id, [entry.bare()], now)


def _write(cursor: "psycopg.Cursor[Any]", project_id: int, ordered: Sequence[Entry], now: datetime) -> None:
    columns = {name: arrays.array(kind, [_value(one, name) for one in ordered]) for name, kind in _COLUMNS.items()}
    with transaction.atomic():
        UPSERT.execute(cursor.connection, {"project": project_id, "now": now, "codec": CODEC, **columns})


def forget_moved(cursor: "psycopg.Cursor[Any]", project_id: int, begun: Iterable[Beginning]) -> None:
    """Delete what entries these traces have on later days: a trace's beginning only ever moves to an earlier one."""
    left: dict[date, list[bytes]] = {}
    for one in begun:
        for later in range((one.last_day - one.first_day).days):
            left.setdefault(one.first_day + timedelta(days=later + 1), []).append(one.trace_id)
    for day, traces in left.items():
        cursor.execute(FORGET, {"project": project_id, "day": day, "traces": arrays.array("bytea", traces)})


def sort_in(days: Iterable[date]) -> None:
    """Sort what was written on these days into the index of words. After the commit."""
    names = [partitions.name_of("traces_entry", day) for day in days]
    if names:
        with connection.cursor() as cursor:
            cursor.execute(SORT_IN, {"days": names})


def _value(entry: Entry, name: str) -> Any:
    value = getattr(entry, name)
    if name in ("words", "facets"):
        return _SEPARATOR.join(value)
    most = _LARGEST.get(_COLUMNS[name])
    return value if most is None or value is None else min(value, most)
