"""Counting traces in SQL: by what stands in `facets`, and by time. Of what is counted the caller says `hit`.

`hit` has the moment and the facets of each trace, and a mask: which of some conditions it fulfils. A statement that
takes too long is broken off.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import psycopg
from django.db import connection, transaction
from psycopg import errors

MOST_VALUES: Final = 60  # of a field, in one statement
READ: Final = -1  # the mask under which stands how many were looked at

# Metadata is any number of values, so only what is asked for is counted. Of a field with very many values, such as
# users, the commonest come back, and how many there are in all.
TALLY: Final = """
    SELECT mask, element, NULL::timestamptz, NULL::boolean, many, known FROM (
        SELECT told.*, count(*) FILTER (WHERE strpos(element, chr(30)) = 0) OVER named AS known,
            row_number() OVER (named ORDER BY many DESC, element) AS place
        FROM (
            SELECT mask, element, count(*) AS many FROM hit CROSS JOIN LATERAL unnest(facets) AS element
            WHERE NOT starts_with(element, ':metadata.') OR element ^@ ANY(%(keys)s::text[])
            GROUP BY 1, 2
        ) told
        WINDOW named AS (PARTITION BY mask, split_part(element, ':', 2))
    ) ranked WHERE place <= %(most_values)s
    UNION ALL
    SELECT mask, NULL, date_bin(%(bucket)s, happened_at, %(origin)s), coalesce(facets @> '{:status:error}', false),
        count(*), NULL
    FROM hit GROUP BY 1, 3, 4
"""
LOOKED_AT: Final = f" UNION ALL SELECT {READ}, NULL, now(), false, count(*), NULL FROM sampled"
# Planning thirty days takes as long as sampling them, so a plan is made once for all values; but where days are named
# themselves.
SETTINGS: Final = """
    SELECT set_config('jit', 'off', true), set_config('enable_seqscan', '{seqscan}', true),
        set_config('plan_cache_mode', '{mode}', true), set_config('statement_timeout', '{timeout}', true)
"""
AFTERWARDS: Final = """
    SELECT set_config(name, NULL, true) FROM unnest('{statement_timeout,plan_cache_mode,enable_seqscan}'::text[]) name
"""


# What is counted: all of a period that fulfil conditions, of some places, what the index finds, and by their ids.
SCANNED: Final = """
    hit AS MATERIALIZED (
        SELECT * FROM (
            SELECT e.happened_at, e.facets, {mask} AS mask FROM traces_entry e
            WHERE e.project_id = %(project)s AND e.day >= %(first_day)s AND e.day <= %(last_day)s
                AND e.happened_at >= %(start)s AND e.happened_at < %(end)s AND {conditions}
        ) tried WHERE mask = ANY(%(masks)s) LIMIT %(most)s
    )
"""
SAMPLED: Final = """sampled AS MATERIALIZED (
        SELECT e.* FROM unnest(%(days)s::date[], %(moments)s::timestamptz[]) AS place (day, moment)
        CROSS JOIN LATERAL (
            SELECT * FROM traces_entry
            WHERE project_id = %(project)s AND day = place.day AND happened_at >= place.moment AND happened_at < %(end)s
            ORDER BY happened_at, trace_id LIMIT %(each)s
        ) e
    ), hit AS MATERIALIZED (
        SELECT * FROM (SELECT e.happened_at, e.facets, {mask} AS mask FROM sampled e WHERE {conditions}) tried
        WHERE mask = ANY(%(masks)s)
    )
"""
INDEXED: Final = """
    e AS MATERIALIZED ({of_days}), hit AS MATERIALIZED (
        SELECT e.happened_at, e.facets, 0 AS mask FROM e
        WHERE e.project_id = %(project)s AND e.happened_at >= %(start)s AND e.happened_at < %(end)s {conditions}
    )
"""
BY_ID: Final = """
    hit AS MATERIALIZED (
        SELECT e.happened_at, e.facets, 0 AS mask FROM traces_entry e
        WHERE e.project_id = %(project)s AND e.day = ANY(%(days)s::date[]) AND e.trace_id = ANY(%(traces)s::bytea[])
    )
"""

FEW: Final = "SELECT count(*) FROM (SELECT FROM {table} WHERE {asked} LIMIT %(more)s) found"


@dataclass(slots=True)
class Tally:
    """What was counted of some traces. `known`: how many different values each field has, at least."""

    elements: Counter[str] = field(default_factory=Counter)
    times: Counter[tuple[datetime, bool]] = field(default_factory=Counter)
    known: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.times.total()

    def add(self, other: "Tally") -> None:
        """Take in what was counted of other traces."""
        self.elements.update(other.elements)
        self.times.update(other.times)
        self.known = {name: max(self.known.get(name, 0), many) for name, many in (self.known | other.known).items()}


def tallied(
    hits: str, values: Mapping[str, Any], seconds: float, *, keep_plan: bool = True, seqscan: bool = True
) -> dict[int, Tally] | None:
    """By mask what the CTEs `hits`, of which `hit` is one, hold; None when it takes longer than that.

    Where one is `sampled`, the total under READ is how many it holds.

    None, too, when a day has just been dropped. `values` are also the bucket and the origin of the times, and the
    beginnings of those elements of metadata that are counted, as `keys`.
    """
    looked_at = LOOKED_AT if hits.startswith("sampled ") else ""
    statement = f"WITH {hits} {TALLY} {looked_at}"
    lines = _rows(statement, {**values, "most_values": MOST_VALUES}, seconds, keep_plan, seqscan)
    return None if lines is None else _by_mask(lines)


def has_few(table: str, asked: str, values: Mapping[str, Any], most: int, seconds: float) -> bool:
    """Whether `asked` finds at most so many entries in a day's table; False where that takes too long."""
    statement = FEW.format(table=table, asked=asked)
    lines = _rows(statement, {**values, "more": most + 1}, seconds, keep_plan=False, seqscan=False)
    return lines is not None and lines[0][0] <= most


def _rows(
    statement: str, values: Mapping[str, Any], seconds: float, keep_plan: bool, seqscan: bool
) -> list[tuple[Any, ...]] | None:
    """The rows of a statement; None when it takes longer than that, or a day has just been dropped."""
    if seconds <= 0:
        return None
    settings = SETTINGS.format(
        timeout=max(int(seconds * 1000), 1),
        mode="force_generic_plan" if keep_plan else "auto",
        seqscan="on" if seqscan else "off",
    )
    connection.ensure_connection()
    try:
        with transaction.atomic(), psycopg.Cursor(connection.connection) as cursor:
            with connection.connection.pipeline():  # one round trip: a list with conditions is counted by ten of these
                psycopg.Cursor(connection.connection).execute(settings)
                cursor.execute(statement, values, prepare=keep_plan, binary=True)
                psycopg.Cursor(connection.connection).execute(AFTERWARDS)
            return cursor.fetchall()
    except (errors.QueryCanceled, errors.UndefinedTable):
        return None


def _by_mask(rows: Sequence[tuple[Any, ...]]) -> dict[int, Tally]:
    found: dict[int, Tally] = {}
    for mask, element, at, failed, many, known in rows:
        tally = found.setdefault(mask, Tally())
        if element is None:
            tally.times[(at, failed)] += many
        else:
            tally.elements[element] += many
            name = element[1:].partition(":")[0]
            tally.known[name] = max(tally.known.get(name, 0), known)
    return found
