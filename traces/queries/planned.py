"""Statements whose plan is kept with the connection: making one over the partitions of all days is what costs."""

import time
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.db import connection

from traces import arrays
from traces.arrays import Statement

Days = tuple[date, date]  # the first and the last on which traces have spans

DAYS = Statement.of("""
    SELECT min(first_day), max(last_day) FROM traces_summary
    WHERE project_id = %(project)s AND trace_id = ANY(%(traces)s::bytea[])
""")


def rows(statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement, on Django's connection. Arrays among `values` are those of `traces.arrays`."""
    connection.ensure_connection()
    begun = time.monotonic()
    with connection.wrap_database_errors:
        found = statement.planned_once(connection.connection, values)
    if connection.queries_logged:  # as Django does for its own cursors
        connection.queries_log.append({"sql": statement.sql, "time": f"{time.monotonic() - begun:.3f}"})
    return found


def rows_of_traces(
    statement: Statement, project_id: int, traces: Iterable[bytes], days: Days | None = None, **more: Any
) -> list[tuple[Any, ...]]:
    """The rows of a statement about these traces, whose days it is given as `day_by_day.rows` wants them.

    Days that the caller does not know are asked first.
    """
    named = {"project": project_id, "traces": arrays.array("bytea", list(traces))}
    ((first_day, last_day),) = [days] if days else rows(DAYS, named)
    if first_day is None:
        return []
    return rows(statement, {**named, "first_day": first_day, "last_day": last_day, **more})
