"""The page of a session: the whole conversation over many traces."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.access import project_for
from accounts.models import Project
from llmobs.lib.http import PageRequest
from traces import ids
from traces.addresses import feature_url, session_url, user_url
from traces.listing import TraceRow
from traces.queries.listed import rows_of
from traces.queries.scores import StoredScore, scores_among
from traces.queries.sessions import Amounts, Place, Session, amounts_of, session_of, turns_after, turns_before
from traces.queries.spans import spans_of
from traces.queries.traces import summaries_of
from traces.search import facts, match
from traces.turns import Turn, amounts, in_trouble, turns_of

PAGE_TURNS: Final = 50
# Up to so many turns are added up from their spans, and so are exact at once; more are from the index of the search.
SMALL_SESSION: Final = 200
_FAILED: Final = match.quoted(facts.fact("status", "error"))


@require_safe
@login_required
def session(request: PageRequest, project_slug: str, session_id: str) -> HttpResponse:
    """The turns of a session, oldest first, and what they come to."""
    project = project_for(request.user, project_slug)
    found = session_of(project.pk, session_id)
    if found is None:
        raise Http404("No trace is of this session.")
    places, first = _page(project, found, request.GET)
    rows = rows_of(project.pk, [trace_id for _, trace_id in places[:PAGE_TURNS]])
    scores = _scores(project, found, rows)
    context = {
        "project": project,
        "section": "traces",
        "q": session_id,
        "session": found,
        "amounts": _amounts(project, found),
        "turns": _turns(project, rows, first, scores),
        "scores": [score for score in scores if score.target == "session"],
        "users": [(user, user_url(project.slug, user)) for user in found.users],
        "features": [(feature, feature_url(project.slug, feature)) for feature in found.features],
        **_ways(project, found, places, first),
        "printed": f"Session {session_id}, printed from llmobs on {timezone.localtime():%-d %B %Y at %H:%M}",
    }
    return render(request, "traces/session.html", context)


def _page(project: Project, found: Session, asked: QueryDict) -> tuple[list[Place], int | None]:
    """One turn more than a page shows, and the number of the first; None where that is not known."""
    if place := _place(asked.get("after", "")):
        return turns_after(project.pk, found.session_id, place, PAGE_TURNS + 1), None
    if place := _place(asked.get("before", "")):
        return turns_before(project.pk, found.session_id, place, PAGE_TURNS), None
    if trace := asked.get("trace"):
        named = summaries_of(project.pk, [ids.trace_key(trace)])
        if named and named[0].session_id == found.session_id:
            at = named[0].happened_at
            first = 1 if at <= found.began_at and not found.has_more else None
            return turns_after(project.pk, found.session_id, (at, b""), PAGE_TURNS + 1), first
    start = datetime(1, 1, 2, tzinfo=found.began_at.tzinfo)
    return turns_after(project.pk, found.session_id, (start, b""), PAGE_TURNS + 1), 1


def _scores(project: Project, found: Session, rows: Sequence[TraceRow]) -> list[StoredScore]:
    requests = list({row.request_id for row in rows if row.request_id})
    return scores_among(project.pk, traces=[row.key for row in rows], sessions=[found.session_id], requests=requests)


def _turns(project: Project, rows: Sequence[TraceRow], first: int | None, scores: Sequence[StoredScore]) -> list[Turn]:
    troubled = in_trouble(rows)
    spans = spans_of(project.pk, troubled) if troubled else []
    return turns_of(rows, first, spans, scores)


def _amounts(project: Project, found: Session) -> Amounts:
    if found.turns > SMALL_SESSION:
        return amounts_of(project.pk, found.session_id, _FAILED)
    start = datetime(1, 1, 2, tzinfo=found.began_at.tzinfo)
    places = turns_after(project.pk, found.session_id, (start, b""), SMALL_SESSION)
    return amounts(rows_of(project.pk, [trace_id for _, trace_id in places]))


def _ways(project: Project, found: Session, places: Sequence[Place], first: int | None) -> dict[str, Any]:
    """The addresses of the pages before and after this one."""
    here = session_url(project.slug, found.session_id)
    more = len(places) > PAGE_TURNS or (bool(places) and places[-1][0] < found.last_at)
    return {
        "first_url": None if first == 1 else here,
        "earlier_url": None if first == 1 or not places else f"{here}?{urlencode({'before': _words(places[0])})}",
        "later_url": f"{here}?{urlencode({'after': _words(places[:PAGE_TURNS][-1])})}" if more else None,
    }


def _words(place: Place) -> str:
    return f"{place[0].isoformat()}~{place[1].hex()}"


def _place(words: str) -> Place | None:
    at, _, trace_id = words.replace(" ", "+").partition("~")
    try:
        moment = datetime.fromisoformat(at)
        return (moment, bytes.fromhex(trace_id)) if moment.tzinfo and 1 < moment.year < 9999 else None
    except ValueError:
        return None
