"""A straight count over the spans as they stand in the table, in plain Python: what the rollups must agree with."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from llmobs.lib.timerange import FIVE_MINUTES, floor
from traces import calls

SPANS = """
    SELECT s.trace_id, s.span_id, s.parent_id, s.kind, s.status, s.happened_at, s.duration_us, s.model_requested,
        s.model, s.input_tokens, s.output_tokens, s.cache_read_tokens, s.reasoning_tokens, s.retries, s.cost_usd,
        t.happened_at AS began_at, coalesce(t.feature, t.service, '') AS trace_feature
    FROM traces_span s JOIN traces_summary t USING (project_id, trace_id)
    WHERE project_id = %s
"""
SUMS = ("input_tokens", "output_tokens", "cache_read_tokens", "reasoning_tokens", "retries")
Key = tuple[str, datetime, str, str]


@dataclass
class Counted:
    """The counters of one rollup row, and the durations behind its sketches."""

    sums: dict[str, Any] = field(default_factory=lambda: defaultdict(int, cost_usd=Decimal(0)))
    request_us: list[float] = field(default_factory=list)
    call_us: list[float] = field(default_factory=list)


class Span:
    def __init__(self, row: dict[str, Any]) -> None:
        self.__dict__.update(row)


def count(project_id: int) -> dict[Key, Counted]:
    """Every rollup row that the project should have, by (level, start, feature, model)."""
    with connection.cursor() as cursor:
        cursor.execute(SPANS, [project_id])
        names = [column.name for column in cursor.description]
        spans = [Span(dict(zip(names, row, strict=True))) for row in cursor.fetchall()]
    trees = defaultdict(list)
    for span in spans:
        trees[bytes(span.trace_id)].append(span)
    found: dict[Key, Counted] = defaultdict(Counted)
    for tree in trees.values():
        counted = calls.call_ids(tree)
        leaves = [span for span in tree if span.span_id in counted]
        _count_request(found, tree, leaves)
        for leaf in leaves:
            _count_call(found, leaf)
    return dict(found)


def _count_request(found: dict[Key, Counted], tree: list[Span], leaves: list[Span]) -> None:
    roots = [span for span in tree if span.parent_id is None]
    lasted = [span.duration_us for span in roots if span.duration_us is not None]
    ends = [span.happened_at.timestamp() * 1e6 + span.duration_us for span in tree if span.duration_us is not None]
    if not lasted and ends:
        lasted = [max(ends) - min(span.happened_at.timestamp() for span in tree) * 1e6]
    for one in _rows(found, tree[0].began_at, tree[0].trace_feature, {_model(leaf) for leaf in leaves}):
        one.sums["requests"] += 1
        one.sums["requests_failed"] += any(span.status == "error" for span in roots or tree)
        one.request_us += [max(lasted)] if lasted else []


def _count_call(found: dict[Key, Counted], leaf: Span) -> None:
    for one in _rows(found, leaf.happened_at, leaf.trace_feature, {_model(leaf)}):
        one.sums["calls"] += 1
        one.sums["calls_failed"] += leaf.status == "error"
        one.sums["calls_without_price"] += leaf.cost_usd is None
        one.sums["calls_without_tokens"] += leaf.input_tokens is None and leaf.output_tokens is None
        one.sums["cost_usd"] += leaf.cost_usd or 0
        for name in SUMS:
            one.sums[name] += getattr(leaf, name) or 0
        one.call_us += [leaf.duration_us] if leaf.duration_us is not None else []


def _model(span: Span) -> str:
    return span.model_requested if span.model_requested is not None else span.model or ""


def _rows(found: dict[Key, Counted], moment: datetime, feature: str, models: Iterable[str]) -> list[Counted]:
    start = floor(moment, FIVE_MINUTES)
    keys = [("project", start, "", ""), ("feature", start, feature, "")]
    for model in models:
        keys += [("model", start, "", model), ("feature_model", start, feature, model)]
    return [found[key] for key in keys]
