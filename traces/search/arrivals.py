"""What has come into a list since it was read.

"New" is a trace that has come into the index since then, whenever it began: one that a service sends an hour late is
new now, and stands where it began. So nothing is new before it can be found, some 2 s after it was sent; and a trace
that was there and has only grown is not new but changed. One exception: a span that begins on an earlier day moves its
trace to that day, where it is new once more.

Places are moments of the database's clock at which entries were written. One worker at a time writes them, each
transaction after the one before (`index.py`), so what is seen later has a later moment, and nothing is passed by; an
import beside it (`index_now`) may be, of old files. Entries that were there before these moments were kept have none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from llmobs.lib.timerange import TimeRange
from traces import arrays
from traces.rows import day_of
from traces.search import match
from traces.search.entries import text_of
from traces.search.grammar import Term
from traces.search.hits import Line, read_text
from traces.search.index import own_cursor
from traces.search.match import Text
from traces.search.results import Place

MOST: Final = 1_000  # entries that are looked at by one statement

LAST_KEY: Final = b"\xff" * 16  # no trace comes behind it at the same moment
Since = tuple[datetime, bytes]

# Of days past yesterday's only late traces come; the newest of all is nearly always among the others.
LAST = """
    SELECT coalesce(max(entered_at), clock_timestamp()) FROM traces_entry
    WHERE project_id = %(project)s AND day >= %(day)s AND entered_at IS NOT NULL
"""
# What is new and, of the traces that are shown, what has changed. The conditions are compared with what has come, which
# is little, and not looked up among all; a text is only read where all else is fulfilled.
ARRIVED = """
    WITH come AS MATERIALIZED (
        SELECT * FROM traces_entry
        WHERE project_id = %(project)s AND day >= %(first_day)s AND day <= %(last_day)s AND entered_at IS NOT NULL
            AND (entered_at, trace_id) > (%(since)s, %(since_id)s)
        ORDER BY entered_at, trace_id LIMIT %(most)s
    ), judged AS MATERIALIZED (
        SELECT e.*, e.happened_at >= %(start)s AND e.happened_at < %(end)s {conditions} AS fulfils FROM come e
    )
    SELECT trace_id, happened_at, entered_at, fulfils, {text} FROM judged
    UNION ALL
    SELECT trace_id, happened_at, indexed_at, NULL, NULL::smallint, NULL::bytea FROM traces_entry
    WHERE project_id = %(project)s AND day >= %(first_day)s AND day <= %(last_day)s
        AND trace_id = ANY(%(followed)s::bytea[]) AND indexed_at > %(seen)s
"""
_TEXT: Final = "CASE WHEN fulfils THEN codec END, CASE WHEN fulfils THEN text END"


@dataclass(slots=True)
class Arrivals:
    """What is new, the newest first, and which of the followed traces have changed.

    The next look goes on behind `since`, and behind `seen` for what changes. `more`: there is more than was looked at.
    """

    since: Since
    seen: datetime
    found: list[Place] = field(default_factory=list)
    changed: list[Place] = field(default_factory=list)
    more: bool = False


def last_arrival(project_id: int, now: datetime) -> datetime:
    """The place behind which everything is new: asked before the list is read, so that nothing is missed between."""
    with connection.cursor() as cursor:
        cursor.execute(LAST, {"project": project_id, "day": day_of(now) - timedelta(days=1)})
        found: datetime = cursor.fetchone()[0]
    return found


def arrivals(
    project_id: int, period: TimeRange, terms: Sequence[Term], behind: Arrivals, followed: Sequence[bytes]
) -> Arrivals:
    """What has come into `period` behind that place and fulfils all `terms`, by one statement.

    At most MOST entries are looked at; with `more` the next look finds the rest.
    """
    plan = match.plan_of(terms)
    asked = plan.ask(dict.fromkeys(plan.parts))  # parts of words are compared with the text itself
    queries = {f"query_{number}": query for number, query in enumerate(asked.queries)}
    words = " OR ".join(f"e.words @@ %({name})s::tsquery" for name in queries)
    conditions = [*plan.conditions, f"({words})"] if words else plan.conditions
    statement = ARRIVED.format(
        conditions="".join(f" AND {condition}" for condition in conditions),
        text=_TEXT if plan.texts else "NULL::smallint, NULL::bytea",
    )
    (since, since_id), seen = behind.since, behind.seen
    values: dict[str, Any] = {
        **plan.values, **queries, "project": project_id, "start": period.start, "end": period.end,
        "first_day": day_of(period.start), "last_day": day_of(period.end), "since": since, "since_id": since_id,
        "most": MOST, "seen": seen, "followed": arrays.array("bytea", followed),
    }  # fmt: skip
    with own_cursor() as cursor:
        cursor.execute(statement, values, prepare=False, binary=True)
        lines = cursor.fetchall()
    answer = Arrivals(behind.since, max([seen, *(line[2] for line in lines if line[3] is None)]))
    answer.changed = [_place(line) for line in lines if line[3] is None]
    come = [line for line in lines if line[3] is not None]
    answer.more = len(come) == MOST
    answer.since = max([behind.since, *((line[2], line[0]) for line in come)])
    for line in sorted(come, key=lambda line: (line[1], line[0]), reverse=True):
        fulfils, span_id = _judged(line, asked.unanswered, plan.texts)
        answer.found += [_place(line, span_id)] if fulfils else []
    return answer


def _judged(line: Line, unanswered: Sequence[Text], texts: Sequence[Text]) -> tuple[bool, bytes | None]:
    _, _, _, fulfils, codec, text = line
    return read_text(text_of(codec, text), unanswered, texts) if fulfils and text is not None else (fulfils, None)


def _place(line: Line, span_id: bytes | None = None) -> Place:
    return Place(line[0], (line[1], line[0]), span_id)
