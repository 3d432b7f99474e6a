"""How many traces began when, from the rollups: quick for any period, and some seconds behind."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection

from llmobs.lib.timerange import FIVE_MINUTES, TimeRange, floor

# For periods of at most so many days. A quarter of an hour is a part of every time zone's day.
_STEPS: Final = ((10, FIVE_MINUTES), (31, timedelta(minutes=15)), (387, timedelta(hours=1)))
_LONGEST_STEP: Final = timedelta(days=1)

# As arrays: a month is 2,880 rows, each of which costs more than what is in it.
TRAFFIC: Final = """
    SELECT array_agg(at), array_agg(requests), array_agg(failed) FROM (
        SELECT date_part('epoch', date_bin(%(step)s, starts_at, 'epoch'))::bigint AS at,
            sum(requests::int) AS requests, sum(requests_failed::int) AS failed
        FROM traces_rollup
        WHERE project_id = %(project)s AND level = 'project' AND starts_at >= %(start)s AND starts_at < %(end)s
        GROUP BY 1 HAVING sum(requests::int) > 0 ORDER BY 1
    ) steps
"""


@dataclass(frozen=True, slots=True)
class Traffic:
    """For each step that has any, in order: its start in seconds since 1970, its traces, how many of them failed."""

    period: TimeRange
    step: timedelta  # of a quarter of an hour at most, where the period is no longer than a month
    steps: list[tuple[int, int, int]]
    total: int

    def places(self, many: int) -> list[datetime]:
        """So many moments, as close together as the traces are. The same for the same traffic; none where none was."""
        apart, length = self.total / many, self.step.total_seconds()
        found: list[datetime] = []
        passed, due = 0, apart / 2
        for start, requests, _ in self.steps:
            while due < passed + requests:
                moment = datetime.fromtimestamp(start + length * (due - passed) / requests, UTC)
                found.append(min(max(moment, self.period.start), self.period.end))
                due += apart
            passed += requests
        return found

    def since(self, stretch: TimeRange) -> int:
        """The traces of the steps that begin in a stretch."""
        first, last = stretch.start.timestamp(), stretch.end.timestamp()
        return sum(requests for start, requests, _ in self.steps if first <= start < last)


def traffic(project_id: int, period: TimeRange) -> Traffic:
    """What the rollups know of a period; its first step is rounded down."""
    step = next((step for days, step in _STEPS if period.length <= timedelta(days=days)), _LONGEST_STEP)
    values: dict[str, Any] = {
        "project": project_id,
        "step": step,
        "start": floor(period.start, FIVE_MINUTES),
        "end": period.end,
    }
    with connection.cursor() as cursor:
        cursor.execute(TRAFFIC, values)
        starts, requests, failed = cursor.fetchone()
    steps = list(zip(starts or (), requests or (), failed or (), strict=True))
    return Traffic(period, step, steps, sum(requests or ()))
