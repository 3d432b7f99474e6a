"""What happened in a period, from the rollups: sums and durations, and the metrics that are read off them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

from django.db import connection

from llmobs.lib.timerange import FIVE_MINUTES, TimeRange, floor
from traces.sketch import Sketch

MOST_NAMES = 200  # in a menu, by traffic
NO_DURATIONS: Final = Sketch()

_COUNTS = ("requests", "requests_failed", "calls", "calls_failed", "calls_without_price", "calls_without_tokens")
_AMOUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "reasoning_tokens", "retries", "cost_usd")
_SUMS = (*_COUNTS, *_AMOUNTS)
# Joined sketches are a merged sketch, see `traces/sketch.py`.
SERIES = f"""
    SELECT date_bin(%(bucket)s, starts_at, 'epoch'), {", ".join(f"sum({name})" for name in _SUMS)},
        string_agg(request_latency, ''), string_agg(call_latency, '')
    FROM traces_rollup
    WHERE project_id = %(project)s AND level = %(level)s AND starts_at >= %(start)s AND starts_at < %(end)s
        AND (%(feature)s::text IS NULL OR feature = %(feature)s) AND (%(model)s::text IS NULL OR model = %(model)s)
    GROUP BY 1
    ORDER BY 1
"""

NAMES = """
    SELECT level, feature || model FROM traces_rollup
    WHERE project_id = %(project)s AND level IN ('feature', 'model') AND feature || model <> ''
        AND starts_at >= %(start)s AND starts_at < %(end)s
    GROUP BY 1, 2 ORDER BY sum(requests) DESC, 2 LIMIT %(most)s
"""

OLDEST_MARK = "SELECT min(starts_at) FROM traces_mark WHERE project_id = %(project)s"


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a stretch of time; `+` joins two. Requests are traces, calls are leaf model spans.

    A call whose price or tokens nobody knows adds nothing to the sums, and is counted in `calls_without_…`.
    Latencies are microseconds; a request or call that never ended has none.
    """

    requests: int = 0
    requests_failed: int = 0
    calls: int = 0
    calls_failed: int = 0
    calls_without_price: int = 0
    calls_without_tokens: int = 0
    input_tokens: int = 0  # cached ones included
    output_tokens: int = 0  # reasoning included
    cache_read_tokens: int = 0
    reasoning_tokens: int = 0
    retries: int = 0
    cost_usd: Decimal = Decimal(0)
    request_latency: Sketch = NO_DURATIONS
    call_latency: Sketch = NO_DURATIONS

    def __add__(self, other: "Totals") -> "Totals":
        return merged((self, other))


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure that is read off totals.

    `value` is None where there is nothing to say, such as a share of no requests; it is never 0 then. Ratios are 0.0 to
    1.0, durations microseconds. `sample` is how many requests or calls the value rests on. `worse` is the direction
    that nobody wants, if there is one.
    """

    name: str
    label: str
    unit: Literal["count", "ratio", "us", "usd", "tokens"]
    value: Callable[[Totals], float | Decimal | None]
    sample: Callable[[Totals], int]
    worse: Literal["up", "down"] | None = None


def merged(parts: Iterable[Totals]) -> Totals:
    """The totals of many stretches as one. For many, far quicker than adding one by one."""
    listed = list(parts)
    values: dict[str, Any] = {name: sum(getattr(one, name) for one in listed) for name in (*_COUNTS, *_AMOUNTS[:-1])}
    return Totals(
        **values,
        cost_usd=sum((one.cost_usd for one in listed), Decimal(0)),
        request_latency=Sketch.merged(one.request_latency for one in listed),
        call_latency=Sketch.merged(one.call_latency for one in listed),
    )


def totals(project_id: int, period: TimeRange, *, feature: str | None = None, model: str | None = None) -> Totals:
    """What the five-minute buckets that begin in `period` hold; its start is rounded down to a bucket's.

    None means all features, or all models. With a model, a request counts when it called that model.
    """
    rows = _rows(project_id, period, timedelta(days=36_500), feature, model)
    return merged(rows.values())


def series(
    project_id: int, period: TimeRange, bucket: timedelta, *, feature: str | None = None, model: str | None = None
) -> list[tuple[datetime, Totals]]:
    """The same, for each `bucket` that touches `period`: its start in UTC and its totals, oldest first, none left out.

    `bucket` is a multiple of five minutes. What lies outside `period` is left out of the first and last bucket.
    """
    rows = _rows(project_id, period, bucket, feature, model)
    return [(start, rows.get(start, Totals())) for start in period.buckets(bucket)]


def names(project_id: int, period: TimeRange) -> tuple[list[str], list[str]]:
    """The features and the models that a period knows, by name; of very many, those with the most requests."""
    found: dict[str, list[str]] = {"feature": [], "model": []}
    with connection.cursor() as cursor:
        cursor.execute(NAMES, {"project": project_id, "most": 2 * MOST_NAMES, **_bounds(period)})
        for level, name in cursor.fetchall():
            found[level].append(name)
    return sorted(found["feature"][:MOST_NAMES]), sorted(found["model"][:MOST_NAMES])


def rollups_up_to(project_id: int, now: datetime) -> datetime:
    """The moment before which all rollups match the spans: the oldest mark that nobody took, else `now`."""
    with connection.cursor() as cursor:
        cursor.execute(OLDEST_MARK, {"project": project_id})
        (oldest,) = cursor.fetchone()
    return min(oldest or now, now)


def _rows(
    project_id: int, period: TimeRange, bucket: timedelta, feature: str | None, model: str | None
) -> dict[datetime, Totals]:
    level = "_".join(name for name, value in (("feature", feature), ("model", model)) if value is not None)
    keys: dict[str, Any] = {
        "project": project_id,
        "level": level or "project",
        "feature": feature,
        "model": model,
        "bucket": bucket,
    }
    with connection.cursor() as cursor:
        cursor.execute(SERIES, {**keys, **_bounds(period)})
        return {row[0]: _totals(row[1:]) for row in cursor.fetchall()}


def _bounds(period: TimeRange) -> dict[str, datetime]:
    return {"start": floor(period.start, FIVE_MINUTES), "end": period.end}


def _totals(row: tuple[Any, ...]) -> Totals:
    *sums, cost_usd, request_latency, call_latency = row
    counts: dict[str, Any] = dict(zip(_SUMS, map(int, sums), strict=False))
    latencies = [Sketch(bytes(packed or b"")) for packed in (request_latency, call_latency)]
    return Totals(**counts, cost_usd=cost_usd, request_latency=latencies[0], call_latency=latencies[1])


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _quantile(q: float) -> Callable[[Totals], float | None]:
    return lambda totals: totals.request_latency.quantile(q)


def _requests(totals: Totals) -> int:
    return totals.requests


def _calls(totals: Totals) -> int:
    return totals.calls


def _timed(totals: Totals) -> int:
    return totals.request_latency.count


def _told(name: str) -> Callable[[Totals], int | None]:
    """Tokens; None where there were calls and not one of them told any."""
    return lambda totals: getattr(totals, name) if not _silent(totals) else None


def _silent(totals: Totals) -> bool:
    return 0 < totals.calls == totals.calls_without_tokens


def _cached(totals: Totals) -> float | None:
    return _share(totals.cache_read_tokens, totals.input_tokens)


def _cost(totals: Totals) -> Decimal | None:
    return None if 0 < totals.calls == totals.calls_without_price else totals.cost_usd


def _cost_per_request(totals: Totals) -> Decimal | None:
    cost = _cost(totals)
    return cost / totals.requests if cost is not None and totals.requests else None


_ALL = (
    Metric("requests", "Requests", "count", _requests, _requests),
    Metric("requests_failed", "Failed", "count", lambda t: t.requests_failed, _requests, "up"),
    Metric("error_rate", "Error rate", "ratio", lambda t: _share(t.requests_failed, t.requests), _requests, "up"),
    Metric("latency_p50", "Latency, p50", "us", _quantile(0.5), _timed, "up"),
    Metric("latency_p95", "Latency, p95", "us", _quantile(0.95), _timed, "up"),
    Metric("latency_p99", "Latency, p99", "us", _quantile(0.99), _timed, "up"),
    Metric("calls", "Model calls", "count", _calls, _calls),
    Metric("call_error_rate", "Failed calls", "ratio", lambda t: _share(t.calls_failed, t.calls), _calls, "up"),
    Metric("input_tokens", "Tokens in", "tokens", _told("input_tokens"), _calls),
    Metric("output_tokens", "Tokens out", "tokens", _told("output_tokens"), _calls),
    Metric("cache_hit_rate", "Cached tokens", "ratio", _cached, _calls, "down"),
    Metric("cost", "Cost", "usd", _cost, _calls, "up"),
    Metric("cost_per_request", "Cost of a request", "usd", _cost_per_request, _requests, "up"),
    Metric("retries_per_call", "Retries a call", "ratio", lambda t: _share(t.retries, t.calls), _calls, "up"),
)
METRICS: Final[Mapping[str, Metric]] = {metric.name: metric for metric in _ALL}
