"""What a call ran with and what changed since one like it went well: a part of the trace page, and a page alone."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from accounts.access import project_for
from llmobs.lib.http import PageRequest, page_or_fragment
from traces import ids
from traces.changes import (
    Told,
    compared_call,
    counterpart,
    is_same_prompt,
    prompt_difference,
    prompt_text,
    versions,
)
from traces.queries.spans import StoredSpan, payload_of, spans_of
from traces.queries.traces import Trace, summaries_of, trace_of
from traces.queries.versions import Like, last_well, newest
from traces.story import fallback_of


@require_GET
@vary_on_headers("HX-Request")
@login_required
def changes(request: PageRequest, project_slug: str, trace_id: str) -> HttpResponse:
    """The versions of one step, and how they differ from the last call of its feature that went well."""
    project = project_for(request.user, project_slug)
    trace = trace_of(project.pk, trace_id)
    if trace is None or not trace.nodes:
        raise Http404("No trace has this id.")
    context = {"project": project, "section": "traces", **_comparison(project.pk, trace, request.GET.get("span", ""))}
    return render(request, page_or_fragment(request, "traces/changes.html", "traces/_changes.html"), context)


def _comparison(project_id: int, trace: Trace, span_id: str) -> dict[str, Any]:
    """What the template needs: rows, the prompt's difference, and the traces that are compared."""
    key = ids.span_key(span_id) if span_id else b""
    selected = next((span for span in trace.spans if span.span_id == key), trace.spans[0])
    call = compared_call(trace.spans, selected)
    like, own = _like(trace, call), [summary.trace_id for summary in trace.summaries]
    then_id = last_well(project_id, like, trace.summary.happened_at, own)
    live_id = newest(project_id, like, timezone.now())
    spans = _by_trace(project_id, [one for one in (then_id, live_id) if one and one not in own])
    now = Told(trace.spans, call, payload_of(project_id, call.record.trace_id, call.span_id))
    then = _told(project_id, spans.get(then_id or b"", []), call)
    live = trace.spans if live_id in own else spans.get(live_id or b"", [])
    rows = versions(now, then, live, counterpart(live, call))
    diff = prompt_difference(now.payload, then.payload) if then else []
    filled_in = bool(then and diff != [] and is_same_prompt(call, then.call))
    seen = {one.trace_id: one for one in summaries_of(project_id, spans)} if spans else {}
    return {
        "trace_address": trace.summary.address,
        "trace_name": trace.summary.request_id or trace.summary.shown_id,
        "call": call,
        "rows": rows,
        "kept": [row for row in rows if not row.changed],
        "filled_in": filled_in,
        "changed": (diff != [] and not filled_in) or any(row.changed for row in rows),
        "troubled": _troubled(trace),
        "then": seen.get(then_id or b""),
        "then_call": then.call if then else None,
        "live": seen.get(live_id or b""),
        "is_newest": live_id in own,
        "diff": diff,
        "same_prompt": bool(
            then and prompt_text(now.payload) and prompt_text(now.payload) == prompt_text(then.payload)
        ),
    }


def _troubled(trace: Trace) -> bool:
    """Whether something in it did not go as meant, so that what changed may be why."""
    return any(span.failed or span.record.refused or span.record.format_valid is False for span in trace.spans) or bool(
        fallback_of(trace.spans)
    )


def _like(trace: Trace, call: StoredSpan) -> Like:
    feature = trace.summary.feature or trace.summary.service or ""
    return Like(feature, call.kind, call.record.name, call.record.prompt_name)


def _told(project_id: int, spans: list[StoredSpan], call: StoredSpan) -> Told | None:
    """The call of an earlier trace that is compared with `call`; None when there is none."""
    other = counterpart(spans, call)
    return Told(spans, other, payload_of(project_id, other.record.trace_id, other.span_id)) if other else None


def _by_trace(project_id: int, trace_ids: list[bytes]) -> dict[bytes, list[StoredSpan]]:
    found: dict[bytes, list[StoredSpan]] = {}
    for span in spans_of(project_id, trace_ids) if trace_ids else []:
        found.setdefault(span.record.trace_id, []).append(span)
    return found
