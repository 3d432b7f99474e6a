"""What every page's frame needs of the member."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.access import projects_of


def member(request: HttpRequest) -> dict[str, Any]:
    """`projects`: those the member may switch to, asked for only when the menu is drawn."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"projects": []}
    return {"projects": SimpleLazyObject(lambda: list(projects_of(user)))}
