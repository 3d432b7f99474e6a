"""Whether the job should give way: whether spans come so fast that indexing them would slow those who send."""

import time

import psutil
from django.db import connection

# While more of the machine than this is at work, and more traces than these come a second, the index waits. 1,000 spans
# a second are some 220 traces: these are indexed however busy the machine is, so that they are found within seconds.
BUSY_PERCENT = 90.0
BURST_TRACES = 600
_SECONDS = 2.0  # what Postgres counts is up to a second old

# Marks that were ever appended, as the statistics know it: the table itself would have to be read.
APPENDED = "SELECT pg_stat_get_tuples_inserted('traces_unindexed'::regclass)"


class Pace:
    """What a worker remembers of how many traces had come when. Not for several threads."""

    def __init__(self) -> None:
        self._asked_at = 0.0
        self._appended = 0
        self._gives_way = False

    def gives_way(self) -> bool:
        """Whether to do little now; what it says holds for two seconds."""
        now = time.monotonic()
        if now - self._asked_at >= _SECONDS:
            appended, busy = _appended(), psutil.cpu_percent() > BUSY_PERCENT  # since it was asked last
            coming = (appended - self._appended) / (now - self._asked_at) if self._asked_at else 0.0
            self._gives_way = busy and coming > BURST_TRACES
            self._asked_at, self._appended = now, appended
        return self._gives_way


def _appended() -> int:
    with connection.cursor() as cursor:
        cursor.execute(APPENDED)
        return int(cursor.fetchone()[0])
