"""Marks: what no longer matches the spans. `rollups.rebuild_marked` takes the intervals whose rollups do not,
`search.index.index_marked` the traces whose entry in the search index does not.

Intervals are five minutes; of the last quarter of an hour slices of these, so that what comes now is counted without
all that came in the five minutes before it.

Rows are only ever added. A unique mark with DO NOTHING lost one of two spans when the job deleted it under an open
transaction, and with DO UPDATE eight writers fell from 1,580 transactions a second to 200.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from llmobs.lib.timerange import FIVE_MINUTES, floor
from traces import arrays, day_by_day
from traces.summaries import Revised

ADD = """
    INSERT INTO traces_mark (project_id, starts_at)
    SELECT %(project)s, unnest(%(starts)s::timestamptz[]) WHERE {condition}
"""
ADD_UNINDEXED = """
    INSERT INTO traces_unindexed (project_id, trace_id) SELECT %(project)s, unnest(%(traces)s::bytea[])
    WHERE {condition}
"""
_ADD_NOW = ADD.format(condition="true")
# Asked only of traces that last long.
ADD_ALL_OF_TRACES = f"""
    INSERT INTO traces_mark (project_id, starts_at)
    SELECT DISTINCT s.project_id,
        date_bin(CASE WHEN s.happened_at < %(sliced)s THEN %(whole)s ELSE %(slice)s END, s.happened_at, 'epoch')
    FROM traces_summary t
    CROSS JOIN LATERAL {day_by_day.rows("traces_span", "s", only="{among}")}
    WHERE t.project_id = %(project)s AND t.trace_id = ANY(%(traces)s)
"""
SLICE: Final = timedelta(seconds=5)
MOST_SLICES: Final = 240  # of the past, whenever one looks
_SLICED: Final = timedelta(minutes=15)
_LONG: Final = timedelta(hours=1)


def sliced_from(now: datetime) -> datetime:
    """From this moment on rollups are of slices, before it of five minutes. It begins five minutes."""
    return floor(now - _SLICED, FIVE_MINUTES)


def values(moments: Iterable[datetime], traces: Iterable[bytes], now: datetime) -> dict[str, arrays.Array]:
    """What ADD takes for the intervals of these moments, and ADD_UNINDEXED for the traces with these ids."""
    sliced = sliced_from(now)
    starts = sorted({floor(moment, SLICE if moment >= sliced else FIVE_MINUTES) for moment in moments})
    return {"starts": arrays.array("timestamptz", starts), "traces": arrays.array("bytea", sorted(set(traces)))}


def add_of_traces(
    cursor: "psycopg.Cursor[Any]",
    project_id: int,
    moments: Iterable[datetime],
    revised: list[Revised],
    now: datetime,
) -> None:
    """Mark the intervals of these moments, and all of those that `revised` traces touch or touched.

    A trace that grew may have made a wrapper of an older call, moved its own beginning, or learnt its feature.
    """
    marked = [*moments, *(trace.was_happened_at for trace in revised)]
    long: list[Revised] = []
    sliced = sliced_from(now)
    for trace in revised:
        if trace.last_at - trace.happened_at > _LONG:
            long.append(trace)
        else:
            marked += _between(trace.happened_at, trace.last_at, sliced)
    cursor.execute(_ADD_NOW, {"project": project_id, **values(marked, (), now)})
    if long:
        lengths = {"sliced": sliced, "whole": FIVE_MINUTES, "slice": SLICE}
        among = day_by_day.among({day for trace in long for day in trace.days})
        named = {"project": project_id, "traces": [trace.trace_id for trace in long]}
        cursor.execute(ADD_ALL_OF_TRACES.format(among=among), {**named, **lengths})


def _between(first: datetime, last: datetime, sliced: datetime) -> Iterator[datetime]:
    """A moment of every interval from the first moment to the last."""
    at = floor(first, SLICE if first >= sliced else FIVE_MINUTES)
    while at <= last:
        yield at
        at += SLICE if at >= sliced else FIVE_MINUTES
