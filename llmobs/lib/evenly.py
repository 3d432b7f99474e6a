"""Connections spread over the web server's workers by what these have to do.

Workers share one socket, and the kernel gives a new connection to whichever asks first: of four exporters that keep
their connections open all four may come to one worker, and then one core serves them while another rests. Nobody can
hand a connection on, but whoever serves it may end it after an answer, as HTTP provides for; the client opens another,
which any worker may get (https://www.rfc-editor.org/rfc/rfc9112#name-tear-down).
"""

import os
import threading
from typing import Final

import psutil

EVERY_SECONDS: Final = 0.5  # between two looks at what the workers did; at most one connection is ended for each
# A worker has too much if it worked this many times as long as the one that worked least, and long enough to tell.
TIMES: Final = 1.5
TO_TELL: Final = 0.05  # of one core


class Evenly:
    """What one worker knows of the others. `is_too_much` may be called by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._others: list[psutil.Process] = []
        self._looked_at = 0.0
        self._seconds: dict[int, float] = {}  # of CPU, by process, when they were looked at

    def is_too_much(self, now: float) -> bool:
        """Whether a connection of this worker would be better served by another.

        `now` is a monotonic time in seconds. False between two looks, at the first look, and without other workers.
        """
        if now - self._looked_at < EVERY_SECONDS or not self._lock.acquire(blocking=False):
            return False
        try:
            before, elapsed = self._seconds, now - self._looked_at
            self._seconds, self._looked_at = self._look(), now
            worked = {pid: (end - before[pid]) / elapsed for pid, end in self._seconds.items() if pid in before}
            mine = worked.pop(os.getpid(), 0.0)
            return mine > TO_TELL and mine > TIMES * min(worked.values(), default=mine)
        finally:
            self._lock.release()

    def _look(self) -> dict[int, float]:
        """Seconds of CPU of this worker and of each other one, by its number."""
        me = psutil.Process()
        if not self._others or not all(other.is_running() for other in self._others):
            self._others = _others_of(me)
        found: dict[int, float] = {}
        for process in (me, *self._others):
            try:
                times = process.cpu_times()
            except psutil.Error:  # it has just ended
                continue
            found[process.pid] = times.user + times.system
        return found


def _others_of(me: psutil.Process) -> list[psutil.Process]:
    """The processes that were started as this one was, by the same parent."""
    try:
        parent = me.parent()
        alike = me.cmdline()[-1:]
        return [one for one in parent.children() if one != me and one.cmdline()[-1:] == alike] if parent else []
    except psutil.Error:
        return []
