"""Marks: what no longer matches the spans. `rollups.rebuild_marked` takes the five-minute intervals whose rollups
do not, `search.index.index_marked` the traces whose entry in the search index does not.

Rows are only ever added. A unique mark with DO NOTHING lost one of two spans when the job deleted it under an open
transaction, and with DO UPDATE eight writers fell from 1,580 transactions a second to 200.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg

from llmobs.lib.timerange import FIVE_MINUTES, floor
from traces import arrays, day_by_day
from traces.summaries import Revised

ADD = """
    INSERT INTO traces_mark (project_id, starts_at)
    SELECT %(project)s, unnest(%(starts)s::timestamptz[])
"""
ADD_UNINDEXED = """
    INSERT INTO traces_unindexed (project_id, trace_id) SELECT %(project)s, unnest(%(traces)s::bytea[])
"""
# Asked only of traces that last long: the question costs a millisecond and more with every partition.
ADD_ALL_OF_TRACES = f"""
    INSERT INTO traces_mark (project_id, starts_at)
    SELECT DISTINCT s.project_id, date_bin('5 minutes', s.happened_at, 'epoch')
    FROM traces_summary t
    CROSS JOIN LATERAL {day_by_day.rows("traces_span", "s")}
    WHERE t.project_id = %(project)s AND t.trace_id = ANY(%(traces)s)
"""
_LONG = timedelta(hours=1)


def values(moments: Iterable[datetime], traces: Iterable[bytes]) -> dict[str, arrays.Array]:
    """What ADD takes for the intervals of these moments, and ADD_UNINDEXED for the traces with these ids."""
    starts = sorted({floor(moment, FIVE_MINUTES) for moment in moments})
    return {"starts": arrays.array("timestamptz", starts), "traces": arrays.array("bytea", sorted(set(traces)))}


def add_of_traces(
    cursor: "psycopg.Cursor[Any]", project_id: int, moments: Iterable[datetime], revised: list[Revised]
) -> None:
    """Mark the intervals of these moments, and all of those that `revised` traces touch or touched.

    A trace that grew may have made a wrapper of an older call, moved its own beginning, or learnt its feature.
    """
    marked = [*moments, *(trace.was_happened_at for trace in revised)]
    long = []
    for trace in revised:
        if trace.last_at - trace.happened_at > _LONG:
            long.append(trace.trace_id)
        else:
            marked += _between(trace.happened_at, trace.last_at)
    cursor.execute(ADD, {"project": project_id, **values(marked, ())})
    if long:
        cursor.execute(ADD_ALL_OF_TRACES, {"project": project_id, "traces": long})


def _between(first: datetime, last: datetime) -> Iterator[datetime]:
    """A moment of every interval from the first moment to the last."""
    at = floor(first, FIVE_MINUTES)
    while at <= last:
        yield at
        at += FIVE_MINUTES
