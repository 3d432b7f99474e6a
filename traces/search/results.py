"""The traces that an address asks for, page by page."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from traces.queries.listed import newest_ids
from traces.search import find
from traces.search.asked import After, Asked

SECONDS = 5.0  # of one page of a whole list


@dataclass(frozen=True, slots=True)
class Place:
    """One trace in a list. The next page is asked for by `after`; `span_id` is the step that the text was found in."""

    trace_id: bytes
    after: After
    span_id: bytes | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list. `stopped`: its time was over; there may be more behind this place."""

    places: list[Place]
    stopped: After | None = None


def listing(project_id: int, asked: Asked, now: datetime, limit: int, seconds: float | None = None) -> Listing:
    """The next `limit` traces of a list, in its order; none when the line cannot be read.

    After about so many seconds it stops with what it has. The list without conditions comes from the summaries, so
    that what has just arrived is in it.
    """
    if asked.problem:
        return Listing([])
    period, after = asked.time_range(now), asked.after
    if asked.newest_of_all:
        before = (after[0], after[1]) if after and isinstance(after[0], datetime) else None
        newest = newest_ids(project_id, period, before=before, limit=limit)
        return Listing([Place(trace_id, (moment, trace_id)) for moment, trace_id in newest])
    start = find.After(*after) if after else None
    done = find.find_within(seconds, project_id, period, asked.terms, sort=asked.sort, after=start, limit=limit)
    stopped = (done.stopped.value, done.stopped.trace_id) if done.stopped else None
    return Listing(
        [Place(one.trace_id, (one.after.value, one.after.trace_id), one.span_id) for one in done.found], stopped
    )


def pages(project_id: int, asked: Asked, now: datetime, size: int) -> Iterator[list[Place]]:
    """The whole list, at most `size` traces at a time. Each page is read when it is asked for, within seconds."""
    while True:
        page = listing(project_id, asked, now, size, SECONDS)
        if page.places:
            yield page.places
        if not page.stopped and len(page.places) < size:
            return
        asked = replace(asked, after=page.stopped or page.places[-1].after)
