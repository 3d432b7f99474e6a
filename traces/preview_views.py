"""A trace in short, below its row in the list."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.access import project_for
from accounts.models import Project
from llmobs.lib.http import PageRequest
from traces import pages
from traces.queries import beside
from traces.search.asked import asked_in


@require_safe
@login_required
def preview_fragment(request: PageRequest, project_slug: str, trace_id: str) -> HttpResponse:
    """What happened in a trace, without leaving the list; `list` is that list's query."""
    project = project_for(request.user, project_slug)
    context = preview(project, trace_id, asked_in(request.GET.get("list", "")).query())
    if context is None:
        raise Http404("No trace has this id.")
    return render(request, "traces/_preview.html", context)


def preview(project: Project, trace_id: str, list_query: str) -> dict[str, Any] | None:
    """What the template is given, whatever the size of the trace in seven queries; None where no trace has this id."""
    found = beside.found(project, trace_id)
    if found is None:
        return None
    trace = found.trace
    there = reverse("traces:trace-detail", args=[project.slug, trace.summary.address])
    return {
        "project": project,
        "trace": pages.flat(trace),
        "url": f"{there}?{urlencode({'list': list_query})}",
        **pages.account_page(trace, beside.read(project, found).beside),
    }
