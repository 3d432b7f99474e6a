"""What the templates of the trace pages are given. Pure but for the addresses."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import Project
from llmobs.lib.forms import PeriodForm
from traces.account import Beside, account_of
from traces.listing import TraceRow
from traces.queries.lookup import Hit
from traces.queries.scores import StoredScore, by_span, of_whole
from traces.queries.spans import StoredSpan
from traces.queries.traces import Summary, Trace
from traces.records import Payload
from traces.step import detail
from traces.usual import against, cost_words

_KIND_WORDS = {
    "request": "request",
    "trace": "trace",
    "span": "span",
    "response": "response",
    "session": "session",
    "user": "user",
}
# Filters of the list, and what they are called on the page.
FILTER_WORDS = {"session_id": "session", "user_id": "user", "feature": "feature", "model": "model", "failed": "failed"}


def trace_page(trace: Trace, selected: StoredSpan, payload: Payload, same_request: list[Summary]) -> dict[str, Any]:
    """The context of the page of one trace with one step open. `same_request`: all traces of its request id."""
    summary = trace.summary
    name = summary.request_id or summary.shown_id
    flat = {
        **asdict(summary),
        **asdict(trace.totals),
        "trace_id": summary.shown_id,
        "address": summary.address,
        "feature": summary.feature or summary.service,
        "complete": trace.complete,
        "others": [other for other in same_request if other.trace_id != summary.trace_id],
    }
    return {
        "section": "traces",
        "trace": flat,
        "step": detail(trace, selected, payload),
        "q": name,
        "printed": f"{name}, printed from llmobs on {timezone.localtime():%-d %B %Y at %H:%M}",
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


def list_page(
    project: Project, form: PeriodForm, filters: dict[str, str], rows: list[TraceRow], full: bool
) -> dict[str, Any]:
    """The context of the list of traces. `full`: there may be older ones than `rows`."""
    here = reverse("traces:trace-list", args=[project.slug])
    period = form.query()
    older = {**period, **filters, "before": f"{rows[-1].happened_at.isoformat()}~{rows[-1].address}"} if full else None
    return {
        "project": project,
        "section": "traces",
        "rows": rows,
        "periods": form.choices(urlencode(filters)),
        "period_words": form.words(),
        "filters": [
            {
                "name": FILTER_WORDS[name],
                "value": "yes" if name == "failed" else value,
                "remove_url": f"{here}?{urlencode({**period, **{n: v for n, v in filters.items() if n != name}})}",
            }
            for name, value in filters.items()
        ],
        "total_words": _total_words(len(rows), full),
        "older_url": f"{here}?{urlencode(older)}" if older else None,
    }


def hit_rows(project: Project, hits: list[Hit], rows: dict[str, TraceRow]) -> list[dict[str, Any]]:
    """The hits of a look-up, those of one id together: a session or user leads to its list, the rest to their trace."""
    groups: dict[tuple[str, str], list[Hit]] = {}
    for hit in hits:
        groups.setdefault((hit.kind, hit.text), []).append(hit)
    return [
        {
            "kind_word": _KIND_WORDS[kind],
            "text": f"{text}, {len(group)} traces" if len(group) > 1 else text,
            "url": hit_url(project, group),
            "moment": group[0].happened_at,
            "rows": [rows[hit.address] for hit in group[:20] if hit.address in rows],
        }
        for (kind, text), group in groups.items()
    ]


def hit_url(project: Project, group: list[Hit]) -> str:
    """Where the hits of one id lead."""
    first = group[0]
    if first.kind in ("session", "user") and len(group) > 1:
        query = urlencode({f"{first.kind}_id": first.text, "period": "30d"})
        return f"{reverse('traces:trace-list', args=[project.slug])}?{query}"
    url = reverse("traces:trace-detail", args=[project.slug, first.address])
    return f"{url}?span={first.span_id.hex()}" if first.span_id else url


def searched(now: datetime) -> str:
    """What a look-up that found nothing has gone through."""
    days = settings.SPAN_RETENTION_DAYS
    return (
        f"Searched request, trace, span and response ids, sessions and users of the last {days} days, "
        f"up to {timezone.localtime(now):%H:%M:%S}."
    )


def first_trace_help(project: Project) -> dict[str, str]:
    """How to send the first trace, as lines to paste."""
    url = settings.SITE_URL
    body = (
        '{"request_id": "req-1", "feature": "hello", "model": "gpt-4o-mini", "input": "What is a trace?", '
        '"output": "What one request did, step by step.", "input_tokens": 12, "output_tokens": 9, "duration_ms": 640}'
    )
    return {
        "ingest_url": f"{url}/v1/traces",
        "curl": f"curl {url}/api/v1/traces -H 'Authorization: Bearer YOUR_KEY' \\\n  -d '{body}'",
        "otel_env": (
            f"OTEL_EXPORTER_OTLP_ENDPOINT={url}\n"
            "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n"
            'OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer YOUR_KEY"'
        ),
    }


def _total_words(count: int, full: bool) -> str:
    if full:
        return f"The newest {count} traces"
    return f"{count} trace{'' if count == 1 else 's'}"
