"""What the palette asks the server for when it opens."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import project_for, projects_of, role_in
from accounts.lookups import lookups_of
from llmobs.lib.http import PageRequest, now_of
from traces import palette, saved_views

MOST_PROJECTS = 200


@require_safe
@never_cache
@login_required
def palette_fragment(request: PageRequest, project_slug: str) -> HttpResponse:
    """Where the palette leads to, for this member; js/palette.js finds in it and adds what the page can do."""
    project = project_for(request.user, project_slug)
    pages = palette.pages(project, role_in(request.user, project))
    found = palette.groups(
        palette.look_ups(project, lookups_of(request.user, project), now_of(request)),
        palette.saved(project, saved_views.views_of(request.user, project)),
        [*pages, *palette.other_projects(project, projects_of(request.user)[:MOST_PROJECTS])],
    )
    return render(request, "traces/_palette.html", {"groups": found})
