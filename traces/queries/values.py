"""Values that a project has sent, to be suggested while a query is typed: of the latest rows, quick before complete."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from llmobs.lib.timerange import TimeRange
from traces.queries.metrics import names

READ: Final = 2_000  # of the latest rows
_DAYS: Final = 30

_OF_SUMMARIES: Final = {
    "env": "environment",
    "release": "release",
    "service": "service",
    "user": "user_id",
    "session": "session_id",
    "request": "request_id",
}
_OF_SPANS: Final = {
    "prompt": "unnest(ARRAY[prompt_name, prompt_name || '@' || prompt_version])",
    "provider": "provider",
    "tool": "tool_name",
    "name": "name",
    "tag": "unnest(tags)",
}

LATEST_OF_SUMMARIES: Final = """
    SELECT value, count(*) FROM (
        SELECT {column} AS value FROM traces_summary
        WHERE project_id = %(project)s AND happened_at >= %(start)s ORDER BY happened_at DESC LIMIT %(read)s
    ) latest WHERE value <> '' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(limit)s
"""
# An index on the beginnings of users and sessions: any of them is found, however long ago it was seen.
BEGINNING: Final = """
    SELECT {column}, count(*) FROM (
        SELECT {column} FROM traces_summary
        WHERE project_id = %(project)s AND left({column}, 200) >= %(beginning)s
            AND left({column}, 200) < %(beginning)s || chr(1114111)
        ORDER BY left({column}, 200) LIMIT %(read)s
    ) found GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(limit)s
"""
# Day by day from the latest on would read one partition; the planner does that by itself with both bounds.
LATEST_OF_SPANS: Final = """
    SELECT value, count(*) FROM (
        SELECT {column} AS value FROM (
            SELECT * FROM traces_span
            WHERE project_id = %(project)s AND day >= %(first_day)s AND happened_at >= %(start)s
            ORDER BY happened_at DESC LIMIT %(read)s
        ) latest
    ) told WHERE value <> '' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(limit)s
"""
SCORE_NAMES: Final = """
    SELECT name, count(*) FROM (
        SELECT name FROM traces_score WHERE project_id = %(project)s ORDER BY score_id LIMIT %(read)s
    ) named GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(limit)s
"""


def values_of(project_id: int, field: str, beginning: str, now: datetime) -> list[str]:
    """Values of a field of the query language that the project sent lately, the commonest first; a hundred at most.

    Only users and sessions are narrowed to those with this beginning: of the others all are given. Fields that have no
    stored values, and keyed ones, give none.
    """
    if field in ("feature", "model"):
        features, models = names(project_id, TimeRange(now - timedelta(days=_DAYS), now))
        return features if field == "feature" else models
    if field in ("user", "session") and beginning:
        return _values(BEGINNING.format(column=_OF_SUMMARIES[field]), project_id, now, beginning)
    if column := _OF_SUMMARIES.get(field):
        return _values(LATEST_OF_SUMMARIES.format(column=column), project_id, now)
    if column := _OF_SPANS.get(field):
        return _values(LATEST_OF_SPANS.format(column=column), project_id, now)
    return []


def score_names(project_id: int, now: datetime) -> list[str]:
    """The names of the scores that the project was given, the commonest first."""
    return _values(SCORE_NAMES, project_id, now)


def _values(statement: str, project_id: int, now: datetime, beginning: str = "") -> list[str]:
    start = now - timedelta(days=_DAYS)
    values: dict[str, Any] = {
        "project": project_id,
        "beginning": beginning.replace("\0", ""),
        "start": start,
        "first_day": start.date(),
        "read": READ,
        "limit": 100,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return _texts(cursor.fetchall())


def _texts(lines: Iterable[tuple[Any, ...]]) -> list[str]:
    return [line[0] for line in lines]
