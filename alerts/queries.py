"""What rules look at, and the traces that show an incident. Every read is of one project."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from django.db import connection

from alerts.detectors.look import VOLUMES, WINDOW_BUCKETS, Bucket, Look
from alerts.models import Rule
from llmobs.lib.timerange import FIVE_MINUTES, TimeRange, floor
from traces.queries import metrics
from traces.sketch import Sketch

WINDOW = FIVE_MINUTES * WINDOW_BUCKETS
# How far back the beginning of an incident is searched.
LOOK_BACK = timedelta(hours=3)
USUAL_DAYS = 14
# The same time of day, a quarter of an hour to either side.
AROUND = timedelta(minutes=15)
# Counting may be this far behind before silence could be its own doing.
MOST_BEHIND = timedelta(minutes=10)
SATURDAY = 5
MOST_NAMES = 200

FIRST_AT = "SELECT min(happened_at) FROM traces_summary WHERE project_id = %(project)s"

# A request failed when its root did, or any span while no root has arrived. Day by day, because a range of days
# makes Postgres before 18 read them whole.
FAILED = """
    SELECT t.trace_id
    FROM traces_summary t
    CROSS JOIN LATERAL (
        SELECT coalesce(bool_or(status = 'error') FILTER (WHERE parent_id IS NULL), bool_or(status = 'error')) AS yes
        FROM generate_series(0, t.last_day - t.first_day) AS later
        JOIN traces_span ON project_id = %(project)s AND day = t.first_day + later AND trace_id = t.trace_id
    ) failed
    WHERE t.project_id = %(project)s AND t.happened_at >= %(start)s AND t.happened_at < %(end)s AND failed.yes
    ORDER BY t.happened_at DESC, t.trace_id DESC
    LIMIT %(limit)s
"""
SLOWEST = """
    SELECT trace_id
    FROM traces_span
    WHERE project_id = %(project)s AND day BETWEEN %(first_day)s AND %(last_day)s
        AND happened_at >= %(start)s AND happened_at < %(end)s AND parent_id IS NULL
    GROUP BY trace_id
    ORDER BY max(duration_us) DESC NULLS LAST, trace_id
    LIMIT %(limit)s
"""
DEAREST = """
    SELECT trace_id
    FROM traces_span
    WHERE project_id = %(project)s AND day BETWEEN %(first_day)s AND %(last_day)s
        AND happened_at >= %(start)s AND happened_at < %(end)s AND kind IN ('llm', 'embedding', 'rerank')
    GROUP BY trace_id
    ORDER BY sum(cost_usd) DESC NULLS LAST, trace_id
    LIMIT %(limit)s
"""
NEWEST = """
    SELECT trace_id
    FROM traces_summary
    WHERE project_id = %(project)s AND happened_at < %(end)s
    ORDER BY happened_at DESC, trace_id DESC
    LIMIT %(limit)s
"""
BY_NAME = """
    SELECT feature || model, sum(requests), sum(requests_failed), sum(calls), sum(calls_failed), sum(cost_usd),
        string_agg(request_latency, ''), string_agg(call_latency, '')
    FROM traces_rollup
    WHERE project_id = %(project)s AND level = %(level)s AND starts_at >= %(start)s AND starts_at < %(end)s
    GROUP BY 1
    ORDER BY sum(requests) + sum(calls) DESC, 1
    LIMIT %(limit)s
"""
# What shows an incident of a metric best; the last ones that came, for the others.
EXAMPLES: Final = {"error_rate": FAILED, "latency_p95": SLOWEST, "cost": DEAREST}


def look_of(rule: Rule, now: datetime) -> Look | None:
    """What the rule's detector is shown at `now`; None while the figures for it are still being counted.

    Shares and durations include the five minutes that are under way; volumes are compared in whole buckets only.
    """
    end = floor(now, FIVE_MINUTES) + FIVE_MINUTES
    if rule.metric in VOLUMES:
        end -= FIVE_MINUTES
        counted = floor(metrics.rollups_up_to(rule.project_id, now), FIVE_MINUTES)
        if now - counted <= MOST_BEHIND + FIVE_MINUTES:
            end = min(end, counted)
        elif rule.limit < 1:
            return None
    began = first_at(rule.project_id)
    buckets = metrics.series(rule.project_id, TimeRange(end - LOOK_BACK, end), FIVE_MINUTES)
    before = windows_before(rule.project_id, end, began) if began else []
    return Look(rule.metric, rule.limit, rule.minimum, buckets, before, now - began if began else timedelta())


@lru_cache(maxsize=64)  # the rules of a project, and ten looks in a row, ask for the same days
def windows_before(project_id: int, end: datetime, began: datetime) -> list[metrics.Totals]:
    """Totals of the quarter of an hour that ended at `end`, and of those beside it, on earlier days.

    Weekdays are compared with weekdays as soon as there are two of the kind. No day from before `began` is counted.
    """
    window = TimeRange(end - WINDOW, end)
    days = [day for day in range(1, USUAL_DAYS + 1) if window.start - timedelta(days=day) - AROUND >= began]
    alike = [day for day in days if _is_weekend(end - timedelta(days=day)) == _is_weekend(end)]
    found: list[metrics.Totals] = []
    for day in alike if len(alike) > 1 else days:
        earlier = window.shifted(timedelta(days=day))
        wide = TimeRange(earlier.start - AROUND, earlier.end + AROUND)
        found += _in_windows(metrics.series(project_id, wide, FIVE_MINUTES))
    return found


def first_at(project_id: int) -> datetime | None:
    """When the oldest trace that is kept happened; None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(FIRST_AT, {"project": project_id})
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def examples(project_id: int, metric: str, period: TimeRange, *, limit: int = 3) -> list[bytes]:
    """The keys of the traces that show best what `metric` was like in `period`."""
    values: dict[str, Any] = {
        "project": project_id,
        "start": period.start,
        "end": period.end,
        "first_day": period.start.astimezone(UTC).date(),
        "last_day": period.end.astimezone(UTC).date(),
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(EXAMPLES.get(metric, NEWEST), values)
        return [bytes(trace_id) for (trace_id,) in cursor.fetchall()]


def by_name(project_id: int, dimension: str, period: TimeRange) -> dict[str, metrics.Totals]:
    """The totals of every feature or model (`dimension`) in `period`, those with the most traffic first.

    Only what incidents are measured by is filled in: requests, calls, their failures and latencies, cost.
    """
    values: dict[str, Any] = {
        "project": project_id,
        "level": dimension,
        "start": period.start,
        "end": period.end,
        "limit": MOST_NAMES,
    }
    with connection.cursor() as cursor:
        cursor.execute(BY_NAME, values)
        return {name: _named(row) for name, *row in cursor.fetchall()}


def _named(row: list[Any]) -> metrics.Totals:
    requests, requests_failed, calls, calls_failed, cost_usd, request_latency, call_latency = row
    return metrics.Totals(
        requests=int(requests),
        requests_failed=int(requests_failed),
        calls=int(calls),
        calls_failed=int(calls_failed),
        cost_usd=cost_usd,
        request_latency=Sketch(bytes(request_latency or b"")),
        call_latency=Sketch(bytes(call_latency or b"")),
    )


def _in_windows(buckets: list[Bucket]) -> list[metrics.Totals]:
    starts = range(0, len(buckets) - WINDOW_BUCKETS + 1, WINDOW_BUCKETS)
    return [metrics.merged(totals for _, totals in buckets[start : start + WINDOW_BUCKETS]) for start in starts]


def _is_weekend(moment: datetime) -> bool:
    return (moment - timedelta(seconds=1)).astimezone(UTC).weekday() >= SATURDAY
