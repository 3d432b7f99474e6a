"""What a call ran with and what changed since one like it went well: a part of the trace page, and a page alone."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import project_for
from llmobs.lib.http import PageRequest, page_or_fragment
from traces import ids
from traces.changes import (
    Told,
    Version,
    compared_call,
    counterpart,
    is_same_prompt,
    prompt_difference,
    prompt_text,
    versions,
)
from traces.queries.spans import StoredSpan, payload_of, spans_of
from traces.queries.traces import Summary, Trace, summaries_of, trace_of
from traces.queries.versions import last_well, last_well_with_another, like_of, newest
from traces.story import fallback_of
from traces.textdiff import Line


@dataclass(frozen=True, slots=True)
class Then:
    """An earlier call that went well, with its trace, and how the later one differs from it.

    `diff` is of the prompts, None where they are too long to compare. `filled_in`: they are of one version, so that
    what differs is what was put into it.
    """

    told: Told
    summary: Summary
    rows: list[Version]
    diff: list[Line] | None
    filled_in: bool

    @property
    def changed(self) -> bool:
        return (self.diff != [] and not self.filled_in) or any(row.changed for row in self.rows)


@require_safe
@vary_on_headers("HX-Request")
@login_required
def changes(request: PageRequest, project_slug: str, trace_id: str) -> HttpResponse:
    """The versions of one step, and how they differ from the last call of its feature that went well."""
    project = project_for(request.user, project_slug)
    trace = trace_of(project.pk, trace_id)
    if trace is None or not trace.nodes:
        raise Http404("No trace has this id.")
    span_id = request.GET.get("span", "")
    key = ids.span_key(span_id) if span_id else b""
    selected = next((span for span in trace.spans if span.span_id == key), trace.spans[0])
    context = {"project": project, "section": "traces", **_comparison(project.pk, trace, selected)}
    return render(request, page_or_fragment(request, "traces/changes.html", "traces/_changes.html"), context)


def _comparison(project_id: int, trace: Trace, selected: StoredSpan) -> dict[str, Any]:
    """What the template needs: `last` is the last call that went well, `then` the one that is compared with."""
    call = compared_call(trace.spans, selected)
    now = Told(trace.spans, call, payload_of(project_id, call.record.trace_id, call.span_id))
    like = like_of(trace.summary, call)
    own = [summary.trace_id for summary in trace.summaries]
    live_id = newest(project_id, like, timezone.now())
    live = trace.spans if live_id in own else spans_of(project_id, [live_id]) if live_id else []
    last = then = _then(project_id, last_well(project_id, like, trace.summary.happened_at, own), now, live)
    version, troubled = call.record.prompt_version, _troubled(trace)
    if last and not last.changed and troubled and version:
        other_id = last_well_with_another(project_id, like, last.summary.happened_at, version)
        then = _then(project_id, other_id, now, live) or last
    rows = then.rows if then else versions(now, None, live, counterpart(live, call))
    return {
        "trace_address": trace.summary.address,
        "trace_name": trace.summary.request_id or trace.summary.shown_id,
        "call": call,
        "troubled": troubled,
        "last": last,
        "then": then,
        "rows": rows,
        "kept": [row for row in rows if not row.changed],
        "is_newest": live_id in own,
        "live": next(iter(summaries_of(project_id, [live_id])), None) if live_id and live_id not in own else None,
        "same_text": bool(then and prompt_text(now.payload) and then.diff == []),
    }


def _then(project_id: int, trace_id: bytes | None, now: Told, live: list[StoredSpan]) -> Then | None:
    spans = spans_of(project_id, [trace_id]) if trace_id else []
    other = counterpart(spans, now.call)
    summary = next(iter(summaries_of(project_id, [trace_id])), None) if trace_id else None
    if other is None or summary is None:
        return None
    told = Told(spans, other, payload_of(project_id, other.record.trace_id, other.span_id))
    diff = prompt_difference(now.payload, told.payload)
    rows = versions(now, told, live, counterpart(live, now.call))
    return Then(told, summary, rows, diff, filled_in=diff != [] and is_same_prompt(now.call, other))


def _troubled(trace: Trace) -> bool:
    """Whether something in it did not go as meant, so that what changed may be why."""
    spans = trace.spans
    bad = any(span.failed or span.record.refused or span.record.format_valid is False for span in spans)
    return bad or fallback_of(spans) is not None
