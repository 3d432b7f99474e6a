"""What every detector is shown: the five-minute buckets of today and the same windows of the days before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.detectors.usual import Usual, usual_of
from traces.queries.metrics import METRICS, Metric, Totals, merged

# Sums that grow with the length of the window; the others are shares and durations, which do not.
VOLUMES = frozenset({"requests", "cost", "input_tokens", "output_tokens"})
# What is judged: the newest buckets, a quarter of an hour together.
WINDOW_BUCKETS = 3
WINDOW_MINUTES = 15
# At this many times the threshold (or below its inverse) a look needs no second stretch to be believed.
FAR_PAST = 2.0

Bucket = tuple[datetime, Totals]


@dataclass(frozen=True, slots=True)
class Look:
    """One look of a rule. `limit` and `minimum` as in `models.Rule`.

    `buckets` are five minutes each, oldest first; the newest three are judged. `before` holds one total per
    comparable window of earlier days. `history` is how long the project has sent anything.
    """

    metric: str
    limit: float
    minimum: int
    buckets: Sequence[Bucket]
    before: Sequence[Totals]
    history: timedelta

    @property
    def now(self) -> Totals:
        """The window as one."""
        return merged(totals for _, totals in self.buckets[-WINDOW_BUCKETS:])

    def value(self, totals: Totals) -> float | None:
        """The metric of `totals`; None when there is nothing to measure."""
        value = self._metric.value(totals)
        return None if value is None else float(value)

    def sample(self, totals: Totals) -> int:
        """How many requests or calls a value rests on."""
        return self._metric.sample(totals)

    def usual(self) -> Usual | None:
        """The usual of this time of day; None while there is too little before. Nearly empty windows are left out."""
        is_volume = self.metric in VOLUMES
        enough = [one for one in self.before if is_volume or self.sample(one) * 4 >= self.minimum]
        return usual_of([value for one in enough if (value := self.value(one)) is not None])

    def stretches(self) -> list[Bucket]:
        """The buckets, newest first, each joined with older ones until it holds a third of the minimum.

        A volume's are each raised to the length of the window, so that one threshold fits all.
        """
        if self.metric in VOLUMES:
            return [(start, merged([totals] * WINDOW_BUCKETS)) for start, totals in reversed(self.buckets)]
        found: list[Bucket] = []
        held: list[Totals] = []
        for start, totals in reversed(self.buckets):
            held.append(totals)
            whole = merged(held)
            if self.sample(whole) * 3 >= self.minimum:
                found.append((start, whole))
                held = []
        return found

    def run(self, threshold: float, *, falling: bool = False) -> tuple[int, datetime | None]:
        """How many stretches in a row, newest first, are past `threshold`, and when the first of them began."""
        count, began_at = 0, None
        for start, totals in self.stretches():
            value = self.value(totals)
            if value is None or not is_past(value, threshold, falling=falling):
                break
            count, began_at = count + 1, start
        return count, began_at

    @property
    def _metric(self) -> Metric:
        return METRICS[self.metric]


def is_past(value: float, threshold: float, *, falling: bool) -> bool:
    """Whether `value` is at or beyond `threshold`, in the direction that is worse."""
    return value <= threshold if falling else value >= threshold


def is_far_past(value: float, threshold: float, *, falling: bool) -> bool:
    """Whether one look is enough to believe it."""
    return value <= threshold / FAR_PAST if falling else value >= threshold * FAR_PAST
