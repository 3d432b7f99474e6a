"""What the frame of every page shows of incidents."""

from typing import Any, Final

from django.db import connection
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.access import seen_project
from accounts.models import User

OPENED: Final = "SELECT count(*) FROM alerts_incident WHERE project_id = %(project)s AND resolved_at IS NULL"


def open_incidents(request: HttpRequest) -> dict[str, Any]:
    """`open_incidents`: how many are open in the page's project, counted when shown; `q`: the look-up box's words.

    Pages without a project have none, and a stranger's answer page tells nothing.
    """
    match, user = request.resolver_match, getattr(request, "user", None)
    slug = match.kwargs.get("project_slug") if match else None
    found: dict[str, Any] = {"open_incidents": 0, "q": request.GET.get("q", "")}
    if slug and user is not None and user.is_authenticated:
        found["open_incidents"] = SimpleLazyObject(lambda: _opened(user, slug))
    return found


def _opened(user: User, slug: str) -> int:
    project = seen_project(user, slug)
    if project is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(OPENED, {"project": project.pk})
        number: int = cursor.fetchone()[0]
    return number
