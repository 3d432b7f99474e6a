"""Rollups are rebuilt, never added to: what the marked five minutes count is read from the spans again.

So spans that come late, twice or changed end up right. The marks are deleted first and the spans read by later
statements, whose snapshots hold all that was committed with those marks; a span that comes after leaves a mark of its
own. One worker at a time rebuilds a project, else the one that read earlier could write last.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from llmobs.lib.timerange import FIVE_MINUTES, TimeRange
from traces import counts, features

# Buckets in one transaction: a day, so that neither a lock nor a sort grows with the backlog.
MOST_AT_ONCE = 288
# Marks that are no farther apart are rebuilt in one go, with what lies between them.
NEAR = timedelta(minutes=30)

MARKED_PROJECTS = "SELECT DISTINCT project_id FROM traces_mark ORDER BY project_id"

# The pair is ours: the first number says what is locked, the second which project.
LOCK = "SELECT pg_try_advisory_xact_lock(727002, %(project)s)"

# The newest first: whoever looks or is woken looks at the last hours.
NEWEST_MARKED = """
    SELECT DISTINCT starts_at FROM traces_mark WHERE project_id = %(project)s ORDER BY starts_at DESC LIMIT %(limit)s
"""
CLAIM = "DELETE FROM traces_mark WHERE project_id = %(project)s AND starts_at = ANY(%(starts)s)"

FORGET = """
    DELETE FROM traces_rollup
    WHERE project_id = %(project)s AND level IN ('project', 'feature', 'model', 'feature_model')
        AND starts_at >= %(start)s AND starts_at < %(end)s
"""


def rebuild_marked(limit: int = 10_000) -> int:
    """Rebuild up to `limit` marked buckets of five minutes, newest first; how many it were. 0: nothing to do.

    Safe to repeat and to run many times at once: a project that another worker is at is left to that worker.
    """
    done = 0
    for project_id in _marked_projects():
        while (room := min(MOST_AT_ONCE, limit - done)) > 0 and (rebuilt := _rebuild_some(project_id, room)):
            done += rebuilt
    return done


def _marked_projects() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(MARKED_PROJECTS)
        return [project_id for (project_id,) in cursor.fetchall()]


def _rebuild_some(project_id: int, limit: int) -> int:
    """Claim and rebuild up to `limit` buckets of a project in one READ COMMITTED transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK, {"project": project_id})
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(NEWEST_MARKED, {"project": project_id, "limit": limit})
        starts = sorted(starts_at for (starts_at,) in cursor.fetchall())
        cursor.execute(CLAIM, {"project": project_id, "starts": starts})
        for stretch in stretches(starts):
            cursor.execute(FORGET, {"project": project_id, "start": stretch.start, "end": stretch.end})
            counts.insert(project_id, stretch)
            features.note(project_id, stretch)
    return len(starts)


def stretches(starts: Sequence[datetime]) -> Iterator[TimeRange]:
    """The fewest stretches that cover the buckets that start at `starts` (in order), bridging gaps of half an hour."""
    first = 0
    for place, start in enumerate(starts):
        if place + 1 == len(starts) or starts[place + 1] - start > NEAR:
            yield TimeRange(starts[first], start + FIVE_MINUTES)
            first = place + 1
