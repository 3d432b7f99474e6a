"""Marks: what no longer matches the spans. `rollups.rebuild_marked` takes the five-minute intervals whose rollups
do not, `search.index.index_marked` the traces whose entry in the search index does not.

Rows are only ever added. A unique mark with DO NOTHING lost one of two spans when the job deleted it under an open
transaction, and with DO UPDATE eight writers fell from 1,580 transactions a second to 200.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import psycopg

from llmobs.lib.timerange import FIVE_MINUTES, floor
from traces import arrays
from traces.summaries import Revised

ADD = arrays.Statement.of("""
    WITH unindexed AS (
        INSERT INTO traces_unindexed (project_id, trace_id) SELECT %(project)s, unnest(%(traces)s::bytea[])
    )
    INSERT INTO traces_mark (project_id, starts_at)
    SELECT %(project)s, unnest(%(starts)s::timestamptz[])
""")
# A trace that grew may have made a wrapper of an older call, moved its own beginning, or learnt its feature.
ADD_ALL_OF_TRACES = """
    INSERT INTO traces_mark (project_id, starts_at)
    SELECT DISTINCT s.project_id, date_bin('5 minutes', s.happened_at, 'epoch')
    FROM traces_summary t
    CROSS JOIN LATERAL generate_series(0, t.last_day - t.first_day) AS later
    CROSS JOIN LATERAL (
        SELECT * FROM traces_span
        WHERE project_id = t.project_id AND day = t.first_day + later AND trace_id = t.trace_id OFFSET 0
    ) s
    WHERE t.project_id = %(project)s AND t.trace_id = ANY(%(traces)s)
"""


def add(
    connection: "psycopg.Connection[Any]", project_id: int, moments: Iterable[datetime], traces: Iterable[bytes] = ()
) -> None:
    """Mark the intervals of these moments, and the traces with these ids as to be indexed."""
    starts = sorted({floor(moment, FIVE_MINUTES) for moment in moments})
    values = {"starts": arrays.array("timestamptz", starts), "traces": arrays.array("bytea", sorted(set(traces)))}
    ADD.send(connection, {"project": project_id, **values})


def add_of_traces(
    cursor: "psycopg.Cursor[Any]", project_id: int, moments: Iterable[datetime], revised: list[Revised]
) -> None:
    """Mark the intervals of these moments, and all of those that `revised` traces touch or touched."""
    begun = [at for trace in revised for at in (trace.was_happened_at, trace.happened_at)]
    with cursor.connection.pipeline():
        add(cursor.connection, project_id, [*moments, *begun])
        cursor.execute(ADD_ALL_OF_TRACES, {"project": project_id, "traces": [trace.trace_id for trace in revised]})
