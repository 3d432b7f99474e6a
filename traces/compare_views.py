"""Two traces side by side, and the way to the last one of a trace's feature that went well."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import project_for
from accounts.models import Project
from llmobs.lib.http import PageRequest, now_of, page_or_fragment
from traces import ids
from traces.changes import compared_call
from traces.compare_page import Asked, asking_page, compare_page
from traces.lookup import look_up
from traces.pasted import read
from traces.queries.traces import Summary, Trace, summaries_of, trace_of
from traces.queries.versions import last_well, like_of

MOST_PICKED: Final = 50
LONGEST: Final = 2_000  # characters of what names a trace, which may be an address of ours


@dataclass(frozen=True, slots=True)
class Named:
    """What one side of an address names. `span_id`: by a step; `others`: how many older traces it names too."""

    trace: Trace
    span_id: bytes | None = None
    others: int = 0


@require_safe
@vary_on_headers("HX-Request")
@login_required
def compare(request: PageRequest, project_slug: str) -> HttpResponse:
    """Two traces side by side; a form where they are not both named, are the same, or one of them is not there."""
    project, today = project_for(request.user, project_slug), now_of(request).date()
    picked = list(dict.fromkeys(one.strip()[:LONGEST] for one in request.GET.getlist("t")[:MOST_PICKED]))
    if picked:
        return _of_picked(request, project, picked)
    said = [request.GET.get(side, "").strip()[:LONGEST] for side in ("a", "b")]
    named = [_named(project, one, today) if one else None for one in said]
    a, b = named
    if a is None and b and "good" in request.GET and not said[0]:
        if there := _with_the_last_good_one(project, b.trace, request.GET.get("step_b", "")):
            return redirect(there)
        return render(request, "traces/compare.html", asking_page(project, said, [None, b.trace], no_good=True))
    if a is None or b is None or a.trace.summary.trace_id == b.trace.summary.trace_id:
        context = asking_page(project, said, [one.trace if one else None for one in named])
        return render(request, "traces/compare.html", context, status=404 if context["missing"] else 200)
    steps = [ids.span_key(step) if (step := request.GET.get(f"step_{side}", "")) else None for side in ("a", "b")]
    if not any(steps):
        steps = [a.span_id, b.span_id]
    asked = Asked(steps[0], steps[1], _place(request.GET.get("from", "")), (a.others, b.others))
    fragment = "traces/_compare_rows.html" if asked.first is not None else "traces/_compare_swap.html"
    template = page_or_fragment(request, "traces/compare.html", fragment)
    return render(request, template, compare_page(project, a.trace, b.trace, asked))


def _of_picked(request: PageRequest, project: Project, picked: list[str]) -> HttpResponse:
    """The comparison of what was selected in a list, the earlier trace on the left; a form where it is not two."""
    today = now_of(request).date()
    named = [_named(project, one, today) if one else None for one in picked[:2]]
    found = sorted((one.trace for one in named if one), key=lambda trace: trace.summary.happened_at)
    if len(picked) == len(found) == 2:
        return redirect(_address(project, found[0].summary, found[1].summary))
    said = [*picked, ""][:2]
    traces = [*(one.trace if one else None for one in named), None][:2]
    context = asking_page(project, said, traces, picked=len(picked))
    return render(request, "traces/compare.html", context, status=404 if context["missing"] else 200)


def _address(project: Project, a: Summary, b: Summary) -> str:
    query = urlencode({"a": a.address, "b": b.address})
    return f"{reverse('traces:compare', args=[project.slug])}?{query}"


def _named(project: Project, said: str, today: date) -> Named | None:
    """The trace that an id of any kind names, in any spelling, or an address of ours; of several the newest.

    None where there is none that has steps.
    """
    key, span_id, others = ids.trace_key(said), None, 0
    if not summaries_of(project.pk, [key]):
        found = look_up(project, read(said, project.slug), today).found
        if not found:
            return None
        newest = found[0].newest
        key, span_id, others = newest.summary.trace_id, newest.span_id, found[0].traces - 1
    trace = trace_of(project.pk, key.hex())
    return Named(trace, span_id, others) if trace and trace.nodes else None


def _with_the_last_good_one(project: Project, trace: Trace, step: str) -> str | None:
    """The address that compares a trace with the last one of its feature that went well before it; None: none did."""
    key = ids.span_key(step) if step else b""
    selected = next((span for span in trace.spans if span.span_id == key), trace.spans[0])
    like = like_of(trace.summary, compared_call(trace.spans, selected))
    own = [summary.trace_id for summary in trace.summaries]
    found = last_well(project.pk, like, trace.summary.happened_at, own)
    if found is None:
        return None
    return _address(project, summaries_of(project.pk, [found])[0], trace.summary)


def _place(said: str) -> int | None:
    """A place among the rows, as an address says it; None for what is none."""
    return int(said) if said.isascii() and said.isdecimal() and len(said) <= 6 else None
