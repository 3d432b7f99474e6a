"""Similar failures by day, before and after a fix, as tiny bars that lead to their traces."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from cases import words
from cases.models import Case
from cases.similar import terms_of
from llmobs.lib.templatetags.figures import NBSP
from llmobs.lib.timerange import TimeRange
from traces.search.find import find_within

LEAST_DAYS: Final = 30
MOST_DAYS: Final = 60
DAYS_BEFORE: Final = 14  # that are shown before a fix
MOST_FOUND: Final = 5_000
SECONDS: Final = 1.0
BAR: Final = 36  # the highest


@dataclass(frozen=True, slots=True)
class Day:
    """A day in the member's zone. `failures` None: not counted.

    `height` and `top` are of its bar, 0 to BAR; `since` and `since_top` of the part since the fix, at its foot.
    """

    day: date
    failures: int | None
    height: float
    since: float
    after: bool
    url: str

    @property
    def top(self) -> float:
        return BAR - self.height

    @property
    def since_top(self) -> float:
        return BAR - self.since

    @property
    def words(self) -> str:
        number = "not counted" if self.failures is None else words.things(self.failures, "similar failure")
        return f"{self.day.day} {self.day:%B}: {number}"


@dataclass(frozen=True, slots=True)
class Failures:
    """The bars, the sentence that they prove, and the list of all of them."""

    days: list[Day]
    sentence: str
    url: str


def failures_of(case: Case, now: datetime) -> Failures | None:
    """The failures that count as similar, by day; None where nobody has said what does."""
    terms = terms_of(case.similar)
    if not terms:
        return None
    today = timezone.localtime(now).date()
    first = today - timedelta(days=_days(case, today) - 1)
    period = TimeRange(_midnight(first), now + timedelta(days=1))
    finding = find_within(SECONDS, case.project_id, period, terms, limit=MOST_FOUND)
    moments = [one.happened_at for one in finding.found]
    reached = finding.stopped.value if finding.stopped else moments[-1] if len(moments) == MOST_FOUND else None
    known_from = reached if isinstance(reached, datetime) else period.start
    counted = _by_day(moments)
    since = _by_day(moment for moment in moments if case.fix_seen_at and moment >= case.fix_seen_at)
    dates = [first + timedelta(days=place) for place in range((today - first).days + 1)]
    days = [_day(case, one, counted, since, known_from) for one in dates]
    return Failures(days, _sentence(case, moments, len(days), known_from, period), _url(case, period.start, now))


def _days(case: Case, today: date) -> int:
    if case.fix_seen_at is None:
        return LEAST_DAYS
    since = (today - timezone.localtime(case.fix_seen_at).date()).days
    return min(max(LEAST_DAYS, since + DAYS_BEFORE + 1), MOST_DAYS)


def _by_day(moments: Iterable[datetime]) -> Counter[date]:
    return Counter(timezone.localtime(moment).date() for moment in moments)


def _day(case: Case, day: date, counted: Counter[date], since: Counter[date], known_from: datetime) -> Day:
    start, end = _midnight(day), _midnight(day + timedelta(days=1))
    failures = counted[day] if start >= known_from else None
    height = round(max(BAR * counted[day] / max(counted.values()), 2.0), 1) if counted[day] else 0.0
    part = round(height * since[day] / counted[day], 1) if counted[day] else 0.0
    after = case.fix_seen_at is not None and end > case.fix_seen_at
    return Day(day, failures, height, part, after, _url(case, start, end) if counted[day] else "")


def _sentence(case: Case, moments: list[datetime], days: int, known_from: datetime, period: TimeRange) -> str:
    partly = known_from > period.start
    seen = case.fix_seen_at
    before = [moment for moment in moments if seen is None or moment < seen]
    some = words.things(len(before), "similar failure")
    said = words.capital(f"at least {some}" if partly and before else some)
    if partly and not before:
        said = "An unknown number of similar failures"
    if seen is None or case.the_fix is None:
        return f"{said} in {days} days."
    since = words.things(len(moments) - len(before), "failure").partition(NBSP)[0]
    return f"{said} in the days before {case.the_fix.words} was first seen, {since} since."


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def _url(case: Case, start: datetime, end: datetime) -> str:
    asked = {"q": case.similar, "from": start.isoformat(), "to": end.isoformat()}
    return f"{reverse('traces:trace-list', args=(case.project.slug,))}?{urlencode(asked)}"
