"""What the templates of the trace pages are given. Pure but for the addresses."""

from dataclasses import asdict
from typing import Any

from django.utils import timezone

from traces.account import Beside, account_of
from traces.queries.scores import StoredScore, by_span, of_whole
from traces.queries.spans import StoredSpan
from traces.queries.traces import Trace
from traces.records import Payload
from traces.step import detail
from traces.usual import against, cost_words


def trace_page(trace: Trace, selected: StoredSpan, payload: Payload) -> dict[str, Any]:
    """The context of the page of one trace with one step open."""
    summary = trace.summary
    name = summary.request_id or summary.shown_id
    return {
        "section": "traces",
        "trace": flat(trace),
        "step": detail(trace, selected, payload),
        "q": name,
        "printed": f"{name}, printed from llmobs on {timezone.localtime():%-d %B %Y at %H:%M}",
    }


def flat(trace: Trace) -> dict[str, Any]:
    """What is known of a trace as a whole: its summary and its totals, by the names of their fields."""
    summary = trace.summary
    return {
        **asdict(summary),
        **asdict(trace.totals),
        "trace_id": summary.shown_id,
        "address": summary.address,
        "feature": summary.feature or summary.service,
        "complete": trace.complete,
    }


def account_page(trace: Trace, beside: Beside) -> dict[str, Any]:
    """The context of the top of the page of one trace."""
    return {
        "account": account_of(trace, timezone.now(), beside),
        "against": against(trace.totals.duration_us, beside.usual),
        "usual_cost": cost_words(beside.usual),
    }


def score_lists(trace: Trace, selected: StoredSpan, scores: list[StoredScore]) -> dict[str, list[StoredScore]]:
    """The scores of the whole, and those of the open step."""
    of_step = by_span(scores, trace).get((selected.record.trace_id, selected.span_id), [])
    return {"scores": of_whole(scores, trace), "step_scores": of_step}
