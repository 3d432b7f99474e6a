"""The rows of traces, day by day: through the summary, so that only the partitions of a trace's own days are read.

Days are matched one by one, because a range of them makes Postgres before 18 read the whole day's index. OFFSET 0
keeps the planner from turning it into one join over all days: 77 ms on Postgres 15 with 300,000 spans, against 0.3 ms.
The days come out of an array, of which the planner expects ten and not a thousand: for the millions of rows that it
expected then, joins laid out tables for 25 ms.
"""

from collections.abc import Iterable
from datetime import date, timedelta

BOUNDS = "day >= %(first_day)s AND day <= %(last_day)s"


def rows(table: str, name: str, *, columns: str = "*", only: str = "", bounded: bool = False) -> str:
    """What stands behind CROSS JOIN LATERAL, or FROM, where a `traces_summary t` is joined: its rows in `table`.

    `name` is what they are called there, and `only` a condition on them. The statement takes the project's id as
    `project` and, where it is `bounded`, the days between which they all lie as `first_day` and `last_day`: the
    partitions of other days are then not even opened: for a trace's page, 7 ms with 300 of them.
    """
    where = "".join(f"\n            AND {one}" for one in (BOUNDS if bounded else "", only) if one)
    return f"""unnest(ARRAY(SELECT generate_series(0, t.last_day - t.first_day))) AS later
    CROSS JOIN LATERAL (
        SELECT {columns} FROM {table}
        WHERE project_id = %(project)s AND day = t.first_day + later AND trace_id = t.trace_id{where} OFFSET 0
    ) {name}"""


def among(days: Iterable[date]) -> str:
    """The condition that `day` is one of these, written out, for statements that change what is stored.

    The planner then leaves out the partitions of other days before it opens them. Of days that are joined to or bound
    it knows none in time: with 330 days, 100 spans that came again took two seconds of plans.
    """
    return f"day = ANY('{{{','.join(sorted(day.isoformat() for day in days))}}}'::date[])"


def days_between(first: date, last: date) -> list[date]:
    """All days from the first to the last."""
    return [first + timedelta(days=later) for later in range((last - first).days + 1)]
