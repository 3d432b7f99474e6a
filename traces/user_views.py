"""The page of a user: a customer's recent sessions, failures, spend and feedback."""

from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import project_for
from accounts.models import Project
from llmobs.lib.forms import PeriodForm
from llmobs.lib.http import PageRequest, now_of
from traces import user_pages
from traces.queries import users
from traces.search.asked import after_of
from traces.sentences import name
from traces.user_account import Told

PAGE_SESSIONS: Final = 20


@require_safe
@login_required
def user(request: PageRequest, project_slug: str, user_id: str) -> HttpResponse:
    """What a customer asked in a period, and how it went."""
    project, now = project_for(request.user, project_slug), now_of(request)
    seen = users.seen(project.pk, user_id)
    if seen is None:
        return render(request, "traces/user_unknown.html", _unknown(project, user_id), status=404)
    form = PeriodForm(request.GET, default="30d")
    period = form.time_range(now)
    place = after_of(request.GET.get("before", ""), "time")
    before = (place[0], place[1]) if place and isinstance(place[0], datetime) else None
    found = users.sessions_of(project.pk, user_id, period, before=before, limit=PAGE_SESSIONS + 1)
    shown, asked = found[:PAGE_SESSIONS], users.asked_in(project.pk, user_id, period)
    read = user_pages.read_of(project.pk, user_id, period, asked, shown)
    told = Told(user_id, form.words(), now, seen, asked, read.amounts, users.of_all(project.pk, period), *read.ends)
    older = (shown[-1].last_at, shown[-1].last) if len(found) > PAGE_SESSIONS else None
    context = {
        **user_pages.user_page(project, told, shown, read),
        **user_pages.ways(project, told, form, older, is_first=before is None),
    }
    return render(request, "traces/user.html", context)


def _unknown(project: Project, user_id: str) -> dict[str, Any]:
    shown = name(user_id)
    return {"project": project, "section": "traces", "q": user_id, "name": shown, "days": settings.SPAN_RETENTION_DAYS}
