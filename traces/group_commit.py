"""Group commit: of the requests that wait at one moment, one writes for all, in one transaction.

Statements and a commit cost about the same for one trace as for twenty. Nobody waits for company: where nobody writes
the first to come writes at once, and what comes meanwhile is the next group. Knows nothing of what is written.
"""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

MOST_WRITERS: Final = 2  # transactions at a time, of one queue in one process
# What must wait before a second transaction begins beside the first. Less costs little more in the next group than by
# itself, while a transaction of its own costs as much again.
KEYS_FOR_ANOTHER: Final = 50
MOST_KEYS: Final = 2_000  # of one transaction, unless a single job has more

What = TypeVar("What")


class Unwritten(Exception):
    """Nobody has said that this job was written."""


def _shut() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class Job(Generic[What]):
    """What one request wants written. Who writes it says so by setting `error` to None, or to what went wrong.

    Jobs that share a key are never in one group, since a statement may touch a row only once.
    """

    what: What
    keys: frozenset[Hashable]
    error: Exception | None = field(default_factory=Unwritten)
    is_done: bool = False
    group: "list[Job[What]]" = field(default_factory=list)  # what its thread has to write, itself included
    gate: threading.Lock = field(default_factory=_shut)  # its thread waits here


Group = list[Job[What]]


class Queue(Generic[What]):
    """Jobs that may be written together, in the order they came. `write` writes a group and raises nothing."""

    def __init__(self, write: Callable[[Group[What]], None]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._waiting: Group[What] = []
        self._writers = 0

    def run(self, job: Job[What]) -> None:
        """Return when `job` is written, by this thread or by another. Raises the job's error."""
        group: Group[What] = []
        with self._lock:
            self._waiting.append(job)
            if self._may_begin():
                self._writers += 1
                group = self._next_group()
        if group:
            self._write_and_pass_on(group)
        while not job.is_done:
            job.gate.acquire()
            if not job.is_done:
                group, job.group = job.group, []  # or each keeps the other, until a search for garbage stops everybody
                self._write_and_pass_on(group)
        if job.error:
            raise job.error

    def _may_begin(self) -> bool:
        if not self._writers:
            return True
        return self._writers < MOST_WRITERS and sum(len(job.keys) for job in self._waiting) >= KEYS_FOR_ANOTHER

    def _write_and_pass_on(self, group: Group[What]) -> None:
        """Write `group`, and give this thread's place to the first job that waits."""
        try:
            self._write(group)
        finally:
            with self._lock:
                following = self._next_group()
                if following:
                    following[0].group = following
                else:
                    self._writers -= 1
            for job in group:
                job.is_done = True
                job.gate.release()
            if following:
                following[0].gate.release()

    def _next_group(self) -> Group[What]:
        """Take jobs out of the queue, the first one always. Where two share a key the later one waits."""
        group: Group[What] = []
        left: Group[What] = []
        seen: set[Hashable] = set()
        count = 0
        for job in self._waiting:
            fits = not group or count + len(job.keys) <= MOST_KEYS
            if fits and seen.isdisjoint(job.keys):
                group.append(job)
                count += len(job.keys)
            else:
                left.append(job)
            seen |= job.keys
        self._waiting = left
        return group
