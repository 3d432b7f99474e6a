"""What was usual for a feature before a moment, from the rollups."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from django.db import connection

from llmobs.lib.timerange import FIVE_MINUTES, floor
from traces.sketch import Sketch
from traces.usual import DAYS, Usual

MOST_FEATURES: Final = 20  # of one list, a query each
LEAST_SAMPLE: Final = 300  # requests in every sixth interval from which they stand for all

# The feature's five minutes through the primary key, and few of the sums: hence not `metrics.totals` (3.8 ms for a week
# of the demo's busiest feature; this takes 0.8). Sketches of a busy feature are 1.5 MB a week: every sixth will do.
USUAL = """
    SELECT coalesce(sum(requests), 0), coalesce(sum(calls_without_price), 0), coalesce(sum(cost_usd), 0),
        string_agg(request_latency, '')
            FILTER (WHERE NOT %(sampled)s OR starts_at = date_bin('30 minutes', starts_at, 'epoch'))
    FROM traces_rollup
    WHERE project_id = %(project)s AND level = 'feature' AND feature = left(%(feature)s, 200)
        AND starts_at >= %(start)s AND starts_at < %(end)s
"""


def usual_lately(project_id: int, features: Iterable[str], now: datetime) -> dict[str, Usual]:
    """The usual of these features as of `now`, at most MOST_FEATURES of them. Read once in five minutes."""
    some = sorted(set(features))[:MOST_FEATURES]
    return {one: _kept(project_id, one[:200], floor(now, FIVE_MINUTES)) for one in some}


@lru_cache(maxsize=4_096)
def _kept(project_id: int, feature: str, at: datetime) -> Usual:
    return usual_of(project_id, feature, at)


def usual_of(project_id: int, feature: str, before: datetime) -> Usual:
    """The usual of the seven days that end with the five minutes in which `before` lies, those left out.

    `feature` as the rollups have it: '' for requests without one. A feature that is seldom asked takes a second query.
    """
    end = floor(before, FIVE_MINUTES)
    values: dict[str, Any] = {
        "project": project_id,
        "feature": feature,
        "start": end - timedelta(days=DAYS),
        "end": end,
    }
    requests, without_price, cost_usd, latency = _read(values, sampled=True)
    if requests and latency.count < LEAST_SAMPLE:
        requests, without_price, cost_usd, latency = _read(values, sampled=False)
    low, middle, high = (latency.quantile(q) or 0.0 for q in (0.05, 0.5, 0.95))
    return Usual(
        feature=feature,
        requests=requests,
        low_us=low,
        middle_us=middle,
        high_us=high,
        mean_usd=cost_usd / requests if requests and cost_usd else None,
        is_least=without_price > 0,
    )


def _read(values: dict[str, Any], *, sampled: bool) -> tuple[int, int, Decimal, Sketch]:
    with connection.cursor() as cursor:
        cursor.execute(USUAL, {**values, "sampled": sampled})
        requests, without_price, cost_usd, packed = cursor.fetchone()
    return int(requests), int(without_price), cost_usd, Sketch.merged([Sketch(bytes(packed or b""))])
