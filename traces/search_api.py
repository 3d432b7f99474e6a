"""`GET /api/v1/traces`: the list of traces for machines, in the language of the query line."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Project
from llmobs.lib.http import now_of
from traces import api, export
from traces.answers import moment
from traces.list_answers import row_answer
from traces.queries.listed import rows_of
from traces.search.asked import SORTS, Asked, after_of, after_words, asked_of
from traces.search.find import indexed_up_to
from traces.search.results import SECONDS, Place, listing

DEFAULT_ROWS = 50
MOST_ROWS = 1_000
DEFAULT_PERIOD = "30d"


class TraceList(APIView):
    """The traces that fulfil `q`, a page at a time; with `format` all of them, as a stream."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        renderer = self.get_renderers()[0]  # REST framework would take `format` for its own
        return renderer, renderer.media_type

    def get(self, request: Request) -> Response | HttpResponseBase:
        now = now_of(request._request)
        params = request.query_params.dict()
        if params.get("from") and not params.get("to"):
            params["to"] = now.isoformat()
        asked = asked_of(params, default=DEFAULT_PERIOD)
        project_ids = api.readable_projects(request)
        if refusal := _refusal(params, asked, project_ids):
            return Response(refusal, status=400)
        if not project_ids:
            raise NotFound("You are a member of no such project.")
        if kind := params.get("format"):
            project = Project.objects.get(pk=project_ids[0])
            return export.response(export.Export(project, asked, now, kind, params.get("spans") == "1"))
        limit = int(params.get("limit") or DEFAULT_ROWS)
        return Response(_answer(request, asked, project_ids[0], now, limit))


@csrf_exempt
def traces(request: HttpRequest) -> HttpResponseBase:
    """`/api/v1/traces`: GET lists, everything else is sent there."""
    if request.method in ("GET", "HEAD"):
        return _listed(request)
    return api.plain_traces(request)


_listed = TraceList.as_view()


def _answer(request: Request, asked: Asked, project_id: int, now: datetime, limit: int) -> dict[str, Any]:
    found = listing(project_id, asked, now, limit + 1, SECONDS)
    shown = found.places[:limit]
    last = shown[-1].after if len(found.places) > limit else found.stopped
    cursor = after_words(last) if last else None
    params = {**request.query_params.dict(), **asked.params(), "after": cursor or ""}
    return {
        "traces": _rows(project_id, shown),
        "next": cursor,
        "next_url": request.build_absolute_uri(f"?{urlencode(params)}") if cursor else None,
        "searched_up_to": moment(now if asked.newest_of_all else indexed_up_to(project_id, now)),
    }


def _rows(project_id: int, shown: list[Place]) -> list[dict[str, Any]]:
    found_in = {place.trace_id: place.span_id for place in shown}
    return [row_answer(row, found_in[row.key]) for row in rows_of(project_id, list(found_in))]


def _refusal(params: Mapping[str, str], asked: Asked, project_ids: list[int]) -> dict[str, Any] | None:
    """Why the parameters cannot be answered; None where they can."""
    if problem := asked.problem:
        return {"message": problem.message, "position": problem.position, "length": problem.length}
    sort, limit, kind = params.get("sort", ""), params.get("limit") or "1", params.get("format")
    said = [
        (len(project_ids) > 1, "You are a member of several projects: say which with project=<its name in addresses>."),
        (
            bool(sort) and sort.removeprefix("-") not in SORTS,
            f"sort is {', '.join(SORTS)}, or one with a minus.",
        ),
        (not _is_limit(limit), f"limit is a number from 1 to {MOST_ROWS:,}."),
        (bool(params.get("after")) and after_of(params["after"], asked.sort) is None, "after is what next was before."),
        (_wrong_period(params, asked), "from and to are moments as RFC 3339, from before to, at most 400 days apart."),
        (kind is not None and kind not in export.FORMATS, f"format is {' or '.join(export.FORMATS)}."),
    ]
    return next(({"message": text} for wrong, text in said if wrong), None)


def _is_limit(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= MOST_ROWS


def _wrong_period(params: Mapping[str, str], asked: Asked) -> bool:
    named = bool(params.get("from") or params.get("to"))
    return named and not asked.period.is_stretch
