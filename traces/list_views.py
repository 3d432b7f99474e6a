"""The list of traces: the query line with its suggestions, and the rows that were found."""

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import project_for, role_in
from accounts.models import Project, User
from llmobs.lib.http import PageRequest, now_of, page_or_fragment
from traces import column_choice, export, list_pages, saved_views, view_links
from traces.columns import Layout
from traces.facet_views import beside
from traces.first_trace_views import how_to_send
from traces.list_rows import Further, ListedTrace
from traces.listing import TraceRow
from traces.live_pages import live_page
from traces.preview_views import preview
from traces.queries.excerpts import payloads_of_hits
from traces.queries.further import further_of
from traces.queries.listed import rows_of
from traces.queries.traces import has_traces
from traces.queries.usual import usual_lately
from traces.search.arrivals import last_arrival
from traces.search.asked import Asked, asked_of
from traces.search.excerpt import excerpt
from traces.search.find import indexed_up_to
from traces.search.known import known_values
from traces.search.results import Place, listing
from traces.search.suggest import suggestions
from traces.usual import Against, against_in_column

PAGE = "traces/trace_list.html"
PAGE_ROWS = 50
PAGE_SECONDS = 2.0  # then what was found is shown, and a link goes on


@require_safe
@vary_on_headers("HX-Request")
@login_required
def trace_list(request: PageRequest, project_slug: str) -> HttpResponse:
    """The traces that the query line, the order and the period ask for."""
    project = project_for(request.user, project_slug)
    asked, now = asked_of(request.GET.dict()), now_of(request)
    choice, views = saved_views.choice_of(request.user, project), saved_views.views_of(request.user, project)
    first = view_links.first_address(project, choice.first_view, views) if choice.first_view else None
    if first and not request.GET:
        return redirect(first)
    last = last_arrival(project.pk, now)
    layout = column_choice.layout_for(asked, choice, view_links.current_view(asked, views))
    found = listing(project.pk, asked, now, PAGE_ROWS + 1, PAGE_SECONDS)
    shown = found.places[:PAGE_ROWS]
    context = list_pages.list_page(
        project,
        asked,
        listed(project.pk, asked, shown, layout, now),
        layout=layout,
        last=shown[-1].after if len(found.places) > PAGE_ROWS else found.stopped,
        stopped=found.stopped,
        indexed_up_to=now if asked.newest_of_all else indexed_up_to(project.pk, now),
        now=now,
    )
    context |= live_page(project, asked, last, now)
    if not shown and not has_traces(project.pk):
        context |= how_to_send(request, project)
    elif not asked.problem and not request.htmx:
        context |= beside(request, project, asked)
    template = page_or_fragment(request, PAGE, "traces/_trace_rows.html")
    if template == PAGE:
        opened = request.GET.get("preview", "")
        context["preview"] = preview(project, opened, asked.query()) if opened else None
        context["views"] = view_links.views_bar(project, asked, layout, views, role_in(request.user, project))
    return render(request, template, context)


@require_safe
@login_required
def trace_export(request: PageRequest, project_slug: str) -> HttpResponseBase:
    """The whole list as a file. A line that cannot be read leads to the list, which says why."""
    project = project_for(request.user, project_slug)
    asked, kind = asked_of(request.GET.dict()), request.GET.get("format", "ndjson")
    if kind not in export.FORMATS:
        raise Http404(f"Formats are {' and '.join(export.FORMATS)}.")
    if asked.problem:
        return redirect(f"{reverse('traces:trace-list', args=[project.slug])}?{asked.query()}")
    spans = kind == "ndjson" and request.GET.get("spans") == "1"
    return export.response(export.Export(project, asked, now_of(request), kind, spans))


@require_safe
@login_required
def suggestions_fragment(request: PageRequest, project_slug: str) -> HttpResponse:
    """What may be meant at character `at` of the line that is being typed."""
    project = project_for(request.user, project_slug)
    line, at, now = request.GET.get("line", "")[:2_000], request.GET.get("at", ""), now_of(request)
    place = int(at) if at.isascii() and at.isdecimal() and len(at) < 6 else len(line)
    found = suggestions(line, place, lambda field, beginning: known_values(project.pk, field, beginning, now))
    return render(request, "traces/_suggestions.html", {"suggestions": found})


def layout_of_list(member: User, project: Project, asked: Asked) -> Layout:
    """How the list is shown to a member: two queries."""
    view = view_links.current_view(asked, saved_views.views_of(member, project))
    return column_choice.layout_for(asked, saved_views.choice_of(member, project), view)


def listed(project_id: int, asked: Asked, shown: list[Place], layout: Layout, now: datetime) -> list[ListedTrace]:
    """The rows of these places, with the text that was found, and what the columns show besides."""
    at = {place.trace_id: place for place in shown}
    hits = {place.trace_id: place.span_id for place in shown if place.span_id}
    said = {key: excerpt(sent, asked.terms) for key, sent in payloads_of_hits(project_id, hits).items()}
    further = further_of(project_id, list(at), layout)
    rows = rows_of(project_id, list(at))
    marks = _against_usual(project_id, rows, now) if "took" in layout.keys else [None] * len(rows)
    return [
        ListedTrace(row, at[row.key], said.get(row.key, []), further.get(row.key, Further()), mark)
        for row, mark in zip(rows, marks, strict=True)
    ]


def _against_usual(project_id: int, rows: Sequence[TraceRow], now: datetime) -> list[Against | None]:
    usual = usual_lately(project_id, (row.feature or "" for row in rows), now)
    return against_in_column([(row.duration_us, usual.get(row.feature or "")) for row in rows])
