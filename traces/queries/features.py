"""Features: all that were seen, with what they were asked, and which versions of their parts are in use."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from llmobs.lib.timerange import FIVE_MINUTES, TimeRange
from traces import day_by_day
from traces.features import LONGEST_NAME
from traces.marks import MOST_SLICES
from traces.models import Feature

MOST_LISTED: Final = 200
_LATELY: Final = 1_000  # of the newest traces: what is not counted yet is among them
_NEWEST_BUCKETS: Final = 12
_OF_BUCKET: Final = 10  # traces
_OF_TRACE: Final = 500  # spans
_MOST_MODELS: Final = 50

LISTED = """
    WITH told AS (
        SELECT feature, sum(requests) AS requests, sum(requests_failed) AS failed, sum(calls) AS calls,
            sum(calls_without_price) AS unpriced, sum(cost_usd) AS cost_usd
        FROM traces_rollup
        WHERE project_id = %(project)s AND level = 'feature' AND feature <> ''
            AND starts_at >= %(start)s AND starts_at < %(end)s
        GROUP BY feature
    )
    SELECT f.name, f.first_at, f.last_at, f.owner, coalesce(told.requests, 0), coalesce(told.failed, 0),
        coalesce(told.calls, 0), coalesce(told.unpriced, 0), coalesce(told.cost_usd, 0)
    FROM traces_feature f LEFT JOIN told ON told.feature = f.name
    WHERE f.project_id = %(project)s
        AND (position(lower(%(has)s) IN lower(f.name)) > 0 OR position(lower(%(has)s) IN lower(f.owner)) > 0)
    ORDER BY coalesce(told.requests, 0) + coalesce(told.calls, 0) DESC, f.last_at DESC, f.name
    LIMIT %(most)s
"""
LATELY = f"""
    SELECT min(happened_at), max(happened_at) FROM (
        SELECT happened_at, coalesce(feature, service) AS name FROM traces_summary
        WHERE project_id = %(project)s ORDER BY happened_at DESC LIMIT {_LATELY}
    ) newest WHERE left(name, {LONGEST_NAME}) = %(feature)s
"""
WHOLE_NAME = f"""
    SELECT coalesce(feature, service) FROM traces_summary
    WHERE project_id = %(project)s AND happened_at >= %(start)s AND happened_at < %(end)s
        AND left(coalesce(feature, service), {LONGEST_NAME}) = %(feature)s
    ORDER BY happened_at DESC LIMIT 1
"""
MODELS = """
    SELECT model, coalesce(sum(calls) FILTER (WHERE starts_at >= %(live)s), 0), min(starts_at), max(starts_at)
    FROM traces_rollup
    WHERE project_id = %(project)s AND level = 'feature_model' AND feature = %(feature)s AND model <> ''
        AND starts_at >= %(start)s AND starts_at < %(end)s AND calls > 0
    GROUP BY model ORDER BY 2 DESC, 4 DESC, 1 LIMIT %(most)s
"""
# The newest five minutes with requests, and the last ones of each day before: rollups say which they are, so that no
# stretch without the feature is read.
USED = f"""
    WITH bucket AS (
        (SELECT DISTINCT date_bin('5 minutes', starts_at, 'epoch') AS starts_at FROM (
            SELECT starts_at FROM traces_rollup
            WHERE project_id = %(project)s AND level = 'feature' AND feature = %(feature)s
                AND starts_at >= %(live)s AND starts_at < %(end)s AND requests > 0
            ORDER BY starts_at DESC LIMIT {_NEWEST_BUCKETS + MOST_SLICES}
        ) newest ORDER BY 1 DESC LIMIT {_NEWEST_BUCKETS})
        UNION
        SELECT date_bin('5 minutes', last.starts_at, 'epoch')
        FROM generate_series(%(start)s, %(live)s, interval '1 day') AS day
        CROSS JOIN LATERAL (
            SELECT starts_at FROM traces_rollup
            WHERE project_id = %(project)s AND level = 'feature' AND feature = %(feature)s
                AND starts_at >= day AND starts_at < least(day + interval '1 day', %(live)s) AND requests > 0
            ORDER BY starts_at DESC LIMIT 1
        ) last
    )
    SELECT t.happened_at, t.release, used.prompts
    FROM bucket CROSS JOIN LATERAL (
        SELECT trace_id, happened_at, release, first_day, last_day FROM traces_summary
        WHERE project_id = %(project)s AND happened_at >= bucket.starts_at
            AND happened_at < bucket.starts_at + interval '5 minutes'
            AND left(coalesce(feature, service), {LONGEST_NAME}) = %(feature)s
        ORDER BY happened_at DESC LIMIT {_OF_BUCKET}
    ) t
    CROSS JOIN LATERAL (
        SELECT array_agg(DISTINCT ARRAY[coalesce(prompt_name, ''), coalesce(prompt_version, '')])
            FILTER (WHERE coalesce(prompt_name, prompt_version) IS NOT NULL) AS prompts
        FROM (
            SELECT prompt_name, prompt_version FROM {day_by_day.rows("traces_span", "s")} LIMIT {_OF_TRACE}
        ) parts
    ) used
    ORDER BY t.happened_at DESC
"""


@dataclass(frozen=True, slots=True)
class ListedFeature:
    """A feature and what it was asked in a period. A call without a known price adds nothing to `cost_usd`."""

    name: str
    first_at: datetime
    last_at: datetime
    owner: str
    requests: int
    failed: int
    calls: int
    calls_without_price: int
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model that a feature called: its calls in the last day of use, and its first and last five minutes."""

    model: str
    calls: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Used:
    """What one trace of a feature ran with; `prompts` as pairs of name and version, "" where one was not sent."""

    happened_at: datetime
    release: str | None
    prompts: tuple[tuple[str, str], ...]


def listed(project_id: int, period: TimeRange, has: str = "") -> list[ListedFeature]:
    """All features of a project, those with the most requests in the period first: one more than MOST_LISTED at most.

    `has`: only those with this in their name or owner.
    """
    values = {"project": project_id, "start": period.start, "end": period.end, "has": has.replace("\0", "")}
    lines = _rows(LISTED, {**values, "most": MOST_LISTED + 1})
    return [_listed(line) for line in lines]


def feature_of(project_id: int, name: str) -> Feature | None:
    """The feature of this name; None when no trace is of it. What came just now and is not counted is not saved yet."""
    if "\0" in name or not name:  # Postgres holds no NUL in text
        return None
    short = name[:LONGEST_NAME]
    if found := Feature.objects.filter(project_id=project_id, name=short).first():
        return found
    ((first_at, last_at),) = _rows(LATELY, {"project": project_id, "feature": short})
    return Feature(project_id=project_id, name=short, first_at=first_at, last_at=last_at) if first_at else None


def whole_name(feature: Feature) -> str:
    """A feature's name as it is sent, which conditions are compared with: one that is cut as its last trace has it."""
    if len(feature.name) < LONGEST_NAME:
        return feature.name
    values = {"project": feature.project_id, "feature": feature.name, "start": feature.last_at}
    found = _rows(WHOLE_NAME, {**values, "end": feature.last_at + FIVE_MINUTES})
    return str(found[0][0]) if found else feature.name


def models_of(project_id: int, feature: str, period: TimeRange, live: datetime) -> list[ModelUse]:
    """The models that a feature called in a period, with their calls since `live`, most called first."""
    values = _of(project_id, feature, period, live)
    lines = _rows(MODELS, {**values, "most": _MOST_MODELS})
    return [ModelUse(model, int(calls), first_at, last_at) for model, calls, first_at, last_at in lines]


def used_by(project_id: int, feature: str, period: TimeRange, live: datetime) -> list[Used]:
    """A sample of a feature's traces, newest first: of the newest five minutes since `live`, and some of each day."""
    lines = _rows(USED, _of(project_id, feature, period, live))
    return [
        Used(happened_at, release, tuple((name, version) for name, version in prompts or ()))
        for happened_at, release, prompts in lines
    ]


def _listed(line: tuple[Any, ...]) -> ListedFeature:
    name, first_at, last_at, owner, requests, failed, calls, unpriced, cost_usd = line
    return ListedFeature(
        name, first_at, last_at, owner, int(requests), int(failed), int(calls), int(unpriced), cost_usd
    )


def _of(project_id: int, feature: str, period: TimeRange, live: datetime) -> dict[str, Any]:
    return {"project": project_id, "feature": feature, "start": period.start, "end": period.end, "live": live}


def _rows(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
