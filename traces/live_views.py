"""The live list of traces: what an open page asks every few seconds."""

import re
from datetime import datetime
from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import project_for
from llmobs.lib.http import PageRequest, now_of
from traces import list_pages
from traces.list_views import layout_of_list, listed
from traces.live_pages import MOST_SHOWN
from traces.search.arrivals import LAST_KEY, Arrivals, arrivals, last_arrival
from traces.search.asked import after_of, after_words, asked_of

_TRACE: Final = re.compile("[0-9a-f]{32}")


@require_safe
@never_cache
@login_required
def newer_fragment(request: PageRequest, project_slug: str) -> HttpResponse:
    """What has come into the list that the address asks for since the place `since`, without the traces in `shown`.

    A place that nobody wrote is the present: nothing is new yet. `follow=1` asks for the rows of what is new, the
    newest MOST_SHOWN of them, and of what has changed of `shown` since `seen`. While nothing comes it is one statement.
    """
    project = project_for(request.user, project_slug)
    asked, now = asked_of(request.GET.dict()), now_of(request)
    if asked.problem:
        raise Http404("This line cannot be read, so nothing can be new in it.")
    behind, shown = _behind(request.GET.get("since", ""), request.GET.get("seen", "")), _shown(request)
    if behind is None:
        last = last_arrival(project.pk, now)
        behind = Arrivals((last, LAST_KEY), last)
    follows = request.GET.get("follow") == "1"
    come = arrivals(project.pk, asked.time_range(now), asked.terms, behind, shown if follows else [])
    new = [place for place in come.found if place.trace_id not in set(shown)]
    context = {
        "project": project,
        "count": len(new),
        "since": after_words(come.since),
        "seen": come.seen.isoformat(),
        "more": come.more,
    }
    if follows and (new or come.changed):
        layout, query = layout_of_list(request.user, project, asked), asked.query()
        rows = listed(project.pk, asked, [*new[:MOST_SHOWN], *come.changed], layout, now)
        context["rows"] = [list_pages.row_of(project, query, row, layout) for row in rows]
    return render(request, "traces/_newer.html", context)


def _behind(since: str, seen: str) -> Arrivals | None:
    """The places of the last look; None for what nobody wrote."""
    place, changes = after_of(since, "time"), after_of(f"{seen}~", "time")
    if place is None or changes is None or not isinstance(place[0], datetime) or not isinstance(changes[0], datetime):
        return None
    return Arrivals((place[0], place[1]), changes[0])


def _shown(request: PageRequest) -> list[bytes]:
    """The traces that the page shows already."""
    return [bytes.fromhex(one) for one in _TRACE.findall(request.GET.get("shown", "")[: MOST_SHOWN * 33])]
