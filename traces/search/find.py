"""Finding traces in the index: the newest first, day by day, until there are enough; a page goes on where one ended.

So a common word costs what the newest day costs, and the hundredth page what the first did.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from django.db import connection

from llmobs.lib.timerange import TimeRange
from traces import partitions
from traces.rows import day_of
from traces.search import facts, match, vocabulary
from traces.search.grammar import Term
from traces.search.hits import SORTS, After, Found, Hits, Stretch
from traces.search.match import Holding, Plan

__all__ = ["SORTS", "After", "Finding", "Found", "by_facts", "find", "find_within", "indexed_up_to"]

# Parts of words: of more words than these, entries are read one by one instead, of which many have one then.
MOST_WORDS = 4_000
_MOST_DAYS = 16  # at a time
_END = datetime(9999, 12, 31, tzinfo=UTC)

OLDEST_MARK = "SELECT min(marked_at) FROM traces_unindexed WHERE project_id = %(project)s"


@dataclass(slots=True)
class Finding:
    """What was found, and where the search stopped because its time was over: `after` for the next try.

    `stopped` is None where it ended by itself. Its value is the moment that was reached, if that is the order.
    """

    found: list[Found] = field(default_factory=list)
    stopped: After | None = None


def find(  # noqa: PLR0913
    project_id: int,
    period: TimeRange,
    terms: Sequence[Term],
    *,
    sort: str = "time",
    after: After | None = None,
    limit: int = 50,
) -> list[Found]:
    """The traces that began in `period` and fulfil all `terms`, at most `limit`.

    `sort` is one of SORTS, the greatest first, or with a minus before it the least; what is unknown comes last.
    """
    return find_within(None, project_id, period, terms, sort=sort, after=after, limit=limit).found


def find_within(  # noqa: PLR0913
    seconds: float | None,
    project_id: int,
    period: TimeRange,
    terms: Sequence[Term],
    *,
    sort: str = "time",
    after: After | None = None,
    limit: int = 50,
) -> Finding:
    """The same, but after about so many seconds it stops with what it has. None: it takes as long as it takes."""
    search = _Search(project_id, period, match.plan_of(terms), sort, after)
    deadline = None if seconds is None else time.monotonic() + seconds
    finding = Finding()
    passed: After | None = None
    for hits in search.stretches():
        if passed and _is_over(deadline):
            finding.stopped = passed
        while not hits.ended and not finding.stopped and len(finding.found) < limit:
            finding.found += hits.more(limit - len(finding.found))
            finding.stopped = hits.after if not hits.ended and _is_over(deadline) else None
        passed = hits.passed
        if finding.stopped or len(finding.found) == limit:
            break
    if len(finding.found) == limit:
        finding.stopped = None
    return finding


def _is_over(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() > deadline


def by_facts(
    project_id: int,
    sought: Sequence[tuple[str, str]],
    *,
    prefix: bool = False,
    limit: int = 100,
    since: date = date.min,
) -> list[Found]:
    """The newest traces since that day of which one of these facts is known, such as ("metadata.order_id", "77").

    With `prefix` the values may be only the beginnings of those that are known.
    """
    if not sought:
        return []
    if prefix:
        asked = [match.quoted(facts.beginning(name, value)) + ":*" for name, value in sought]
    else:
        asked = [match.quoted(facts.fact(name, value)) for name, value in sought]
    period = TimeRange(datetime.combine(since, datetime.min.time(), UTC), _END)
    search = _Search(project_id, period, Plan(asked=[f"({' | '.join(asked)})"]), "time", None)
    return search.hits(Stretch(search.days(), "time"), {}).more(limit)


def indexed_up_to(project_id: int, now: datetime) -> datetime:
    """The moment before which everything that came is in the index: the oldest mark that nobody took, else `now`."""
    with connection.cursor() as cursor:
        cursor.execute(OLDEST_MARK, {"project": project_id})
        (oldest,) = cursor.fetchone()
    return min(oldest or now, now)


class _Search:
    """One search: what is sought, in which order, and from where on."""

    def __init__(self, project_id: int, period: TimeRange, plan: Plan, sort: str, after: After | None) -> None:
        plan.values |= {"project": project_id, "start": period.start, "end": period.end}
        self._project_id = project_id
        self._period = period
        self._plan = plan
        self._sort = sort
        self._after = after

    def stretches(self) -> Iterator[Hits]:
        """The hits of one stretch after the other."""
        days = self.days()
        if self._sort.removeprefix("-") != "time":
            for known in (True, False):
                if days and not (known and self._after is not None and self._after.value is None):
                    yield self.hits(Stretch(days, self._sort, known), self._holding(days))
            return
        size = 1
        while days:
            holding = self._holding(days[:size])
            if None in holding.values() and size > 1:
                size = 1  # a part of so many words is better looked for day by day
                continue
            yield self.hits(Stretch(days[:size], self._sort), holding)
            days, size = days[size:], 1 if None in holding.values() else min(size * 2, _MOST_DAYS)

    def hits(self, stretch: Stretch, holding: Holding) -> Hits:
        return Hits(self._plan, stretch, holding, self._after)

    def days(self) -> list[date]:
        """The days that there are entries of, in the order of the search."""
        first, last = day_of(self._period.start), day_of(self._period.end - timedelta(microseconds=1))
        ascending = self._sort.startswith("-")
        if self._after is not None and isinstance(self._after.value, datetime):
            # Without an id nothing at that very moment comes any more, where the newest come first.
            before = not self._after.trace_id and not ascending
            reached = day_of(self._after.value - timedelta(microseconds=before))
            first, last = (max(first, reached), last) if ascending else (first, min(last, reached))
        days = [day for day in partitions.existing("traces_entry") if first <= day <= last]
        return sorted(days, reverse=not ascending)

    def _holding(self, days: Sequence[date]) -> Holding:
        first, last = min(days), max(days)
        return {part: vocabulary.holding(self._project_id, part, first, last, MOST_WORDS) for part in self._plan.parts}
