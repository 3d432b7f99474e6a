"""The line in the frame about what comes in: fetched by `static/js/health.js` once the page is there."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import project_for
from llmobs.lib.http import PageRequest, now_of
from traces.health import line_of
from traces.queries.arriving import arriving


@require_safe
@never_cache
@login_required
def health_fragment(request: PageRequest, project_slug: str) -> HttpResponse:
    """Whether traces come in, and up to when their text can be found."""
    project, now = project_for(request.user, project_slug), now_of(request)
    context = {"project": project, "line": line_of(arriving(project.pk, now), now)}
    return render(request, "traces/_health.html", context)
