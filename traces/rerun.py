"""What a request that is run again does on the way: for whom it is, what it stored, what is refused of it still.

The code of its address runs unchanged; `ingest_holder`, `inbox.keep` and the writers ask here whether it is a replay.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from accounts.keys import KeyHolder
from accounts.models import Key, Project
from traces.errors import TracesError
from traces.records import Rejection

_NO_KEY = 0


@dataclass(slots=True)
class Rerun:
    """One run. `stored` and `known` count spans, contents of spans and scores: new or changed ones, and those that
    were there already. `why` is what the address refused, None where it took all.
    """

    holder: KeyHolder
    stored: int = 0
    known: int = 0
    why: TracesError | Sequence[Rejection] | None = None

    @property
    def put_off(self) -> bool:
        """Whether it is to be tried again later, and nothing is said of what was sent."""
        return isinstance(self.why, TracesError) and self.why.retry_after_seconds is not None


_running: ContextVar[Rerun | None] = ContextVar("rerun", default=None)


def running() -> Rerun | None:
    """The run that this thread is in; None for a request that came from its sender."""
    return _running.get()


def note(stored: int, known: int) -> None:
    """Count what a writer did, if it wrote for a replay."""
    run = _running.get()
    if run is not None:
        run.stored += stored
        run.known += known


@contextmanager
def run_for(project: Project) -> Iterator[Rerun]:
    """A run with the rights of an ingest key of `project`, whatever became of the key that the request came with.

    Its holder has no digest, so that no writer looks whether a key is still valid.
    """
    run = Rerun(KeyHolder(_NO_KEY, project, Key.Scope.INGEST, b""))
    token = _running.set(run)
    try:
        yield run
    finally:
        _running.reset(token)
