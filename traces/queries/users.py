"""What a user asked: when they were seen, how much in a period, and in which sessions. All by the index of users.

A user may be one id that a service puts on everything it does: the newest traces of a period are read, to a limit.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from llmobs.lib.timerange import FIVE_MINUTES, TimeRange, floor
from traces.queries.sessions import Amounts, Place

MOST_READ: Final = 5_000  # traces of a user in a period
MOST_NAMES: Final = 6  # features
MOST_FAILED: Final = 8  # traces that are named

_OF_USER = "project_id = %(project)s AND left(user_id, 200) = left(%(user)s, 200) AND user_id = %(user)s"
SEEN = f"""
    SELECT (SELECT happened_at FROM traces_summary WHERE {_OF_USER} ORDER BY happened_at LIMIT 1),
        (SELECT happened_at FROM traces_summary WHERE {_OF_USER} ORDER BY happened_at DESC LIMIT 1)
"""
# The newest, where there are more than are read.
_TURN = f"""
    turn AS MATERIALIZED (
        SELECT trace_id, happened_at, session_id, coalesce(feature, service) AS feature FROM traces_summary
        WHERE {_OF_USER} AND happened_at >= %(start)s AND happened_at < %(end)s
        ORDER BY happened_at DESC LIMIT %(most)s
    )"""
WHOLE = f"""
    WITH {_TURN}, asked_of AS (
        SELECT feature, count(*) AS turns FROM turn WHERE feature <> '' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(names)s
    )
    SELECT count(*), count(DISTINCT session_id) + count(*) FILTER (WHERE session_id IS NULL), max(happened_at),
        (SELECT array_agg(feature ORDER BY turns DESC, feature) FROM asked_of)
    FROM turn
"""
NEWEST = f"WITH {_TURN} SELECT trace_id FROM turn ORDER BY happened_at DESC, trace_id DESC LIMIT %(limit)s"
# What carries no session is one of its own.
SESSIONS = f"""
    WITH {_TURN}, conversation AS (
        SELECT session_id, count(*) AS turns, max(happened_at) AS last_at,
            (array_agg(trace_id ORDER BY happened_at, trace_id))[1] AS first,
            (array_agg(trace_id ORDER BY happened_at DESC, trace_id DESC))[1] AS last
        FROM turn GROUP BY session_id, CASE WHEN session_id IS NULL THEN trace_id END
    )
    SELECT session_id, turns, last_at, first, last FROM conversation
    WHERE (last_at, last) < (%(at)s, %(trace)s)
    ORDER BY last_at DESC, last DESC LIMIT %(limit)s
"""
# From the entries of the search, which hold what a trace comes to: adding up the spans of all these would take seconds.
AMOUNTS = f"""
    WITH {_TURN}, told AS (
        SELECT e.trace_id, e.tokens, e.cost_usd, e.words @@ %(failed)s::tsquery AS failed, turn.happened_at
        FROM turn JOIN traces_entry e ON e.project_id = %(project)s
            AND e.day = (turn.happened_at AT TIME ZONE 'UTC')::date AND e.trace_id = turn.trace_id
    )
    SELECT count(*), sum(tokens), sum(cost_usd), count(*) FILTER (WHERE failed),
        (array_agg(trace_id ORDER BY happened_at DESC) FILTER (WHERE failed))[1:{MOST_FAILED}]
    FROM told
"""
OF_ALL = """
    SELECT coalesce(sum(requests), 0), coalesce(sum(requests_failed), 0), coalesce(sum(cost_usd), 0),
        coalesce(sum(calls_without_price), 0)
    FROM traces_rollup
    WHERE project_id = %(project)s AND level = 'project' AND starts_at >= %(start)s AND starts_at < %(end)s
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """When a user's first and last traces began, of those that are kept."""

    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """How much a user asked in a period: counted up to MOST_READ traces, the newest. `features` are most used first."""

    turns: int
    sessions: int
    last_at: datetime | None
    features: list[str]

    @property
    def has_more(self) -> bool:
        """Whether there are more traces than were counted."""
        return self.turns >= MOST_READ


@dataclass(frozen=True, slots=True)
class UserSession:
    """The turns of one user in one session; None as the id: one trace without a session. `first`, `last`: traces."""

    session_id: str | None
    turns: int
    last_at: datetime
    first: bytes
    last: bytes


@dataclass(frozen=True, slots=True)
class OfAll:
    """What the requests of all users came to in a period."""

    requests: int
    failed: int
    cost_usd: Decimal
    calls_without_price: int


def seen(project_id: int, user_id: str) -> Seen | None:
    """When this user asked something; None when no trace of the project carries the id."""
    if "\0" in user_id:  # Postgres holds no NUL in text
        return None
    ((first_at, last_at),) = _rows(SEEN, {"project": project_id, "user": user_id})
    return Seen(first_at, last_at) if first_at else None


def asked_in(project_id: int, user_id: str, period: TimeRange) -> Asked:
    """How much this user asked in a period."""
    ((turns, sessions, last_at, features),) = _rows(WHOLE, _of(project_id, user_id, period))
    return Asked(turns, sessions, last_at, features or [])


def newest_of(project_id: int, user_id: str, period: TimeRange, limit: int) -> list[bytes]:
    """The traces of a user in a period, newest first."""
    return [bytes(key) for (key,) in _rows(NEWEST, {**_of(project_id, user_id, period), "limit": limit})]


def sessions_of(
    project_id: int, user_id: str, period: TimeRange, *, before: Place | None, limit: int
) -> list[UserSession]:
    """The sessions of a user in a period, by their last turn, newest first: those before a place, if one is given."""
    at, trace = before or (period.end, b"")
    lines = _rows(SESSIONS, {**_of(project_id, user_id, period), "at": at, "trace": trace, "limit": limit})
    return [UserSession(said, turns, last_at, bytes(first), bytes(last)) for said, turns, last_at, first, last in lines]


def amounts_in(project_id: int, user_id: str, period: TimeRange, failed: str) -> tuple[Amounts, list[bytes]]:
    """What a period comes to, as far as it is indexed, and the newest traces that failed.

    `failed` is the query of the word that failed ones hold.
    """
    values = {**_of(project_id, user_id, period), "failed": failed}
    ((turns, tokens, cost_usd, failures, named),) = _rows(AMOUNTS, values)
    told = Amounts(turns, failures, None if tokens is None else int(tokens), cost_usd, None)
    return told, [bytes(key) for key in named or []]


def of_all(project_id: int, period: TimeRange) -> OfAll:
    """What all users asked in a period, from the rollups: their five minutes that begin in it."""
    start = floor(period.start, FIVE_MINUTES)
    ((requests, failed, cost_usd, unpriced),) = _rows(
        OF_ALL, {"project": project_id, "start": start, "end": period.end}
    )
    return OfAll(int(requests), int(failed), cost_usd, int(unpriced))


def _of(project_id: int, user_id: str, period: TimeRange) -> dict[str, Any]:
    bounds = {"start": period.start, "end": period.end, "most": MOST_READ, "names": MOST_NAMES}
    return {"project": project_id, "user": user_id, **bounds}


def _rows(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
