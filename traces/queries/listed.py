"""The rows of lists of traces, counted in Postgres: a list may hold traces of 30,000 spans."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from llmobs.lib.timerange import TimeRange
from traces import arrays, counts, day_by_day, ids
from traces.arrays import Statement
from traces.listing import TraceRow, TraceSigns, outcome
from traces.queries import planned
from traces.records import MODEL_KINDS

_COLUMNS = (
    "trace_id, span_id, parent_id, kind, status, happened_at, duration_us, start_assumed, ended, name, input_tokens, "
    "output_tokens, cost_usd, retries, attempt, fallback, prompt_name, prompt_version, model_requested, model"
)
# How long a trace took is what `amounts.extent_us` says.
LISTED = Statement.of(f"""
    WITH tree AS MATERIALIZED (
        SELECT s.*, s.status = 'error' AS failed,
            -- Contents whose span has not come (SpanRecord.is_placeholder) are no call.
            s.kind = ANY(%(model_kinds)s::text[]) AND NOT (s.start_assumed AND NOT s.ended AND s.name = '') AS is_model,
            coalesce(s.input_tokens, s.output_tokens) IS NOT NULL AS has_tokens
        FROM traces_summary t
        CROSS JOIN LATERAL {day_by_day.rows("traces_span", "s", columns=_COLUMNS, bounded=True)}
        WHERE t.project_id = %(project)s AND t.trace_id = ANY(%(traces)s::bytea[])
    ),{counts.CALL},
    whole AS (
        SELECT trace_id, count(*) AS spans, bool_or(parent_id IS NULL) AS has_roots,
            coalesce(bool_or(failed) FILTER (WHERE parent_id IS NULL), false) AS root_failed,
            bool_or(failed) AS step_failed, bool_or(coalesce(fallback, 'none') <> 'none') AS fell_back,
            bool_or(coalesce(retries, 0) > 0 OR coalesce(attempt, 1) > 1) AS tried_again, bool_and(ended) AS all_ended,
            coalesce(
                (array_agg(duration_us ORDER BY happened_at, span_id)
                    FILTER (WHERE parent_id IS NULL AND duration_us IS NOT NULL))[1],
                round(max(extract(epoch FROM happened_at) * 1000000 + duration_us)
                    - min(extract(epoch FROM happened_at) * 1000000))
            ) AS duration_us,
            (array_agg(concat_ws(' ', prompt_name, prompt_version) ORDER BY happened_at, span_id)
                FILTER (WHERE coalesce(prompt_name, prompt_version) IS NOT NULL))[1] AS prompt,
            (array_agg(coalesce(model_requested, model) ORDER BY happened_at, span_id)
                FILTER (WHERE kind = 'llm' AND model IS NOT NULL))[1] AS model
        FROM tree GROUP BY trace_id
    ), paid AS (
        SELECT trace_id, count(*) AS calls, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
            sum(cost_usd) AS cost_usd, count(*) FILTER (WHERE cost_usd IS NULL) AS calls_without_price
        FROM call GROUP BY trace_id
    )
    SELECT t.trace_id, t.trace_text, t.has_root, whole.has_roots, whole.root_failed, whole.step_failed, whole.fell_back,
        whole.tried_again, whole.all_ended, t.happened_at, t.name, t.asked, t.answered, t.request_id, t.session_id,
        t.user_id, coalesce(t.feature, t.service), t.environment, t.release, whole.model, whole.prompt,
        whole.duration_us, coalesce(whole.spans, 0), coalesce(paid.calls, 0), paid.input_tokens, paid.output_tokens,
        paid.cost_usd, coalesce(paid.calls_without_price, 0)
    FROM traces_summary t LEFT JOIN whole USING (trace_id) LEFT JOIN paid USING (trace_id)
    WHERE t.project_id = %(project)s AND t.trace_id = ANY(%(traces)s::bytea[])
""")

# From the summaries, not from root spans: a trace whose root never came is listed too, and before it is indexed.
NEWEST = """
    SELECT happened_at, trace_id FROM traces_summary
    WHERE project_id = %(project)s AND happened_at >= %(start)s AND happened_at < %(end)s
        AND (happened_at, trace_id) {sign} (%(at)s, %(id)s)
    ORDER BY happened_at {direction}, trace_id {direction}
    LIMIT %(limit)s
"""
MOMENT = "SELECT happened_at FROM traces_summary WHERE project_id = %(project)s AND trace_id = %(trace)s"


def rows_of(project_id: int, trace_ids: Sequence[bytes]) -> list[TraceRow]:
    """The rows of these traces, in their order; one that is gone by now is left out."""
    if not trace_ids:
        return []
    kinds = arrays.array("text", sorted(MODEL_KINDS))
    lines = planned.rows_of_traces(LISTED, project_id, trace_ids, model_kinds=kinds)
    found = {line[0]: _row(line) for line in lines}
    return [found[trace_id] for trace_id in trace_ids if trace_id in found]


def newest_ids(
    project_id: int, period: TimeRange, *, before: tuple[datetime, bytes] | None = None, limit: int = 50
) -> list[tuple[datetime, bytes]]:
    """The moments and ids of traces that began in `period`, newest first. For the next page give the last one."""
    at, trace_id = before or (period.end, b"")
    return _ids(project_id, period, NEWEST.format(sign="<", direction="DESC"), (at, trace_id), limit)


def newest_of_all(project_id: int, now: datetime, limit: int) -> list[TraceRow]:
    """The rows of the newest traces, those of services whose clock is ahead included."""
    period = TimeRange(datetime.fromtimestamp(0, tz=now.tzinfo), now.replace(year=now.year + 1, month=1, day=1))
    return rows_of(project_id, [trace_id for _, trace_id in newest_ids(project_id, period, limit=limit)])


def next_newer(project_id: int, period: TimeRange, after: tuple[datetime, bytes]) -> list[tuple[datetime, bytes]]:
    """The trace of `period` that began next after this one, if there is any."""
    return _ids(project_id, period, NEWEST.format(sign=">", direction="ASC"), after, 1)


def moment_of(project_id: int, trace_id: bytes) -> datetime | None:
    """When a trace began; None for one that is not there."""
    with connection.cursor() as cursor:
        cursor.execute(MOMENT, {"project": project_id, "trace": trace_id})
        line = cursor.fetchone()
    return line[0] if line else None


def _ids(
    project_id: int, period: TimeRange, statement: str, place: tuple[datetime, bytes], limit: int
) -> list[tuple[datetime, bytes]]:
    values: dict[str, Any] = {"start": period.start, "end": period.end, "at": place[0], "id": place[1], "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(statement, {"project": project_id, **values})
        return [(happened_at, bytes(trace_id)) for happened_at, trace_id in cursor.fetchall()]


def _row(line: tuple[Any, ...]) -> TraceRow:
    """A row of LISTED. Sums come as numeric, whose fractions are nothing but zeros."""
    trace_id, trace_text, has_root, has_roots, root_failed, step_failed, fell_back, tried_again, all_ended, *told = line
    key = bytes(trace_id)
    signs = TraceSigns(
        failed=bool(root_failed if has_roots else step_failed),
        step_failed=bool(step_failed),
        fell_back=bool(fell_back),
        tried_again=bool(tried_again),
        finished=has_root and bool(all_ended),
    )
    word, tone = outcome(signs)
    *told, duration_us, spans, calls, input_tokens, output_tokens, cost_usd, calls_without_price = told
    tokens = (_whole(input_tokens), _whole(output_tokens))
    said: list[Any] = [ids.shown(key, trace_text), ids.address(key, trace_text), key, word, tone, *told]
    return TraceRow(*said, *[_whole(duration_us), spans, calls, *tokens, cost_usd, calls_without_price])


def _whole(number: Decimal | None) -> int | None:
    return None if number is None else int(number)
