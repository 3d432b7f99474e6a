"""How a project gets its first trace: the lines for each client with a key in them, and the look-out for the trace."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import project_for, role_in
from accounts.keys import make_key
from accounts.models import Project, Role
from llmobs.lib.http import PageRequest, now_of, page_or_fragment
from traces.queries.listed import newest_of_all
from traces.queries.traces import has_traces
from traces.senders import NO_KEY, SENDERS, senders

WAIT_SECONDS = 600  # then an open page asks no more until it is told to
SHOWN_ROWS = 3
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache  # going back would show the key again
@vary_on_headers("HX-Request")
@login_required
def send(request: PageRequest, project_slug: str) -> HttpResponse:
    """The lines for each client. POST makes a key of the scope ingest and shows it, this once, in the lines."""
    making = request.method == "POST"
    project = project_for(request.user, project_slug, role=Role.ADMIN if making else Role.SUPPORT)
    chosen = request.POST.get("sender", "")
    key = make_key(project, name=_named(chosen), by=request.user) if making else None
    context = {"project": project, "section": "traces", **how_to_send(request, project, key, chosen)}
    return render(request, page_or_fragment(request, "traces/send.html", "traces/_send.html"), context)


@require_safe
@login_required
def first_trace_fragment(request: PageRequest, project_slug: str) -> HttpResponse:
    """What an empty project's page asks every 3 s: 204 while there is nothing new, so that nothing on it moves."""
    project = project_for(request.user, project_slug)
    rows = newest_of_all(project.pk, now_of(request), limit=SHOWN_ROWS)
    now, since = _seconds(request), request.GET.get("since", "")
    waited = now - int(since) if since.isascii() and since.isdecimal() and len(since) < 12 else None
    if not rows and waited is not None and waited < WAIT_SECONDS:
        return HttpResponse(status=204)
    context = {"project": project, "rows": rows, "since": now, "stopped": waited is not None}
    return render(request, "traces/_first_trace.html", context)


def how_to_send(request: PageRequest, project: Project, key: str | None = None, chosen: str = "") -> dict[str, Any]:
    """The context of the lines. `key` is one just made, `chosen` the client that was looked at when it was made."""
    return {
        "senders": list(senders(_address(request), key or NO_KEY)),
        "chosen": chosen if any(sender.slug == chosen for sender in SENDERS) else SENDERS[0].slug,
        "new_key": key,
        "no_key": NO_KEY,
        "may_make_key": role_in(request.user, project) == Role.ADMIN,
        "waiting": not has_traces(project.pk),
        "since": _seconds(request),
    }


def _address(request: PageRequest) -> str:
    """Where services reach this server: SITE_URL; the address that the reader came by where that is loopback's.

    `up` sets it to where it listens, which is no use on another machine.
    """
    site, asked = str(settings.SITE_URL), request.get_host()
    if urlsplit(site).hostname in _LOOPBACK and urlsplit(f"//{asked}").hostname not in _LOOPBACK:
        return f"{request.scheme}://{asked}"
    return site


def _named(slug: str) -> str:
    """What a key is for, by the client that it was made for."""
    return next((sender.name for sender in SENDERS if sender.slug == slug), "")


def _seconds(request: PageRequest) -> int:
    return int(now_of(request).timestamp())
