"""Group commit: of the requests that wait at one moment, one writes for all, in one transaction.

Statements and a commit cost about the same for one trace as for twenty. Where nobody writes, the first to come writes
at once, and what comes meanwhile is the next group. Only behind a group of several, the next one waits a little for
company: more are coming. Knows nothing of what is written.
"""

import threading
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Final, Generic, TypeVar

MOST_WRITERS: Final = 2  # transactions at a time, of one queue in one process
# What must wait before a second transaction begins beside the first. Less costs little more in the next group than by
# itself, while a transaction of its own costs as much again.
KEYS_FOR_ANOTHER: Final = 50
PAUSE_SECONDS: Final = 0.015  # from the beginning of a group of several to that of the next, while fewer keys wait
MOST_KEYS: Final = 2_000  # of one transaction, unless a single job has more

What = TypeVar("What")


class Unwritten(Exception):
    """Nobody has said that this job was written."""


@dataclass(slots=True, eq=False)
class Job(Generic[What]):
    """What one request wants written. Who writes it says so by setting `error` to None, or to what went wrong.

    Jobs that share a key are never in one group, since a statement may touch a row only once.
    """

    what: What
    keys: frozenset[Hashable]
    error: Exception | None = field(default_factory=Unwritten)
    is_done: bool = False
    gate: SimpleQueue[None] = field(default_factory=SimpleQueue)  # its thread waits here, and looks again at each word


Group = list[Job[What]]


class Queue(Generic[What]):
    """Jobs that may be written together, in the order they came. `write` writes a group and raises nothing."""

    def __init__(self, write: Callable[[Group[What]], None]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._waiting: Group[What] = []
        self._writers = 0
        self._leader: Job[What] | None = None  # whose thread is to write the next group; it waits too
        self._began = 0.0  # the last group, by the monotonic clock
        self._was_alone = True  # its only job

    def run(self, job: Job[What]) -> None:
        """Return when `job` is written, by this thread or by another. Raises the job's error."""
        with self._lock:
            self._waiting.append(job)
            if self._leader:
                if self._is_enough():
                    self._leader.gate.put(None)
            elif not self._writers or (self._writers < MOST_WRITERS and self._is_enough()):
                self._writers += 1
                self._leader = job
        while not job.is_done:
            if self._leader is job:
                self._write_next(job)
            else:
                job.gate.get()
        if job.error:
            raise job.error

    def _is_enough(self) -> bool:
        return sum(len(job.keys) for job in self._waiting) >= KEYS_FOR_ANOTHER

    def _write_next(self, leader: Job[What]) -> None:
        """Write what waits, and give this thread's place to another job that does."""
        group: Group[What] = []
        try:
            self._wait_for_company(leader)
            group = self._taken()
            self._write(group)
        finally:
            with self._lock:
                if not group:  # interrupted before
                    self._leader = None
                    self._waiting.remove(leader)
                self._pass_on()
            for job in group:
                job.is_done = True
                job.gate.put(None)

    def _wait_for_company(self, leader: Job[What]) -> None:
        with self._lock:
            seconds = self._began + PAUSE_SECONDS - time.monotonic()
            is_due = self._was_alone or seconds <= 0 or self._is_enough()
        if not is_due:
            with suppress(Empty):
                leader.gate.get(timeout=seconds)

    def _taken(self) -> Group[What]:
        with self._lock:
            self._leader = None
            group = self._next_group()
            self._began, self._was_alone = time.monotonic(), len(group) == 1
            return group

    def _pass_on(self) -> None:
        """Let the first job lead that waits, unless another does already, which takes them all."""
        if self._waiting and not self._leader:
            self._leader = self._waiting[0]
            self._leader.gate.put(None)
        else:
            self._writers -= 1

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
