"""Rollups are rebuilt, never added to: what the marked intervals count is read from the spans again.

So spans that come late, twice or changed end up right. The marks are deleted first and the spans read by later
statements, whose snapshots hold all that was committed with those marks; a span that comes after leaves a mark of its
own. One worker at a time rebuilds a project, else the one that read earlier could write last.

The last quarter of an hour is counted in slices (`marks.py`), whose rows stand where rows of five minutes will stand
and add up to the same; once they are old, their five minutes are counted whole.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone

from llmobs.lib.timerange import FIVE_MINUTES, TimeRange, floor
from traces import counts, features
from traces.marks import SLICE, sliced_from

# Intervals in one transaction: of five minutes a day, so that neither a lock nor a sort grows with the backlog.
MOST_AT_ONCE: Final = 288
# Marks that are no more intervals apart are rebuilt in one go, with what lies between them.
NEAR: Final = 6
# How far back slices are looked for: an installation that rested longer keeps them, which only takes room.
_SETTLED: Final = timedelta(days=1)

TO_DO = """
    SELECT id FROM accounts_project p
    WHERE EXISTS (SELECT FROM traces_mark WHERE project_id = p.id) OR EXISTS (
        SELECT FROM traces_rollup
        WHERE project_id = p.id AND level = 'project' AND starts_at >= %(since)s AND starts_at < %(sliced)s
            AND starts_at <> date_bin(%(whole)s, starts_at, 'epoch')
    )
    ORDER BY id
"""

# The pair is ours: the first number says what is locked, the second which project.
LOCK = "SELECT pg_try_advisory_xact_lock(727002, %(project)s)"

# The newest first: whoever looks or is woken looks at the last hours.
NEWEST_MARKED = """
    SELECT DISTINCT starts_at FROM traces_mark WHERE project_id = %(project)s ORDER BY starts_at DESC LIMIT %(limit)s
"""
CLAIM = "DELETE FROM traces_mark WHERE project_id = %(project)s AND starts_at = ANY(%(starts)s)"

# The five minutes of which there still are slices, though they are old.
STILL_SLICED = """
    SELECT DISTINCT date_bin(%(whole)s, starts_at, 'epoch') FROM traces_rollup
    WHERE project_id = %(project)s AND level = 'project' AND starts_at >= %(since)s AND starts_at < %(sliced)s
        AND starts_at <> date_bin(%(whole)s, starts_at, 'epoch')
    LIMIT %(limit)s
"""

FORGET = """
    DELETE FROM traces_rollup
    WHERE project_id = %(project)s AND level IN ('project', 'feature', 'model', 'feature_model')
        AND starts_at >= %(start)s AND starts_at < %(end)s
"""


def rebuild_marked(limit: int = 10_000, *, seconds: float | None = None, now: datetime | None = None) -> int:
    """Rebuild up to `limit` marked or still sliced intervals, newest first; how many it were. 0: nothing to do.

    With `seconds` it begins nothing more after so many. Safe to repeat and to run many times at once: a project that
    another worker is at is left to that worker.
    """
    done, until = 0, None if seconds is None else time.monotonic() + seconds
    for project_id in _with_work(now or timezone.now()):
        while (room := min(MOST_AT_ONCE, limit - done)) > 0 and (until is None or time.monotonic() < until):
            rebuilt = _rebuild_some(project_id, room, now or timezone.now())
            done += rebuilt
            if not rebuilt:
                break
    return done


def _with_work(now: datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(TO_DO, _sliced(now))
        return [project_id for (project_id,) in cursor.fetchall()]


def _sliced(now: datetime) -> dict[str, Any]:
    sliced = sliced_from(now)
    return {"since": sliced - _SETTLED, "sliced": sliced, "whole": FIVE_MINUTES}


def _rebuild_some(project_id: int, limit: int, now: datetime) -> int:
    """Claim and rebuild up to `limit` intervals of a project in one READ COMMITTED transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK, {"project": project_id})
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(NEWEST_MARKED, {"project": project_id, "limit": limit})
        marked = [starts_at for (starts_at,) in cursor.fetchall()]
        cursor.execute(CLAIM, {"project": project_id, "starts": marked})
        cursor.execute(STILL_SLICED, {"project": project_id, "limit": limit - len(marked), **_sliced(now)})
        still_sliced = [starts_at for (starts_at,) in cursor.fetchall()]
        for stretch, length in _stretches(marked, still_sliced, sliced_from(now)):
            cursor.execute(FORGET, {"project": project_id, "start": stretch.start, "end": stretch.end})
            counts.insert(project_id, stretch, length)
            features.note(project_id, stretch)
    return len(marked) + len(still_sliced)


def _stretches(
    marked: Sequence[datetime], still_sliced: Sequence[datetime], sliced: datetime
) -> Iterator[tuple[TimeRange, timedelta]]:
    """What to count again, each stretch with the length of its intervals.

    A mark of a whole five minutes among the slices (from a clock that is ahead) looks like that of their first slice:
    then all of them are counted.
    """
    old = {floor(start, FIVE_MINUTES) for start in [*marked, *still_sliced] if start < sliced}
    new = [start for start in marked if start >= sliced]
    whole = [start for start in new if start == floor(start, FIVE_MINUTES)]
    slices = {*new, *(one for start in whole for one in TimeRange(start, start + FIVE_MINUTES).buckets(SLICE))}
    for stretch in stretches(sorted(old), FIVE_MINUTES):
        yield stretch, FIVE_MINUTES
    for stretch in stretches(sorted(slices), SLICE):
        yield stretch, SLICE


def stretches(starts: Sequence[datetime], length: timedelta) -> Iterator[TimeRange]:
    """The fewest stretches that cover the intervals that start at `starts` (in order), bridging gaps of NEAR - 1."""
    first = 0
    for place, start in enumerate(starts):
        if place + 1 == len(starts) or starts[place + 1] - start > NEAR * length:
            yield TimeRange(starts[first], start + length)
            first = place + 1
