"""How many traces a list holds, by facet and by time, in less than a tenth of a second: exactly where they are few.

Where a period has few traces, each is looked at. Of many, some thousand spread over it are, and what is found is
extrapolated; what is too rare for that is counted by the index, day after day, until the time is over. How many traces
there are in all, and when, is known from the rollups.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal

from llmobs.lib.timerange import TimeRange
from traces import partitions
from traces.queries.traffic import Traffic, traffic
from traces.rows import day_of
from traces.search import facts, match, populations, vocabulary
from traces.search.find import MOST_WORDS
from traces.search.grammar import Term
from traces.search.hits import OF_DAY, Hits, Stretch
from traces.search.match import Plan
from traces.search.populations import MAIN, RowTest
from traces.search.tallies import BY_ID, INDEXED, READ, SAMPLED, SCANNED, Tally, has_few, tallied

# about: extrapolated. over: no more were looked at, and how many there are is not known.
Sure = Literal["exactly", "about", "over"]

LITTLE: Final = 8_000  # traces that are all looked at
_LITTLE_TEXT: Final = 2_000  # the same, where the words of each are unpacked for it: 20 µs
_PLACES, _EACH = 200, 10  # of a sample
_PLACES_OF_TEXT, _EACH_OF_TEXT = 150, 10
_ENOUGH: Final = 100  # of a sample, to extrapolate from
_ENOUGH_OF_MANY: Final = 40  # the same, where the index would not find all either
_DAYS_AT_ONCE: Final = 10
_TELLING: Final = 500  # traces of a day that tell what share of them is asked for
_DAYS_TO_TRY: Final = 2  # the newest last, which has just begun, perhaps, and is written to
_MANY: Final = 3_000  # found by the index; then the rest is extrapolated
_PIECE: Final = 50  # texts that are compared between two looks at the clock
# Looking at some traces takes about as long whatever is asked: to wait for it is quicker than to ask again.
_GRACE_SECONDS: Final = 0.15
_SECONDS_TO_TALLY: Final = 0.015  # what was found by comparing texts


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of one population. `elements` are those of `facets.py`; `times` by bucket and whether it failed.

    `known`: how many values each facet has, at least.
    """

    sure: Sure
    total: int
    elements: Mapping[str, int]
    times: Mapping[tuple[datetime, bool], int]
    known: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Buckets:
    """How time is cut: from `origin` on into pieces of `length`."""

    origin: datetime
    length: timedelta


@dataclass(slots=True)
class Counting:
    """One counting. `keys` are the keys of metadata that are counted; nothing is begun after `seconds`.

    Periods of at most `little` traces are looked at whole.
    """

    project_id: int
    period: TimeRange
    terms: Sequence[Term]
    keys: Sequence[str]
    buckets: Buckets
    seconds: float
    little: int = LITTLE
    counted: dict[str, Counted] = field(default_factory=dict)
    traffic: Traffic | None = None
    _rough: dict[str, Counted] = field(default_factory=dict)
    _deadline: float = 0.0

    def run(self) -> dict[str, Counted]:
        """What was counted in time: of MAIN all that is asked, and by each facet that a value is asked of."""
        self._deadline = time.monotonic() + self.seconds
        days = self._days()
        if not days:
            return {MAIN: Counted("exactly", 0, {}, {}, {})}
        test = populations.row_test(self.terms)
        self.traffic = known = traffic(self.project_id, self.period)
        hope: dict[str, float] = {}
        if not test.texts and known.total <= (min(self.little, _LITTLE_TEXT) if test.reads_words else self.little):
            self._scan(test, days)
        elif not test.texts and not (test.reads_words and self._are_rare(days, known)):
            hope = self._sample(test, known)
        for name in [MAIN, *test.own]:
            if name not in self.counted:
                self._ask_index(name, days, known, hope.get(name, 0.0))
        return self._rough | self.counted

    def _days(self) -> list[date]:
        first, last = day_of(self.period.start), day_of(self.period.end - timedelta(microseconds=1))
        return sorted((day for day in partitions.existing("traces_entry") if first <= day <= last), reverse=True)

    def _values(self, **more: Any) -> dict[str, Any]:
        return {
            "project": self.project_id,
            "start": self.period.start,
            "end": self.period.end,
            "bucket": self.buckets.length,
            "origin": self.buckets.origin,
            "keys": [facts.beginning(f"metadata.{key}", "") for key in self.keys],
            **more,
        }

    def _left(self, grace: float = 0.0) -> float:
        return self._deadline + grace - time.monotonic()

    def _scan(self, test: RowTest, days: Sequence[date]) -> None:
        """Look at every trace of the period."""
        masks = sorted(set().union(*(test.mask_of(name) for name in [MAIN, *test.own])))
        places = {"first_day": min(days), "last_day": max(days), "masks": masks, "most": self.little + 1}
        hits = SCANNED.format(mask=test.mask, conditions=test.conditions)
        by_mask = tallied(hits, self._values(**places, **test.values), self._left(_GRACE_SECONDS))
        if by_mask is None:
            return
        more = sum(tally.total for tally in by_mask.values()) > self.little
        for name in [MAIN, *test.own]:
            self.counted[name] = _counted(_joined(by_mask, test.mask_of(name)), 1.0, "over" if more else "exactly")

    def _are_rare(self, days: Sequence[date], known: Traffic) -> bool:
        """Whether a day promises that the index finds few: then a sample, whose words are unpacked, is in vain."""
        for day in reversed(days[:_DAYS_TO_TRY]):
            of_day = known.since(TimeRange(_begins(day), _begins(day + timedelta(days=1))))
            if of_day >= _TELLING:
                few = _MANY * of_day // known.total
                asked, queries = self._plan_of(MAIN).ask({}).within(self.project_id)
                return has_few(partitions.name_of("traces_entry", day), asked, queries, few, self._left())
        return False

    def _plan_of(self, name: str) -> Plan:
        plan = match.plan_of(populations.without(self.terms, name))
        plan.values |= self._values()
        return plan

    def _sample(self, test: RowTest, known: Traffic) -> dict[str, float]:
        """Look at some traces; what share of all each population is. Of few, what is found is only roughly so."""
        many, each = (_PLACES_OF_TEXT, _EACH_OF_TEXT) if test.reads_words else (_PLACES, _EACH)
        moments = known.places(many)
        masks = sorted(set().union(*(test.mask_of(name) for name in [MAIN, *test.own])))
        places = {"moments": moments, "days": [day_of(one) for one in moments], "masks": masks, "each": each}
        hits = SAMPLED.format(mask=test.mask, conditions=test.conditions)
        by_mask = tallied(hits, self._values(**places, **test.values), self._left(_GRACE_SECONDS))
        read = by_mask.pop(READ).total if by_mask else 0
        if not by_mask or not read:
            return {}
        hope: dict[str, float] = {}
        for name in [MAIN, *test.own]:
            tally = _joined(by_mask, test.mask_of(name))
            hope[name] = tally.total / read
            enough = _ENOUGH_OF_MANY if hope[name] * known.total > _MANY else _ENOUGH
            of_all = self.counted if tally.total >= enough else self._rough
            if tally.total:
                of_all[name] = _counted(tally, known.total / read, "about")
        return hope

    def _ask_index(self, name: str, days: Sequence[date], known: Traffic, share: float) -> None:
        """Let the index find a population, on days spread over the period."""
        plan = self._plan_of(name)
        tally, done, waiting = Tally(), list[TimeRange](), _spread(days)
        one_by_one = not plan.is_exact or share * known.total > _MANY
        took = 0.0  # the last of them: what is broken off was in vain
        while waiting and self._left() > took and tally.total < _MANY:
            some, left = waiting[: 1 if one_by_one else _DAYS_AT_ONCE], self._left()
            found, reached = self._of_days(plan, some)
            took = left - self._left()
            if found is None:
                break
            tally.add(found)
            done += [TimeRange(reached or _begins(day), _begins(day + timedelta(days=1))) for day in some]
            waiting = waiting if reached else waiting[len(some) :]
            if reached:
                break
        if not waiting:
            self.counted[name] = _counted(tally, 1.0, "exactly")
        elif tally.total:
            self.counted[name] = _counted(tally, _factor(known, days, done), "about")

    def _of_days(self, plan: Plan, days: Sequence[date]) -> tuple[Tally | None, datetime | None]:
        """What the index finds on these days; None when it takes too long.

        Where texts are compared, of one day, it stops in time: then also the moment back to which all are compared.
        """
        first, last = min(days), max(days)
        holding = {part: vocabulary.holding(self.project_id, part, first, last, MOST_WORDS) for part in plan.parts}
        asked = plan.ask(holding)
        if asked.unanswered:
            return self._compared(plan, Hits(plan, Stretch(days, "time"), holding, None), days)
        tests, queries = asked.within(self.project_id)
        tables = [partitions.name_of("traces_entry", day) for day in days]
        of_days = " UNION ALL ".join(OF_DAY.format(table=table, asked=tests) for table in tables)
        conditions = "".join(f" AND {condition}" for condition in plan.conditions)
        hits = INDEXED.format(of_days=of_days, conditions=conditions)
        by_mask = tallied(hits, {**plan.values, **queries}, self._left(), keep_plan=False, seqscan=not queries)
        return None if by_mask is None else by_mask.get(0, Tally()), None

    def _compared(self, plan: Plan, hits: Hits, days: Sequence[date]) -> tuple[Tally | None, datetime | None]:
        found: list[bytes] = []
        while not hits.ended and self._left() > _SECONDS_TO_TALLY:
            found += [one.trace_id for one in hits.more(_PIECE)]
        reached = hits.after.value if hits.after and not hits.ended else None
        by_mask = tallied(BY_ID, self._values(days=list(days), traces=found), self._left())
        return None if by_mask is None else by_mask.get(0, Tally()), reached if isinstance(reached, datetime) else None


def _joined(by_mask: Mapping[int, Tally], masks: set[int]) -> Tally:
    joined = Tally()
    for mask in masks & by_mask.keys():
        joined.add(by_mask[mask])
    return joined


def _counted(tally: Tally, factor: float, sure: Sure) -> Counted:
    def scaled(counts: Counter[Any]) -> dict[Any, int]:
        return {key: round(many * factor) for key, many in counts.items()}

    return Counted(sure, round(tally.total * factor), scaled(tally.elements), scaled(tally.times), tally.known)


def _spread(days: Sequence[date]) -> list[date]:
    """The newest day first, then each as far as can be from those before: the places' binary digits backwards."""
    return [day for _, day in sorted(enumerate(days), key=lambda one: f"{one[0]:b}"[::-1].ljust(12, "0"))]


def _factor(known: Traffic, days: Sequence[date], done: Sequence[TimeRange]) -> float:
    """How many times the traces of some stretches all are; where the rollups know of none, by the days."""
    counted = sum(known.since(stretch) for stretch in done)
    return known.total / counted if counted else len(days) / len(done)


def _begins(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
