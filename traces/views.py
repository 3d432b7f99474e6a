"""The pages of one trace, and a long text that was opened."""

import re
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import project_for, projects_of
from accounts.models import Project
from llmobs.lib.http import PageRequest, now_of, page_or_fragment
from traces import ids, pages, payload, tabs
from traces.conversation import text_at
from traces.feedback_views import forms_of
from traces.list_pages import neighbour_links
from traces.queries import beside
from traces.queries.spans import StoredSpan, payload_in, payload_of
from traces.queries.traces import (
    Trace,
    summaries_of,
    trace_of,
)
from traces.search.neighbours import neighbours

STEP = "traces/_step_swap.html"
PAGE = "traces/trace_detail.html"
NOT_HERE = "No trace has this id."
FRAGMENT_CHARACTERS = 200_000  # of a long text at a time


@require_safe
@login_required
def any_trace(request: PageRequest, trace_id: str) -> HttpResponse:
    """A trace by its id alone, in whichever of the member's projects it is: the addresses that SDKs print."""
    key = ids.trace_key(trace_id)
    for project in projects_of(request.user):
        if summaries_of(project.pk, [key]):
            return redirect("traces:trace-detail", project.slug, ids.address(key, trace_id))
    raise Http404("No trace has this id in your projects. It may still be on its way; load the page again.")


@require_safe
@vary_on_headers("HX-Request")
@login_required
def trace_detail(request: PageRequest, project_slug: str, trace_id: str) -> HttpResponse:
    """One trace with one step open; htmx asks for the step alone."""
    project = project_for(request.user, project_slug)
    template = page_or_fragment(request, PAGE, "traces/_step_rows.html" if "from" in request.GET else STEP)
    if template == PAGE:
        context = _page(request, project, trace_id)
    else:
        trace = trace_of(project.pk, trace_id)
        if trace is None or not trace.nodes:
            raise Http404(NOT_HERE)
        selected = _selected(trace, request.GET.get("span"))
        read = beside.read_step(project, trace, selected)
        context = _step(request, project, trace, selected, read, step_alone=template == STEP)
    return render(request, template, context)


@require_safe
@login_required
def payload_fragment(request: PageRequest, project_slug: str, trace_id: str) -> HttpResponse:
    """A long text of a step, some 200,000 characters at a time."""
    project = project_for(request.user, project_slug)
    span_id, part = request.GET.get("span", ""), request.GET.get("part", "")
    sent = payload_of(project.pk, ids.trace_key(trace_id), ids.span_key(span_id))
    text = text_at(payload.loads(payload.encode(sent)), part)
    if text is None:
        raise Http404("This step has no such text.")
    start = _place(request.GET.get("from", ""))
    end = start + FRAGMENT_CHARACTERS
    here = reverse("traces:payload-fragment", args=[project.slug, trace_id])
    rest = {"span": span_id, "part": part, "from": str(end)}
    context = {
        "text": text[start:end],
        "part": part,
        "shown_bytes": len(text[:end].encode("utf-8", "replace")),
        "size_bytes": len(text.encode("utf-8", "replace")),
        "next_url": f"{here}?{urlencode(rest)}" if end < len(text) else None,
    }
    return render(request, "traces/_payload.html", context)


def _place(said: str) -> int:
    """A place in a text, as an address says it; 0 for what is none."""
    return int(said) if re.fullmatch(r"[0-9]{1,12}", said) else 0


def _page(request: PageRequest, project: Project, trace_id: str) -> dict[str, Any]:
    found = beside.found(project, trace_id)
    if found is None:
        raise Http404(NOT_HERE)
    trace = found.trace
    selected = _selected(trace, request.GET.get("span"))
    read = beside.read(project, found, selected)
    list_query = request.GET.get("list", "")
    near = neighbours(project.pk, list_query, trace.summary.trace_id, now_of(request))
    return {
        **_step(request, project, trace, selected, read),
        "others": found.others,
        **pages.account_page(trace, read.beside),
        **neighbour_links(project, list_query, near),
    }


def _step(  # noqa: PLR0913
    request: PageRequest, project: Project, trace: Trace, selected: StoredSpan, read: beside.Read, *,
    step_alone: bool = False,
) -> dict[str, Any]:  # fmt: skip
    sent = payload_in(read.bodies, selected)
    return {
        "project": project,
        **pages.trace_page(trace, selected, sent),
        **pages.score_lists(trace, selected, read.scores),
        **forms_of(request.user, project, trace, selected, read.scores),
        **tabs.shown(project, trace, (selected, sent), request.GET, step_alone=step_alone),
    }


def _selected(trace: Trace, span_id: str | None) -> StoredSpan:
    """The span that the address names; else the first that failed by itself, the first model call, or the first."""
    if span_id:
        key = ids.span_key(span_id)
        return next((span for span in trace.spans if span.span_id == key), trace.spans[0])
    failed = next((node.span for node in trace.nodes if node.span.failed and not node.children), None)
    call = next((span for span in trace.spans if span.record.kind == "llm"), None)
    return failed or call or trace.spans[0]
