"""The calls of a feature around a moment: the last one before it that went well, and the newest of all.

Rollups say in which five minutes the feature was asked, so that no stretch without it is read, and summaries of those
five minutes say which traces. Each step is bounded: a week of buckets, twelve of them, twenty traces of each.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from llmobs.lib.timerange import FIVE_MINUTES, floor
from traces import day_by_day
from traces.marks import MOST_SLICES
from traces.queries.spans import StoredSpan
from traces.queries.traces import Summary

DAYS: Final = 7
MOST_BUCKETS: Final = 12
MOST_TRACES: Final = 20  # of one bucket
MOST_SPANS: Final = 2_000  # of a trace that is compared; a larger one is passed over

# Downwards through the primary key. `well`: some request of the five minutes did not fail.
BUCKETS = """
    SELECT starts_at FROM traces_rollup
    WHERE project_id = %(project)s AND level = 'feature' AND feature = left(%(feature)s, 200)
        AND starts_at <= %(until)s AND starts_at > %(since)s
        AND requests > CASE WHEN %(well)s THEN requests_failed ELSE 0 END
    ORDER BY starts_at DESC LIMIT %(most)s
"""

# A trace went well when none of its steps failed, was refused or could not be read, and nothing else had to answer
# instead.
LIKE_IT = f"""
    SELECT t.trace_id
    FROM (
        SELECT trace_id, happened_at, first_day, last_day FROM traces_summary
        WHERE project_id = %(project)s AND happened_at >= %(start)s AND happened_at < %(end)s
            AND coalesce(feature, service, '') = %(feature)s AND trace_id <> ALL(%(without)s)
        ORDER BY happened_at DESC LIMIT %(most)s
    ) t
    CROSS JOIN LATERAL (
        SELECT count(*) AS spans,
            bool_or(s.kind = %(kind)s AND CASE WHEN %(prompt)s::text IS NULL THEN s.name = %(name)s
                ELSE s.prompt_name = %(prompt)s END
                AND (%(not_version)s::text IS NULL OR s.prompt_version <> %(not_version)s)) AS has_it,
            bool_or(s.status = 'error' OR s.refused OR NOT s.format_valid OR s.fallback <> 'none') AS troubled
        FROM (
            SELECT kind, name, prompt_name, prompt_version, status, refused, format_valid, fallback
            FROM {day_by_day.rows("traces_span", "each_day")}
            LIMIT %(spans)s
        ) s
    ) told
    WHERE told.has_it AND told.spans < %(spans)s AND (NOT %(well)s OR told.troubled IS NOT TRUE)
    ORDER BY t.happened_at DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Like:
    """What another call must share with this one to be compared with it: feature, kind, prompt, or name without one."""

    feature: str
    kind: str
    name: str
    prompt_name: str | None


def like_of(summary: Summary, call: StoredSpan) -> Like:
    """What a call must share with this one, of a trace with this summary."""
    return Like(summary.feature or summary.service or "", call.kind, call.record.name, call.record.prompt_name)


def last_well(project_id: int, like: Like, before: datetime, trace_ids: list[bytes]) -> bytes | None:
    """The last trace that began before a moment, has such a call and went well; None within a week: there is none.

    Those of `trace_ids` are left out.
    """
    return _last(project_id, like, before, {"well": True, "without": trace_ids, "not_version": None})


def last_well_with_another(project_id: int, like: Like, before: datetime, version: str) -> bytes | None:
    """The same, of another version of its prompt than `version`."""
    return _last(project_id, like, before, {"well": True, "without": [], "not_version": version})


def newest(project_id: int, like: Like, now: datetime) -> bytes | None:
    """The newest trace that has such a call, however it went; None: the last week has none."""
    return _last(project_id, like, now, {"well": False, "without": [], "not_version": None})


def _last(project_id: int, like: Like, before: datetime, how: dict[str, Any]) -> bytes | None:
    values: dict[str, Any] = {
        **how,
        "project": project_id,
        "feature": like.feature,
        "kind": like.kind,
        "name": like.name,
        "prompt": like.prompt_name,
        "spans": MOST_SPANS,
    }
    most = MOST_BUCKETS + MOST_SLICES
    bounds: dict[str, Any] = {"until": before, "since": before - timedelta(days=DAYS), "most": most}
    with connection.cursor() as cursor:
        cursor.execute(BUCKETS, {**values, **bounds})
        starts = dict.fromkeys(floor(starts_at, FIVE_MINUTES) for (starts_at,) in cursor.fetchall())
        for start in _with_its_own([*starts][:MOST_BUCKETS], before):
            end = min(start + FIVE_MINUTES, before)
            cursor.execute(LIKE_IT, {**values, "start": start, "end": end, "most": MOST_TRACES})
            if found := cursor.fetchone():
                return bytes(found[0])
    return None


def _with_its_own(starts: list[datetime], before: datetime) -> list[datetime]:
    """The rollups follow the spans by some seconds: the five minutes of `before` itself may not be in them yet."""
    own = floor(before, FIVE_MINUTES)
    return starts if own in starts else [own, *starts]
