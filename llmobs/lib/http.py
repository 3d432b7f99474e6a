"""What views share: a typed request, and the choice between a page and its fragment."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

if TYPE_CHECKING:
    from accounts.models import User


class PageRequest(HttpRequest):
    """A request to a page behind the log-in, as the middleware leaves it."""

    htmx: HtmxDetails
    user: "User"


def page_or_fragment(request: PageRequest, page: str, fragment: str) -> str:
    """The template to render: `fragment` when htmx swaps a part, `page` for a whole page, the back button included."""
    return fragment if request.htmx and not request.htmx.history_restore_request else page


def now_of(request: HttpRequest) -> datetime:
    """The moment that this request is about: one clock for everything on a page."""
    if not hasattr(request, "arrived_at"):
        request.arrived_at = timezone.now()  # type: ignore[attr-defined]
    return request.arrived_at  # type: ignore[attr-defined, no-any-return]
