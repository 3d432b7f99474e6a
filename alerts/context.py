"""What the frame of every page shows of incidents."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.access import projects_of
from alerts.models import Incident


def open_incidents(request: HttpRequest) -> dict[str, Any]:
    """`open_incidents`: how many are open in the page's project, counted when shown; `q`: the look-up box's words.

    Pages without a project have none, and a stranger's answer page tells nothing.
    """
    match, user = request.resolver_match, getattr(request, "user", None)
    slug = match.kwargs.get("project_slug") if match else None
    found: dict[str, Any] = {"open_incidents": 0, "q": request.GET.get("q", "")}
    if slug and user is not None and user.is_authenticated:
        opened = Incident.objects.filter(resolved_at=None, project__in=projects_of(user).filter(slug=slug))
        found["open_incidents"] = SimpleLazyObject(opened.count)
    return found
