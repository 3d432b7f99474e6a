"""Statements whose plan is kept with the connection: making one over the partitions of all days is what costs."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

import psycopg
from django.db import ProgrammingError, connection
from psycopg import errors

from traces import arrays, partitions
from traces.arrays import Statement

Lines = list[tuple[Any, ...]]
Days = tuple[date, date]  # the first and the last on which traces have spans


_BY_DAY = re.compile(r"\btraces_(?:span|payload|entry)\b")


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement with its values, to be sent. Arrays among them are those of `traces.arrays`.

    `day` where all that it reads of partitioned tables is of one day.
    """

    statement: Statement
    values: Mapping[str, Any]
    day: date | None = None


DAYS = Statement.of("""
    SELECT min(first_day), max(last_day) FROM traces_summary
    WHERE project_id = %(project)s AND trace_id = ANY(%(traces)s::bytea[])
""")


def rows(statement: Statement, values: Mapping[str, Any]) -> Lines:
    """The rows of a statement, on Django's connection. Arrays among `values` are those of `traces.arrays`."""
    return rows_of_all([Asked(statement, values)])[0]


def rows_of_all(asked: Sequence[Asked]) -> list[Lines]:
    """The rows of each of these statements, which are sent at once: to wait for each took most of a page's time."""
    connection.ensure_connection()
    begun = time.monotonic()
    try:
        with connection.wrap_database_errors:
            found = _sent(asked)
    except ProgrammingError as error:
        if not isinstance(error.__cause__, errors.UndefinedTable):
            raise
        # The day was dropped just now, which its traces are a little later: the table of all days has nothing of it.
        with connection.wrap_database_errors:
            found = _sent([replace(one, day=None) for one in asked])
    for one in asked:
        _log(one.statement, begun)
    return found


def _sent(asked: Sequence[Asked]) -> list[Lines]:
    if len(asked) == 1:
        return [_send(asked[0]).fetchall()]
    with connection.connection.pipeline():
        sent = [_send(one) for one in asked]
    return [cursor.fetchall() for cursor in sent]  # once all have come: within, each would be waited for


def _send(asked: Asked) -> "psycopg.RawCursor[tuple[Any, ...]]":
    if asked.day is None:
        return asked.statement.send_planned(connection.connection, asked.values)
    return on_day(asked.statement, asked.day).send_planned(connection.connection, asked.values, at_once=False)


@lru_cache(maxsize=1_024)
def on_day(statement: Statement, day: date) -> Statement:
    """The same, of the partitions of a day alone, whose plan takes half a millisecond.

    For a plan over 300 days a connection has to look up all of them at its first use: a second and more.
    """
    return Statement(_BY_DAY.sub(lambda found: partitions.name_of(found[0], day), statement.sql), statement.names)


@lru_cache(maxsize=256)
def since(statement: Statement, day: date) -> Statement:
    """The same, from that day on: its plan, which a connection makes at its first use, is of these days alone.

    A plan for any value of `since` is one over all days, whatever the day.
    """
    return statement.written_out(since=day)


def _log(statement: Statement, begun: float) -> None:
    if connection.queries_logged:  # as Django does for its own cursors
        connection.queries_log.append({"sql": statement.sql, "time": f"{time.monotonic() - begun:.3f}"})


def rows_of_traces(statement: Statement, project_id: int, traces: Iterable[bytes], **more: Any) -> Lines:
    """The rows of a statement about these traces, whose days it is given as `day_by_day.rows` wants them."""
    named = {"project": project_id, "traces": arrays.array("bytea", list(traces))}
    ((first_day, last_day),) = rows(DAYS, named)
    if first_day is None:
        return []
    return rows_of_all([_of_days(statement, {**named, **more}, (first_day, last_day))])[0]


def of_traces(statement: Statement, project_id: int, traces: Iterable[bytes], days: Days, **more: Any) -> Asked:
    """The same, to be sent with others, where the days are known."""
    named = {"project": project_id, "traces": arrays.array("bytea", list(traces))}
    return _of_days(statement, {**named, **more}, days)


def _of_days(statement: Statement, values: Mapping[str, Any], days: Days) -> Asked:
    first, last = days
    return Asked(statement, {**values, "first_day": first, "last_day": last}, first if first == last else None)
