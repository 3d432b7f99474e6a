"""Statements whose plan is kept with the connection: making one over the partitions of all days is what costs."""

from collections.abc import Mapping
from typing import Any

from django.db import connection

from traces.arrays import Statement


def rows(statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement, on Django's connection. Arrays among `values` are those of `traces.arrays`."""
    connection.ensure_connection()
    if connection.queries_logged:  # as Django does for its own cursors
        connection.queries_log.append({"sql": statement.sql, "time": ""})
    with connection.wrap_database_errors:
        return statement.planned_once(connection.connection, values)
