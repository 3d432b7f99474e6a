"""How much the job may do now: indexing a span costs more than taking it in, and must not slow those who send."""

import time

from django.db import connection

from llmobs.lib.busy import Busy

# While more of the machine than this is at work the index keeps up with what comes, however busy the machine is, so
# that it is found within seconds; what it was behind stays behind. In a burst, when more traces than these come a
# second (1,000 spans a second are some 220), it only goes on a little: beside it a burst was taken in at 0.7 of its
# speed, and at 60 % of the load the slowest answers took 190 ms.
BUSY_PERCENT = 90.0
BURST_TRACES = 300
LEAST = 25  # marks each time
PAUSE_SECONDS = 0.02  # between two transactions, so that those who write and read come first
_HEADROOM = 1.2
_SECONDS = 2.0  # what Postgres counts is up to a second old
_LOOK_SECONDS = 0.25  # so soon is a burst noticed

# Marks that were ever appended, as the statistics know it: the table itself would have to be read.
APPENDED = "SELECT pg_stat_get_tuples_inserted('traces_unindexed'::regclass)"


class Pace:
    """What a worker remembers of how many traces had come when. Not for several threads."""

    def __init__(self) -> None:
        self._busy = Busy()
        self._is_busy = False
        self._looked_at = 0.0
        self._asked_at = 0.0
        self._appended = 0
        self._done = 0
        self._coming = 0.0

    def most(self) -> int | None:
        """How many marks may be taken now; None: as many as there are."""
        now = time.monotonic()
        if now - self._asked_at >= _SECONDS:
            appended = _appended()
            self._coming = (appended - self._appended) / (now - self._asked_at) if self._asked_at else 0.0
            self._asked_at, self._appended, self._done = now, appended, 0
        if now - self._looked_at >= _LOOK_SECONDS:
            self._is_busy, self._looked_at = self._busy.percent() > BUSY_PERCENT, now
        return max(allowance(self._coming) - self._done, 0) if self._is_busy else None

    def took(self, marks: int, seconds: float) -> float:
        """Count what was taken; how long to pause now. While spans come it is at work half of the time at most."""
        self._done += marks
        return max(PAUSE_SECONDS, seconds) if self._coming else PAUSE_SECONDS


def allowance(coming: float) -> int:
    """The marks of the next two seconds on a busy machine to which so many traces come a second."""
    return LEAST if coming > BURST_TRACES else max(LEAST, round(coming * _SECONDS * _HEADROOM))


def _appended() -> int:
    with connection.cursor() as cursor:
        cursor.execute(APPENDED)
        return int(cursor.fetchone()[0])
