"""What a stretch of time counts, interval by interval, in SQL: from the spans to the rows of traces_rollup.

A request is a trace and counts in the interval it began in; a call is a leaf model span and counts in its own. Each
counts at four levels: its project, its feature, its model, and both together. What agrees in feature, model and
duration is added up first, and only then counted at each level: a third less to do.
"""

from datetime import timedelta
from typing import Any

from django.db import connection

from llmobs.lib.timerange import TimeRange
from traces import day_by_day
from traces.records import MODEL_KINDS
from traces.sketch import LOG_GAMMA

LARGEST = 2**63 - 1  # where a sum of what hostile spans claim ends

# Postgres takes the trees for far larger than they are: no compiler for them, and no thousand files for their joins.
PLAN = "SET LOCAL jit = off; SET LOCAL work_mem = '64MB'"

# All spans of the traces in `touched`, with what is asked of each: not contents whose span has not come
# (SpanRecord.is_placeholder), which are nothing to count yet. Keys are cut: an index takes 2,704 bytes.
TREE = f"""
    tree AS MATERIALIZED (
        SELECT s.trace_id, s.span_id, s.parent_id, s.happened_at, s.duration_us, s.status = 'error' AS failed,
            s.kind = ANY(%(model_kinds)s) AS is_model,
            coalesce(s.input_tokens, s.output_tokens) IS NOT NULL AS has_tokens,
            s.input_tokens, s.output_tokens, s.cache_read_tokens, s.reasoning_tokens, s.retries, s.cost_usd,
            left(coalesce(s.model_requested, s.model, ''), 200) AS model,
            left(coalesce(t.feature, t.service, ''), 200) AS feature, t.happened_at AS began_at
        FROM touched
        CROSS JOIN LATERAL (
            SELECT * FROM traces_summary WHERE project_id = %(project)s AND trace_id = touched.trace_id OFFSET 0
        ) t
        CROSS JOIN LATERAL {day_by_day.rows("traces_span", "s", only="NOT (start_assumed AND NOT ended AND name = '')")}
    )"""

# The same as `calls.call_ids`.
CALL = """
    wrapper AS (
        SELECT DISTINCT trace_id, parent_id AS span_id FROM tree WHERE is_model AND has_tokens
    ), call AS (
        SELECT s.* FROM tree s
        LEFT JOIN wrapper ON wrapper.trace_id = s.trace_id AND wrapper.span_id = s.span_id
        LEFT JOIN tree parent ON parent.trace_id = s.trace_id AND parent.span_id = s.parent_id AND parent.is_model
        WHERE s.is_model AND wrapper.span_id IS NULL AND (s.has_tokens OR parent.span_id IS NULL)
    )"""

# The same as `sketch.bucket_of`, and as the bytes of `sketch.Sketch`.
_BUCKET = "CASE WHEN {0} <= 0 THEN 0 ELSE 1 + ceil(ln(({0})::double precision) / %(log_gamma)s) END AS bucket"
_PACKED = "string_agg(int2send(bucket::smallint) || int4send({0}::integer), '') FILTER (WHERE bucket IS NOT NULL)"

# A trace fails with its root and lasts as long. While no root has come it fails with any of its spans; without the
# root's duration it lasts from its first beginning to its last end.
_REQUEST = f"""
    whole AS (
        SELECT trace_id, date_bin(%(length)s, min(began_at), 'epoch') AS starts_at, min(feature) AS feature,
            coalesce(bool_or(failed) FILTER (WHERE parent_id IS NULL), bool_or(failed)) AS failed,
            coalesce(
                max(duration_us) FILTER (WHERE parent_id IS NULL),
                max(extract(epoch FROM happened_at) * 1000000 + duration_us)
                    - min(extract(epoch FROM happened_at) * 1000000)
            ) AS duration_us
        FROM tree WHERE began_at >= %(start)s AND began_at < %(end)s GROUP BY trace_id
    ), asked AS (
        SELECT trace_id, array_agg(DISTINCT model) AS models FROM call GROUP BY trace_id
    ), alike AS (
        SELECT starts_at, feature, models, {_BUCKET.format("duration_us")},
            count(*) AS requests, count(*) FILTER (WHERE failed) AS failed
        FROM whole LEFT JOIN asked USING (trace_id) GROUP BY starts_at, feature, models, bucket
    ), share AS (
        SELECT starts_at, key.*, bucket, sum(requests) AS requests, sum(failed) AS failed
        FROM alike CROSS JOIN LATERAL (
            VALUES ('project', '', ''), ('feature', alike.feature, '')
            UNION ALL SELECT 'model', '', unnest(models)
            UNION ALL SELECT 'feature_model', alike.feature, unnest(models)
        ) AS key (level, feature, model)
        GROUP BY starts_at, key.level, key.feature, key.model, bucket
    ), request AS (
        SELECT starts_at, level, feature, model, sum(requests) AS requests, sum(failed) AS requests_failed,
            {_PACKED.format("requests")} AS request_latency
        FROM share GROUP BY starts_at, level, feature, model
    )"""

_SUMMED = ("input_tokens", "output_tokens", "cache_read_tokens", "reasoning_tokens", "retries")
_KINDS_OF_CALLS = ("calls", "calls_failed", "calls_without_price", "calls_without_tokens")
_ADDED = (*_KINDS_OF_CALLS, *_SUMMED, "cost_usd")

# A model that only failed is counted under the name that was asked for. A price that is not known is not 0.
_CALLED = f"""
    call_alike AS (
        SELECT date_bin(%(length)s, happened_at, 'epoch') AS starts_at, feature, model, {_BUCKET.format("duration_us")},
            count(*) AS calls, count(*) FILTER (WHERE failed) AS calls_failed,
            count(*) FILTER (WHERE cost_usd IS NULL) AS calls_without_price,
            count(*) FILTER (WHERE NOT has_tokens) AS calls_without_tokens,
            {", ".join(f"sum({name}) AS {name}" for name in (*_SUMMED, "cost_usd"))}
        FROM call WHERE happened_at >= %(start)s AND happened_at < %(end)s GROUP BY 1, feature, model, bucket
    ), call_share AS (
        SELECT starts_at, key.*, bucket, {", ".join(f"sum({name}) AS {name}" for name in _ADDED)}
        FROM call_alike CROSS JOIN LATERAL (
            VALUES ('project', '', ''), ('feature', call_alike.feature, ''), ('model', '', call_alike.model),
                ('feature_model', call_alike.feature, call_alike.model)
        ) AS key (level, feature, model)
        GROUP BY starts_at, key.level, key.feature, key.model, bucket
    ), called AS (
        SELECT starts_at, level, feature, model, {_PACKED.format("calls")} AS call_latency,
            {", ".join(f"sum({name}) AS {name}" for name in (*_KINDS_OF_CALLS, "cost_usd"))},
            {", ".join(f"least(coalesce(sum({name}), 0), %(largest)s) AS {name}" for name in _SUMMED)}
        FROM call_share GROUP BY starts_at, level, feature, model
    )"""

# Traces count where they began and calls where they were made, so both kinds of traces are read, once.
COUNT = f"""
    WITH touched AS (
        SELECT trace_id FROM traces_summary
        WHERE project_id = %(project)s AND happened_at >= %(start)s AND happened_at < %(end)s
        UNION
        SELECT trace_id FROM traces_span
        WHERE project_id = %(project)s AND day >= %(first_day)s AND day <= %(last_day)s
            AND happened_at >= %(start)s AND happened_at < %(end)s AND kind = ANY(%(model_kinds)s)
    ),{TREE},{CALL},{_REQUEST},{_CALLED}
    INSERT INTO traces_rollup (
        project_id, starts_at, level, feature, model, requests, requests_failed, request_latency, call_latency,
        {", ".join(_ADDED)}
    )
    SELECT %(project)s, starts_at, level, feature, model, coalesce(requests, 0), coalesce(requests_failed, 0),
        request_latency, call_latency, {", ".join(f"coalesce({name}, 0)" for name in _ADDED)}
    FROM request FULL JOIN called USING (starts_at, level, feature, model)
"""


def insert(project_id: int, period: TimeRange, length: timedelta) -> None:
    """Count `period` in intervals of `length`, which must be whole and without rollups, and write the rollups."""
    values: dict[str, Any] = {
        "project": project_id,
        "start": period.start,
        "end": period.end,
        "first_day": period.start.date(),
        "last_day": period.end.date(),
        "model_kinds": sorted(MODEL_KINDS),
        "log_gamma": LOG_GAMMA,
        "largest": LARGEST,
        "length": length,
    }
    with connection.cursor() as cursor:
        cursor.execute(PLAN)
        cursor.execute(COUNT, values)
