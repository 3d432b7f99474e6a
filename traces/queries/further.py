"""What only some columns of the list show of its traces. Asked only for lists that show such a column."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from traces import arrays, day_by_day
from traces.arrays import Statement
from traces.columns import Layout
from traces.list_rows import Further
from traces.queries import planned
from traces.queries.scores import scores_among
from traces.records import MODEL_KINDS
from traces.search import facts

MOST_NAMED = 5  # tags and scores of one trace, and values of one key
_OF_SPANS = frozenset(("provider", "failure", "retries", "first_token", "tags"))
_COLUMNS = "trace_id, span_id, kind, happened_at, provider, failure, retries, attempt, time_to_first_token_us, tags"
# Of several steps the first that says it; retries as `facts.retries_of`; a unit separator stands between tags.
FURTHER = Statement.of(f"""
    SELECT t.trace_id,
        (array_agg(s.provider ORDER BY s.happened_at, s.span_id)
            FILTER (WHERE s.provider IS NOT NULL AND s.kind = ANY(%(model_kinds)s::text[])))[1],
        (array_agg(s.failure ORDER BY s.happened_at, s.span_id) FILTER (WHERE s.failure IS NOT NULL))[1],
        greatest(max(s.retries), count(*) FILTER (WHERE s.attempt > 1)),
        (array_agg(s.time_to_first_token_us ORDER BY s.happened_at, s.span_id)
            FILTER (WHERE s.time_to_first_token_us IS NOT NULL))[1],
        string_agg(DISTINCT array_to_string(s.tags, E'\\x1f'), E'\\x1f')
    FROM traces_summary t
    CROSS JOIN LATERAL {day_by_day.rows("traces_span", "s", columns=_COLUMNS, bounded=True)}
    WHERE t.project_id = %(project)s AND t.trace_id = ANY(%(traces)s::bytea[])
    GROUP BY t.trace_id
""")
# The index knows them, in small letters; the payloads that hold them as sent would all have to be unpacked.
METADATA = Statement.of("""
    SELECT e.trace_id, ARRAY(
        SELECT word.lexeme FROM unnest(e.words) word
        WHERE EXISTS (SELECT FROM unnest(%(beginnings)s::text[]) one WHERE starts_with(word.lexeme, one))
    )
    FROM traces_summary t
    JOIN traces_entry e ON e.project_id = t.project_id AND e.trace_id = t.trace_id AND e.day = t.first_day
        AND e.day >= %(first_day)s AND e.day <= %(last_day)s
    WHERE t.project_id = %(project)s AND t.trace_id = ANY(%(traces)s::bytea[])
""")


def further_of(project_id: int, trace_ids: Sequence[bytes], layout: Layout) -> dict[bytes, Further]:
    """What the columns of `layout` show beyond the rows. At most five queries, and none for most lists."""
    if not trace_ids:
        return {}
    found = _of_spans(project_id, trace_ids) if layout.keys & _OF_SPANS else {}
    if "scores" in layout.keys:
        for key, said in _scores(project_id, trace_ids).items():
            found[key] = replace(found.get(key, Further()), scores=said)
    if layout.metadata_keys:
        for key, values in _metadata(project_id, trace_ids, layout.metadata_keys).items():
            found[key] = replace(found.get(key, Further()), metadata=values)
    return found


def _of_spans(project_id: int, trace_ids: Sequence[bytes]) -> dict[bytes, Further]:
    kinds = arrays.array("text", sorted(MODEL_KINDS))
    lines = planned.rows_of_traces(FURTHER, project_id, trace_ids, model_kinds=kinds)
    return {
        bytes(trace_id): Further(provider, failure, int(retries or 0), first_token_us, _tags(tags))
        for trace_id, provider, failure, retries, first_token_us, tags in lines
    }


def _tags(joined: str | None) -> tuple[str, ...]:
    return _some(dict.fromkeys(filter(None, (joined or "").split("\x1f"))))


def _scores(project_id: int, trace_ids: Sequence[bytes]) -> dict[bytes, tuple[str, ...]]:
    """The latest score of each name, of the traces and their steps."""
    found: dict[bytes, dict[str, str]] = {}
    for score in scores_among(project_id, traces=trace_ids):
        if score.trace_id is not None:
            found.setdefault(score.trace_id, {}).setdefault(score.name, f"{score.name} {score.words}")
    return {key: _some(said.values()) for key, said in found.items()}


def _metadata(project_id: int, trace_ids: Sequence[bytes], keys: Sequence[str]) -> dict[bytes, Mapping[str, list[str]]]:
    beginnings = {key: facts.beginning(f"metadata.{key}", "") for key in keys}
    asked: dict[str, Any] = {"beginnings": arrays.array("text", list(beginnings.values()))}
    return {
        bytes(trace_id): {
            key: list(_some(word.removeprefix(beginning) for word in words if word.startswith(beginning)))
            for key, beginning in beginnings.items()
        }
        for trace_id, words in planned.rows_of_traces(METADATA, project_id, trace_ids, **asked)
    }


def _some(said: Iterable[str]) -> tuple[str, ...]:
    """The first of them; whether there are more is said too."""
    every = list(said)
    return (*every[:MOST_NAMED], *(["…"] if len(every) > MOST_NAMED else []))
