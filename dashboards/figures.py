"""What the panels of a page are drawn from: the buckets of a period, and those of the period before it."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import cached_property

from django.utils import timezone

from llmobs.lib.forms import PeriodForm
from llmobs.lib.timerange import TimeRange, floor
from traces.queries.metrics import METRICS, Totals, merged, series

Bucket = tuple[datetime, Totals]

# What stands behind a number of the period before, by the word of the period.
BEFORE_WORDS = {
    "1h": "the hour before",
    "6h": "the 6 hours before",
    "24h": "the day before",
    "7d": "the week before",
    "30d": "the 30 days before",
}


@dataclass(frozen=True)
class Figures:
    """A period cut into buckets, each with its totals, and the same buckets of the period before.

    `period` begins with its first bucket and ends where its last one has come to. `zone` is the reader's.
    """

    period: TimeRange
    bucket: timedelta
    buckets: list[Bucket]
    before: list[Bucket]  # as many as `buckets`, in the same places
    before_words: str  # "the day before"
    now: datetime
    zone: tzinfo

    @cached_property
    def whole(self) -> Totals:
        """The whole period."""
        return merged(totals for _, totals in self.buckets)

    @cached_property
    def was(self) -> Totals:
        """The period before, as far as this one has come: the bucket that is not half over yet is left out."""
        finished = len(self.buckets) - (self.is_open and self.now < self.buckets[-1][0] + self.bucket / 2)
        return merged(totals for _, totals in self.before[:finished])

    @property
    def is_open(self) -> bool:
        """Whether the last bucket is not finished yet."""
        return bool(self.buckets) and self.buckets[-1][0] + self.bucket > self.now

    @property
    def end(self) -> datetime:
        """The end of the last bucket."""
        return self.buckets[-1][0] + self.bucket if self.buckets else self.period.end

    @cached_property
    def unmeasured(self) -> int:
        """How many buckets, from the first on, lie before anything was ever sent, as far as these figures reach."""
        if self.was.requests or self.was.calls:
            return 0
        sent = (place for place, (_, totals) in enumerate(self.buckets) if totals.requests or totals.calls)
        return next(sent, len(self.buckets))

    def values(self, metric: str, *, before: bool = False) -> list[float | None]:
        """A metric in each bucket, in its own unit; None where there is nothing to say, or nothing was sent yet."""
        value_of = METRICS[metric].value
        found = [value_of(totals) for _, totals in (self.before if before else self.buckets)]
        silent = 0 if before else self.unmeasured
        return [None if value is None or place < silent else float(value) for place, value in enumerate(found)]


def figures_of(
    project_id: int, form: PeriodForm, now: datetime, *, feature: str | None = None, model: str | None = None
) -> Figures:
    """The figures of the chosen period, rounded down to whole buckets at its start; one query."""
    asked = form.time_range(now)
    bucket = asked.bucket()
    period = TimeRange(floor(asked.start, bucket), asked.end)
    back = -(-asked.length // bucket) * bucket
    both = series(project_id, TimeRange(period.start - back, period.end), bucket, feature=feature, model=model)
    totals = dict(both)
    starts = list(period.buckets(bucket))
    return Figures(
        period=period,
        bucket=bucket,
        buckets=[(start, totals[start]) for start in starts],
        before=[(start - back, totals[start - back]) for start in starts],
        before_words=BEFORE_WORDS.get("" if form.is_stretch else form.chosen, "just before"),
        now=now,
        zone=timezone.get_current_timezone(),
    )
