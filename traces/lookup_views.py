"""The look-up page: one box for any id, a whole mail, a log line, an address, or words."""

from datetime import datetime
from urllib.parse import unquote, urlsplit

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve
from django.views.decorators.http import require_safe

from accounts.access import project_for, projects_of
from accounts.lookups import remember
from accounts.models import Project, User
from llmobs.lib.http import PageRequest, now_of
from traces import lookup_page
from traces.addresses import list_url, trace_url
from traces.first_trace_views import how_to_send
from traces.listing import TraceRow
from traces.lookup import LookedUp, by_words, is_there, look_up
from traces.matches import Match, only_one
from traces.pasted import Pasted, read
from traces.queries.listed import newest_of_all, rows_of
from traces.queries.lookup import EVER
from traces.queries.traces import has_traces
from traces.search.find import indexed_up_to
from traces.search.grammar import Term, line_of

RECENT_ROWS = 8


@require_safe
@login_required
def lookup(request: PageRequest, project_slug: str) -> HttpResponse:
    """The box. What names one thing leads straight to it; several are listed; none says what was searched."""
    project = project_for(request.user, project_slug)
    pasted = read(request.GET.get("q", ""), project.slug)
    there = _pasted_page(request.user, project, pasted) if pasted.is_address else None
    now = now_of(request)
    looked_up = LookedUp([], EVER) if there else look_up(project, pasted, now.date(), far_back="back" in request.GET)
    found = looked_up.found
    if one := only_one(found):
        there = lookup_page.match_url(project, found, one)
    if not found:
        there = there or _pasted_page(request.user, project, pasted)
    terms: tuple[Term, ...] = ()
    if pasted.text and not found and not there:
        there, terms = _by_words(project, pasted, now)
    if request.method == "GET":
        text, words = lookup_page.remembered(pasted, found, led_somewhere=there is not None)
        remember(request.user, project, text, words, now)
    if there:
        return redirect(there)
    context = {
        "project": project,
        "section": "lookup",
        "q": pasted.text,
        "hits": lookup_page.match_rows(project, found, pasted, _rows_of(project, found)),
        "since": None if looked_up.since == EVER else looked_up.since,
        "picked": lookup_page.picked(found, pasted),
        "nothing": lookup_page.nothing(pasted, terms),
        "tried": lookup_page.tried(pasted),
        "searched": lookup_page.searched(project, now, text_up_to=indexed_up_to(project.pk, now) if terms else None),
        "recent": [] if found else newest_of_all(project.pk, now, RECENT_ROWS),
        **({} if has_traces(project.pk) else how_to_send(request, project)),
    }
    return render(request, "traces/lookup.html", context)


def _by_words(project: Project, pasted: Pasted, now: datetime) -> tuple[str | None, tuple[Term, ...]]:
    """The page of the one trace that holds the words which were pasted, or the list of all; what was looked for."""
    found, terms = by_words(project, pasted, now)
    if len(found) > 1 or any(term.field for term in terms):
        return list_url(project.slug, q=line_of(terms)), terms
    if not found:
        return None, terms
    rows = rows_of(project.pk, [found[0].trace_id])
    return (trace_url(project.slug, rows[0].address, found[0].span_id) if rows else None), terms


def _pasted_page(user: User, project: Project, pasted: Pasted) -> str | None:
    """The page of ours whose address was pasted, on this host; None where there is none that `user` may see.

    Other hosts than this one may show the same pages, so the host says nothing.
    """
    for address in pasted.addresses:
        there = project if address.slug == project.slug else projects_of(user).filter(slug=address.slug).first()
        if there and address.page and is_there(there, address):
            return address.path.replace("/payload/", "/traces/", 1)
        if there and pasted.is_address and not address.page and _is_page(address.path):
            return address.path
    return None


def _is_page(path: str) -> bool:
    """Whether a page of a project stands at this path."""
    try:
        return "project_slug" in resolve(unquote(urlsplit(path).path)).kwargs
    except Resolver404:
        return False


def _rows_of(project: Project, found: list[Match]) -> dict[bytes, TraceRow]:
    keys = dict.fromkeys(match.newest.summary.trace_id for match in found[: lookup_page.SHOWN_MATCHES])
    return {row.key: row for row in rows_of(project.pk, list(keys))}
