"""What was usual for a feature before a moment, from the rollups."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from llmobs.lib.timerange import FIVE_MINUTES, floor
from traces.sketch import Sketch
from traces.usual import DAYS, Usual

# One read of the feature's five minutes through the primary key: 0.8 ms for a week of the demo's busiest feature. The
# page needs few of the sums, hence not `metrics.totals` (3.8 ms).
USUAL = """
    SELECT coalesce(sum(requests), 0), coalesce(sum(calls_without_price), 0), coalesce(sum(cost_usd), 0),
        string_agg(request_latency, '')
    FROM traces_rollup
    WHERE project_id = %(project)s AND level = 'feature' AND feature = left(%(feature)s, 200)
        AND starts_at >= %(start)s AND starts_at < %(end)s
"""


def usual_of(project_id: int, feature: str, before: datetime) -> Usual:
    """The usual of the seven days that end with the five minutes in which `before` lies, those left out.

    `feature` as the rollups have it: '' for requests without one.
    """
    end = floor(before, FIVE_MINUTES)
    values: dict[str, Any] = {
        "project": project_id,
        "feature": feature,
        "start": end - timedelta(days=DAYS),
        "end": end,
    }
    with connection.cursor() as cursor:
        cursor.execute(USUAL, values)
        requests, without_price, cost_usd, packed = cursor.fetchone()
    latency = Sketch.merged([Sketch(bytes(packed or b""))])
    low, middle, high = (latency.quantile(q) or 0.0 for q in (0.05, 0.5, 0.95))
    return Usual(
        feature=feature,
        requests=latency.count,
        low_us=low,
        middle_us=middle,
        high_us=high,
        mean_usd=cost_usd / requests if requests and cost_usd else None,
        is_least=without_price > 0,
    )
