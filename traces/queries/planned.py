"""Statements whose plan is kept with the connection: making one over the partitions of all days is what costs."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from traces import arrays
from traces.arrays import Statement

Lines = list[tuple[Any, ...]]
Days = tuple[date, date]  # the first and the last on which traces have spans


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement with its values, to be sent. Arrays among them are those of `traces.arrays`."""

    statement: Statement
    values: Mapping[str, Any]


DAYS = Statement.of("""
    SELECT min(first_day), max(last_day) FROM traces_summary
    WHERE project_id = %(project)s AND trace_id = ANY(%(traces)s::bytea[])
""")


def rows(statement: Statement, values: Mapping[str, Any]) -> Lines:
    """The rows of a statement, on Django's connection. Arrays among `values` are those of `traces.arrays`."""
    connection.ensure_connection()
    begun = time.monotonic()
    with connection.wrap_database_errors:
        found = statement.planned_once(connection.connection, values)
    _log(statement, begun)
    return found


def rows_of_all(asked: Sequence[Asked]) -> list[Lines]:
    """The rows of each of these statements, which are sent at once: to wait for each took most of a page's time."""
    if len(asked) == 1:
        return [rows(asked[0].statement, asked[0].values)]
    connection.ensure_connection()
    begun = time.monotonic()
    with connection.wrap_database_errors, connection.connection.pipeline():
        sent = [one.statement.send_planned(connection.connection, one.values) for one in asked]
    found = [cursor.fetchall() for cursor in sent]  # once all have come: within, each would be waited for
    for one in asked:
        _log(one.statement, begun)
    return found


def _log(statement: Statement, begun: float) -> None:
    if connection.queries_logged:  # as Django does for its own cursors
        connection.queries_log.append({"sql": statement.sql, "time": f"{time.monotonic() - begun:.3f}"})


def rows_of_traces(statement: Statement, project_id: int, traces: Iterable[bytes], **more: Any) -> Lines:
    """The rows of a statement about these traces, whose days it is given as `day_by_day.rows` wants them."""
    named = {"project": project_id, "traces": arrays.array("bytea", list(traces))}
    ((first_day, last_day),) = rows(DAYS, named)
    if first_day is None:
        return []
    return rows(statement, {**named, "first_day": first_day, "last_day": last_day, **more})


def of_traces(statement: Statement, project_id: int, traces: Iterable[bytes], days: Days, **more: Any) -> Asked:
    """The same, to be sent with others, where the days are known."""
    named = {"project": project_id, "traces": arrays.array("bytea", list(traces))}
    return Asked(statement, {**named, "first_day": days[0], "last_day": days[1], **more})
