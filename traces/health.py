"""The line in the frame of every page: whether traces come in, and up to when their text can be found. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from llmobs.lib.templatetags.figures import ago, length
from traces.queries.arriving import Arriving

QUIET: Final = timedelta(minutes=2)  # without a trace
BEHIND: Final = timedelta(minutes=1)  # a very large trace that grows is put off for half a minute, which is as meant

Tone = Literal["good", "plain", "warn"]


@dataclass(frozen=True, slots=True)
class Line:
    """What is said: `short` where there is little room, else `comes` and `found`, each with the moment that it ends by.

    A moment is None where nothing more is to be said. `is_empty`: no trace ever came.
    """

    tone: Tone
    short: str
    comes: str
    comes_since: datetime | None
    found: str
    found_up_to: datetime | None
    found_ago: str = ""
    is_empty: bool = False


def line_of(arriving: Arriving, now: datetime) -> Line:
    """The words for how it stands at `now`."""
    if arriving.last_at is None:
        return Line("plain", "No trace yet", "No trace yet", None, "", None, is_empty=True)
    is_quiet = now - arriving.last_at >= QUIET
    passed = length(now - arriving.last_at)
    comes, since = (f"No new trace for {passed}", arriving.last_at) if is_quiet else ("Receiving", None)
    short = f"Quiet for {passed}" if is_quiet else comes
    waiting = arriving.waiting_since
    if waiting is None:
        return Line("plain" if is_quiet else "good", short, comes, since, "all text searchable", None)
    if now - waiting < BEHIND:
        found = f"text searchable up to {ago(waiting, now)}"
        return Line("plain" if is_quiet else "good", short, comes, since, found, None)
    short = f"Index {length(now - waiting)} behind"
    return Line("warn", short, comes, since, "text searchable up to", waiting, ago(waiting, now))
