"""When a project's traces came last, and which of them wait for the index: for the line in the frame of every page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from traces.rows import day_of

# As in `search/arrivals.py`, only late traces come on earlier days than yesterday. What waits has come, too. All of it
# is one look at the end of an index and one at the marks, of which there are few while the index keeps up.
ARRIVING = """
    SELECT greatest(waiting.newest, (
        SELECT max(entered_at) FROM traces_entry
        WHERE project_id = %(project)s AND day >= %(day)s AND entered_at IS NOT NULL
    )), waiting.oldest
    FROM (
        SELECT min(marked_at) AS oldest, max(marked_at) AS newest FROM traces_unindexed WHERE project_id = %(project)s
    ) waiting
"""
# Of traces that came earlier, when they came is not looked for in all days; when the newest began is known at once.
NEWEST = "SELECT max(happened_at) FROM traces_summary WHERE project_id = %(project)s"


@dataclass(frozen=True, slots=True)
class Arriving:
    """`last_at`: when a trace came last, or, where that was before yesterday, when the newest began; None: never any.

    `waiting_since`: when the oldest came that is not in the index yet; None where all is.
    """

    last_at: datetime | None
    waiting_since: datetime | None


def arriving(project_id: int, now: datetime) -> Arriving:
    """How it stands at `now`; nothing of it is later than that. One statement while traces come, else two."""
    with connection.cursor() as cursor:
        cursor.execute(ARRIVING, {"project": project_id, "day": day_of(now) - timedelta(days=1)})
        last_at, waiting_since = cursor.fetchone()
        if last_at is None:
            cursor.execute(NEWEST, {"project": project_id})
            (last_at,) = cursor.fetchone()
    return Arriving(last_at and min(last_at, now), waiting_since and min(waiting_since, now))
