"""Figures in one line, without a database."""

from datetime import UTC, datetime, timedelta

from dashboards.figures import Figures
from llmobs.lib.timerange import TimeRange
from traces.queries.metrics import Totals

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
TEN_MINUTES = timedelta(minutes=10)


def figures(*totals: Totals, before: list[Totals] | None = None, late: timedelta = TEN_MINUTES) -> Figures:
    """Buckets of ten minutes from noon on; `late` is how far the last one has come."""
    was = before if before is not None else [Totals()] * len(totals)
    starts = [NOON + TEN_MINUTES * place for place in range(len(totals))]
    now = starts[-1] + late
    return Figures(
        period=TimeRange(NOON, now),
        bucket=TEN_MINUTES,
        buckets=list(zip(starts, totals, strict=True)),
        before=[(start - timedelta(days=1), one) for start, one in zip(starts, was, strict=True)],
        before_words="the day before",
        now=now,
        zone=UTC,
    )
