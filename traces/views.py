"""The pages of traces: look up, the list of the newest, one trace, and a long text that was opened."""

import re
from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from accounts.access import project_for
from accounts.models import Project
from llmobs.lib.forms import PeriodForm
from llmobs.lib.http import PageRequest, page_or_fragment
from llmobs.lib.timerange import TimeRange
from traces import ids, pages, payload, tabs
from traces.conversation import text_at
from traces.listing import TraceRow
from traces.queries.beside import beside
from traces.queries.listed import newest_ids, rows_of
from traces.queries.lookup import Hit, look_up
from traces.queries.scores import scores_of
from traces.queries.spans import StoredSpan, payload_of
from traces.queries.traces import (
    FILTERS,
    Trace,
    has_traces,
    newest_traces,
    summaries_of_request,
    trace_of,
)

PAGE_ROWS = 50
RECENT_ROWS = 8
PAGE = "traces/trace_detail.html"
FRAGMENT_CHARACTERS = 200_000  # of a long text at a time


@require_GET
@vary_on_headers("HX-Request")
@login_required
def lookup(request: PageRequest, project_slug: str) -> HttpResponse:
    """The box. One hit leads straight to its trace; several are listed; none says what was searched."""
    project = project_for(request.user, project_slug)
    q = request.GET.get("q", "").strip()
    hits = look_up(project.pk, q) if q else []
    if hits and _one_thing(hits):
        return redirect(pages.hit_url(project, hits))
    now = timezone.now()
    context = {
        "project": project,
        "section": "lookup",
        "q": q,
        "hits": pages.hit_rows(project, hits, _rows_of(project, hits)),
        "searched": pages.searched(now),
        "recent": [] if hits else _recent(project, now),
        **({} if has_traces(project.pk) else pages.first_trace_help(project)),
    }
    return render(request, _page_or_empty(request, "traces/lookup.html"), context)


@require_GET
@vary_on_headers("HX-Request")
@login_required
def trace_list(request: PageRequest, project_slug: str) -> HttpResponse:
    """The newest traces of a period."""
    project = project_for(request.user, project_slug)
    form = PeriodForm(request.GET)
    filters = {name: value for name in FILTERS if (value := request.GET.get(name)) and "\0" not in value}
    before = _before(request.GET.get("before", ""))
    found = newest_traces(project.pk, form.time_range(timezone.now()), filters, before=before, limit=PAGE_ROWS + 1)
    rows = rows_of(project.pk, [summary.trace_id for summary, _ in found[:PAGE_ROWS]])
    context = pages.list_page(project, form, filters, rows, full=len(found) > PAGE_ROWS)
    if not rows and not has_traces(project.pk):
        context |= pages.first_trace_help(project)
    if request.htmx and "before" not in request.GET:
        return render(request, _page_or_empty(request, "traces/trace_list.html"), context)
    return render(request, page_or_fragment(request, "traces/trace_list.html", "traces/_trace_rows.html"), context)


@require_GET
@vary_on_headers("HX-Request")
@login_required
def trace_detail(request: PageRequest, project_slug: str, trace_id: str) -> HttpResponse:
    """One trace with one step open; htmx asks for the step alone."""
    project = project_for(request.user, project_slug)
    trace = _found(trace_of(project.pk, trace_id))
    selected = _selected(trace, request.GET.get("span"))
    sent = payload_of(project.pk, selected.record.trace_id, selected.span_id)
    request_id = trace.summary.request_id
    same_request = summaries_of_request(project.pk, request_id) if request_id else []
    context = {
        "project": project,
        **pages.trace_page(trace, selected, sent, same_request),
        **pages.score_lists(trace, selected, scores_of(project.pk, trace)),
        **tabs.shown(project, trace, (selected, sent), request.GET),
    }
    fragment = "traces/_step_rows.html" if "from" in request.GET else "traces/_step_swap.html"
    template = page_or_fragment(request, PAGE, fragment)
    if template == PAGE:
        context |= pages.account_page(trace, beside(project, trace))
    return render(request, template, context)


@require_GET
@login_required
def payload_fragment(request: PageRequest, project_slug: str, trace_id: str) -> HttpResponse:
    """A long text of a step, some 200,000 characters at a time."""
    project = project_for(request.user, project_slug)
    span_id, part = request.GET.get("span", ""), request.GET.get("part", "")
    sent = payload_of(project.pk, ids.trace_key(trace_id), ids.span_key(span_id))
    text = text_at(payload.loads(payload.encode(sent)), part)
    if text is None:
        raise Http404("This step has no such text.")
    start = _place(request.GET.get("from", ""))
    end = start + FRAGMENT_CHARACTERS
    here = reverse("traces:payload-fragment", args=[project.slug, trace_id])
    rest = {"span": span_id, "part": part, "from": str(end)}
    context = {
        "text": text[start:end],
        "part": part,
        "shown_bytes": len(text[:end].encode("utf-8", "replace")),
        "size_bytes": len(text.encode("utf-8", "replace")),
        "next_url": f"{here}?{urlencode(rest)}" if end < len(text) else None,
    }
    return render(request, "traces/_payload.html", context)


def _place(said: str) -> int:
    """A place in a text, as an address says it; 0 for what is none."""
    return int(said) if re.fullmatch(r"[0-9]{1,12}", said) else 0


def _found(trace: Trace | None) -> Trace:
    if trace is None or not trace.nodes:
        raise Http404("No trace has this id.")
    return trace


def _selected(trace: Trace, span_id: str | None) -> StoredSpan:
    """The span that the address names; else the first that failed by itself, the first model call, or the first."""
    if span_id:
        key = ids.span_key(span_id)
        return next((span for span in trace.spans if span.span_id == key), trace.spans[0])
    failed = [node.span for node in trace.nodes if node.span.failed and not node.children]
    calls = [span for span in trace.spans if span.record.kind == "llm"]
    return (failed or calls or trace.spans)[0]


def _one_thing(hits: list[Hit]) -> bool:
    """Whether all hits are of the same id in the same sense: then there is nothing to choose."""
    return len({(hit.kind, hit.text) for hit in hits}) == 1 or len({hit.address for hit in hits}) == 1


def _rows_of(project: Project, hits: list[Hit]) -> dict[str, TraceRow]:
    return {row.address: row for row in rows_of(project.pk, list({ids.trace_key(hit.address) for hit in hits}))}


def _recent(project: Project, now: datetime) -> list[TraceRow]:
    period = TimeRange(datetime.fromtimestamp(0, tz=now.tzinfo), now.replace(year=now.year + 1, month=1, day=1))
    newest = newest_ids(project.pk, period, limit=RECENT_ROWS)
    return rows_of(project.pk, [trace_id for _, trace_id in newest])


def _page_or_empty(request: PageRequest, page: str) -> str:
    """The empty project asks for its own page again and again, and swaps only what it shows."""
    return page_or_fragment(request, page, "traces/_empty_project.html")


def _before(text: str) -> tuple[datetime, bytes] | None:
    at, _, trace_id = text.replace(" ", "+").partition("~")
    try:
        return datetime.fromisoformat(at), ids.trace_key(trace_id)
    except ValueError:
        return None
