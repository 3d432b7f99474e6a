"""The traces of a session, in the order of the conversation, and what they come to.

A session may be one id that a service puts on everything it does: it is read page by page, and counted to a limit.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import connection

MOST_COUNTED: Final = 20_000  # traces of a session

_OF_SESSION = """
    project_id = %(project)s AND left(session_id, 200) = left(%(session)s, 200) AND session_id = %(session)s"""
# The moment alone too, because only that is in the index.
TURNS = f"""
    SELECT trace_id, happened_at FROM traces_summary
    WHERE {_OF_SESSION} AND happened_at >= %(at)s AND (happened_at, trace_id) > (%(at)s, %(trace)s)
    ORDER BY happened_at, trace_id LIMIT %(limit)s
"""
TURNS_BEFORE = f"""
    SELECT trace_id, happened_at FROM traces_summary
    WHERE {_OF_SESSION} AND happened_at <= %(at)s AND (happened_at, trace_id) < (%(at)s, %(trace)s)
    ORDER BY happened_at DESC, trace_id DESC LIMIT %(limit)s
"""
# The newest, where there are more than are counted.
WHOLE = f"""
    WITH turn AS (
        SELECT happened_at, ended_at, user_id, coalesce(feature, service) AS feature FROM traces_summary
        WHERE {_OF_SESSION} ORDER BY happened_at DESC LIMIT %(limit)s
    )
    SELECT count(*), min(happened_at), max(happened_at), max(greatest(happened_at, ended_at)),
        (SELECT array_agg(one.user_id) FROM (SELECT DISTINCT user_id FROM turn WHERE user_id IS NOT NULL LIMIT 6) one),
        (SELECT array_agg(one.feature) FROM (SELECT DISTINCT feature FROM turn WHERE feature IS NOT NULL LIMIT 6) one)
    FROM turn
"""
# From the entries of the search, which hold what a trace comes to: adding up the spans of all these would take seconds.
AMOUNTS = f"""
    WITH turn AS MATERIALIZED (
        SELECT trace_id, (happened_at AT TIME ZONE 'UTC')::date AS day FROM traces_summary
        WHERE {_OF_SESSION} ORDER BY happened_at DESC LIMIT %(limit)s
    )
    SELECT count(e.trace_id), sum(e.tokens), sum(e.cost_usd), count(*) FILTER (WHERE e.words @@ %(failed)s::tsquery)
    FROM turn JOIN traces_entry e ON e.project_id = %(project)s AND e.day = turn.day AND e.trace_id = turn.trace_id
"""


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its traces' summaries tell it. `users` and `features` are at most six of each."""

    session_id: str
    turns: int
    began_at: datetime
    last_at: datetime  # when the last turn began
    ended_at: datetime
    users: list[str]
    features: list[str]

    @property
    def has_more(self) -> bool:
        """Whether it has more turns than were counted."""
        return self.turns > MOST_COUNTED


@dataclass(frozen=True, slots=True)
class Amounts:
    """What the turns of a session come to. `turns`: of how many it is known. None is unknown."""

    turns: int
    failed: int
    tokens: int | None
    cost_usd: Decimal | None
    calls_without_price: int | None


Place = tuple[datetime, bytes]  # of a turn: its moment and its trace


def session_of(project_id: int, session_id: str) -> Session | None:
    """The session with this id; None when no trace of the project carries it."""
    if "\0" in session_id:  # Postgres holds no NUL in text
        return None
    with connection.cursor() as cursor:
        cursor.execute(WHOLE, {"project": project_id, "session": session_id, "limit": MOST_COUNTED + 1})
        turns, began_at, last_at, ended_at, users, features = cursor.fetchone()
    if not turns:
        return None
    return Session(session_id, turns, began_at, last_at, ended_at, sorted(users or []), sorted(features or []))


def turns_after(project_id: int, session_id: str, place: Place, limit: int) -> list[Place]:
    """The turns after `place`, oldest first."""
    return _turns(TURNS, project_id, session_id, place, limit)


def turns_before(project_id: int, session_id: str, place: Place, limit: int) -> list[Place]:
    """The last turns before `place`, oldest first."""
    return _turns(TURNS_BEFORE, project_id, session_id, place, limit)[::-1]


def amounts_of(project_id: int, session_id: str, failed: str) -> Amounts:
    """What all turns come to, as far as they are indexed. `failed` is the query of the word that failed ones hold."""
    values: dict[str, Any] = {
        "project": project_id,
        "session": session_id,
        "limit": MOST_COUNTED,
        "failed": failed,
    }
    with connection.cursor() as cursor:
        cursor.execute(AMOUNTS, values)
        turns, tokens, cost_usd, failures = cursor.fetchone()
    return Amounts(turns, failures, None if tokens is None else int(tokens), cost_usd, None)


def _turns(sql: str, project_id: int, session_id: str, place: Place, limit: int) -> list[Place]:
    values: dict[str, Any] = {"project": project_id, "session": session_id, "at": place[0], "trace": place[1]}
    with connection.cursor() as cursor:
        cursor.execute(sql, {**values, "limit": limit})
        return [(at, bytes(trace_id)) for trace_id, at in cursor.fetchall()]
