"""What stands before and after a trace in the list that it was opened from."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db import connection

from traces.queries.listed import moment_of, next_newer
from traces.search.asked import After, Asked, asked_in
from traces.search.find import SORTS
from traces.search.results import Place, listing

SECONDS: Final = 0.3
PLACE: Final = """
    SELECT e.{column} FROM traces_summary t
    JOIN traces_entry e ON e.project_id = t.project_id AND e.day = t.first_day AND e.trace_id = t.trace_id
    WHERE t.project_id = %(project)s AND t.trace_id = %(trace)s
"""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The traces before and after one in a list. None at its ends, and where the list is none."""

    previous: Place | None = None
    next: Place | None = None


def neighbours(project_id: int, query: str, trace_id: bytes, now: datetime) -> Neighbours:
    """The neighbours of a trace in the list that an address asks for by `query`, the value of `list=`.

    The trace itself need not be in the list any more: its place is. Safe with any text for `query`.
    """
    asked = asked_in(query)
    if not query or asked.problem:
        return Neighbours()
    here = _place_of(project_id, asked, trace_id)
    if here is None:
        return Neighbours()
    following = _first(project_id, replace(asked, after=here), now)
    return Neighbours(_previous(project_id, asked, here, now), following)


def _previous(project_id: int, asked: Asked, here: After, now: datetime) -> Place | None:
    """The first of the list turned round that comes after `here`; what is unknown is last in both."""
    value, trace_id = here
    if asked.newest_of_all and isinstance(value, datetime):
        newer = next_newer(project_id, asked.time_range(now), (value, trace_id))
        return Place(newer[0][1], newer[0]) if newer else None
    turned = asked.sort.removeprefix("-") if asked.sort.startswith("-") else f"-{asked.sort}"
    back = replace(asked, sort=turned, after=here)
    before = _first(project_id, back, now)
    if value is None and before is None:  # the first of the unknown: before it stands the last of the known
        before = _first(project_id, replace(back, after=None), now)
        return before if before and before.after[0] is not None else None
    return before if before and (value is None or before.after[0] is not None) else None


def _first(project_id: int, asked: Asked, now: datetime) -> Place | None:
    """The next of a list. None at its end, and where it is not found soon: a trace's page does not wait for it."""
    found = listing(project_id, asked, now, 1, SECONDS).places
    return found[0] if found else None


def _place_of(project_id: int, asked: Asked, trace_id: bytes) -> After | None:
    if asked.newest_of_all:
        moment = moment_of(project_id, trace_id)
        return (moment, trace_id) if moment else None
    statement = PLACE.format(column=SORTS[asked.sort.removeprefix("-")])
    with connection.cursor() as cursor:
        cursor.execute(statement, {"project": project_id, "trace": trace_id})
        line: tuple[datetime | Decimal | int | None] | None = cursor.fetchone()
    return (line[0], trace_id) if line else None
