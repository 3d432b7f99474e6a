"""What every page's frame needs of the member."""

import re
from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.access import seen_project
from accounts.models import Role, User
from accounts.seen import seen_by

OF_A_PROJECT = re.compile(r"/p/([-a-zA-Z0-9_]+)(?:/|$)")


def member(request: HttpRequest) -> dict[str, Any]:
    """What the frame shows, each asked for only when it is drawn.

    `projects`: those the member may switch to. `project`: the one in the address, if the member may see it; views say
    theirs, so this is for the pages that refuse. `role`: the member's in it, None for a stranger.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"projects": []}
    found = OF_A_PROJECT.match(request.path_info)
    slug = found[1] if found else ""
    return {
        "projects": SimpleLazyObject(lambda: [project for project, _ in seen_by(user)]),
        "project": SimpleLazyObject(lambda: seen_project(user, slug)) if slug else None,
        "role": SimpleLazyObject(lambda: _role_in(user, slug)) if slug else None,
    }


def _role_in(user: User, slug: str) -> Role | None:
    return next((role for project, role in seen_by(user) if project.slug == slug), None)
