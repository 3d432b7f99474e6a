"""The traces that an address asks for, page by page."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from traces.queries.listed import newest_ids
from traces.search import find
from traces.search.asked import After, Asked


@dataclass(frozen=True, slots=True)
class Place:
    """One trace in a list. The next page is asked for by `after`; `span_id` is the step that the text was found in."""

    trace_id: bytes
    after: After
    span_id: bytes | None = None


def places(project_id: int, asked: Asked, now: datetime, limit: int) -> list[Place]:
    """The next `limit` traces of a list, in its order; none when the line cannot be read.

    The list without conditions comes from the summaries, so that what has just arrived is in it.
    """
    if asked.problem:
        return []
    period, after = asked.time_range(now), asked.after
    if asked.newest_of_all:
        before = (after[0], after[1]) if after and isinstance(after[0], datetime) else None
        newest = newest_ids(project_id, period, before=before, limit=limit)
        return [Place(trace_id, (moment, trace_id)) for moment, trace_id in newest]
    found = find.find(
        project_id, period, asked.terms, sort=asked.sort, after=find.After(*after) if after else None, limit=limit
    )
    return [Place(one.trace_id, (one.after.value, one.after.trace_id), one.span_id) for one in found]


def pages(project_id: int, asked: Asked, now: datetime, size: int) -> Iterator[list[Place]]:
    """The whole list, `size` traces at a time. Each page is read when it is asked for, by statements of its own."""
    while page := places(project_id, asked, now, size):
        yield page
        if len(page) < size:
            return
        asked = replace(asked, after=page[-1].after)
