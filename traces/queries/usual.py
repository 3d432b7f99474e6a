"""What was usual for a feature before a moment, from the rollups."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from llmobs.lib.timerange import FIVE_MINUTES, TimeRange, floor
from traces import arrays
from traces.arrays import Statement
from traces.queries import planned
from traces.queries.metrics import NO_DURATIONS
from traces.queries.planned import Asked, Lines
from traces.sketch import Sketch
from traces.usual import DAYS, Usual

MOST_FEATURES: Final = 20  # of one list
LEAST_SAMPLE: Final = 300  # requests in a sample from which they stand for all

# A little more than an hour, so that what runs on the hour counts no more than it should.
SAMPLED_EVERY: Final = timedelta(minutes=65)

# The features' five minutes through the primary key, and few of the sums: hence not `metrics.totals`. Each of a busy
# feature's 2,016 in a week stands on a page of its own, so those of a sample are named: 3.5 ms for all of them, and
# 55 where none is in memory; 1.1 for every sixth.
_STRETCH = """
    SELECT feature, sum(requests), sum(calls_without_price), sum(cost_usd), string_agg(request_latency, '')
    FROM traces_rollup
    WHERE project_id = %(project)s AND level = 'feature' AND feature = ANY(%(features)s::text[]) AND {when}
    GROUP BY feature
"""
WHOLE = Statement.of(_STRETCH.format(when="starts_at >= %(start)s::timestamptz AND starts_at < %(end)s::timestamptz"))
SAMPLE = Statement.of(_STRETCH.format(when="starts_at = ANY(%(moments)s::timestamptz[])"))


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a feature was asked in a stretch of time, or in the five minutes of a sample of it."""

    requests: int = 0
    calls_without_price: int = 0
    cost_usd: Decimal = Decimal(0)
    latency: Sketch = NO_DURATIONS


def usual_lately(project_id: int, features: Iterable[str], now: datetime) -> dict[str, Usual]:
    """The usual of these features as of `now`, at most MOST_FEATURES of them: each is read once in five minutes."""
    some = {one: one[:200] for one in sorted(set(features))[:MOST_FEATURES]}
    at = floor(now, FIVE_MINUTES)
    known = _known(project_id, at)
    if new := [one for one in dict.fromkeys(some.values()) if one not in known]:
        known.update(usuals_of(project_id, new, at))
    return {one: known[short] for one, short in some.items()}


@lru_cache(maxsize=256)
def _known(project_id: int, at: datetime) -> dict[str, Usual]:
    """What was read of a project in these five minutes, to be added to."""
    return {}


def usual_of(project_id: int, feature: str, before: datetime) -> Usual:
    """The usual of the seven days that end with the five minutes in which `before` lies, those left out.

    `feature` as the rollups have it: '' for requests without one. A feature that is seldom asked takes a second query.
    """
    return usuals_of(project_id, [feature], before)[feature]


def asked_usual(project_id: int, feature: str, before: datetime) -> Asked:
    """The first query of `usual_of`, to be sent with others; `usual_in` reads what it finds."""
    return _asked(project_id, [feature], _days_before(before), sampled=True)


def usual_in(lines: Lines, project_id: int, feature: str, before: datetime) -> Usual:
    """What `usual_of` says, from the rows of its first query."""
    return _usual(feature, _with_seldom(_stretches(lines), project_id, [feature], _days_before(before))[feature])


def usuals_of(project_id: int, features: Sequence[str], before: datetime) -> dict[str, Usual]:
    """The same for several features, in one or two queries."""
    found = stretches_of(project_id, features, _days_before(before), sampled=True)
    return {feature: _usual(feature, found[feature]) for feature in features}


def stretches_of(project_id: int, features: Sequence[str], period: TimeRange, *, sampled: bool) -> dict[str, Stretch]:
    """What each of these features was asked in a period, whose five minutes begin in it.

    `sampled`: one in thirteen five minutes will do, where enough was asked in these; the others take a second query.
    """
    found = _read(project_id, features, period, sampled=sampled)
    if sampled:
        return _with_seldom(found, project_id, features, period)
    return {feature: found.get(feature[:200], Stretch()) for feature in features}


def _with_seldom(
    found: dict[str, Stretch], project_id: int, features: Sequence[str], period: TimeRange
) -> dict[str, Stretch]:
    """The same by feature, after the second query for those of which the sample holds few durations, or nothing."""
    short = dict.fromkeys(feature[:200] for feature in features)
    if seldom := [name for name in short if found.get(name, Stretch()).latency.count < LEAST_SAMPLE]:
        found |= _read(project_id, seldom, period, sampled=False)
    return {feature: found.get(feature[:200], Stretch()) for feature in features}


def _days_before(moment: datetime) -> TimeRange:
    end = floor(moment, FIVE_MINUTES)
    return TimeRange(end - timedelta(days=DAYS), end)


def _usual(feature: str, stretch: Stretch) -> Usual:
    low, middle, high = (stretch.latency.quantile(q) or 0.0 for q in (0.05, 0.5, 0.95))
    return Usual(
        feature=feature,
        requests=stretch.requests,
        low_us=low,
        middle_us=middle,
        high_us=high,
        mean_usd=stretch.cost_usd / stretch.requests if stretch.requests and stretch.cost_usd else None,
        is_least=stretch.calls_without_price > 0,
    )


def _read(project_id: int, features: Sequence[str], period: TimeRange, *, sampled: bool) -> dict[str, Stretch]:
    asked = _asked(project_id, features, period, sampled=sampled)
    return _stretches(planned.rows(asked.statement, asked.values))


def _asked(project_id: int, features: Sequence[str], period: TimeRange, *, sampled: bool) -> Asked:
    values: dict[str, Any] = {
        "project": project_id,
        "features": arrays.array("text", [feature[:200] for feature in features]),
    }
    if sampled:
        return Asked(SAMPLE, {**values, "moments": arrays.array("timestamptz", _sample_of(period))})
    return Asked(WHOLE, {**values, "start": period.start, "end": period.end})


def _sample_of(period: TimeRange) -> list[datetime]:
    """The beginnings of the five minutes of the period that stand for it."""
    first = floor(period.start, SAMPLED_EVERY)
    count = -((first - period.end) // SAMPLED_EVERY)
    return [at for number in range(count) if (at := first + number * SAMPLED_EVERY) >= period.start]


def _stretches(lines: Lines) -> dict[str, Stretch]:
    return {
        feature: Stretch(int(requests), int(unpriced), cost_usd, Sketch.merged([Sketch(bytes(packed or b""))]))
        for feature, requests, unpriced, cost_usd, packed in lines
    }
