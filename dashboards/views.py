"""The dashboards: pages of figures."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import project_for
from dashboards.pages import overview_page
from llmobs.lib.http import PageRequest, now_of, page_or_fragment


@require_safe
@vary_on_headers("HX-Request")
@login_required
def overview(request: PageRequest, project_slug: str) -> HttpResponse:
    """Requests, failures, latency, tokens and cost of a period."""
    project = project_for(request.user, project_slug)
    context = overview_page(project, request.GET, now_of(request))
    return render(request, page_or_fragment(request, "dashboards/overview.html", "dashboards/_panels.html"), context)
