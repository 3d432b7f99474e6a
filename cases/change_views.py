"""What is done with a case by one press: traces in and out, comments, closing, undoing; and deleting it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import project_for
from accounts.models import Project, Role
from cases import changes, evidence
from cases.access import case_for
from cases.forms import CommentForm, PastedForm
from cases.models import Case
from cases.undo import undo
from llmobs.lib.http import PageRequest, now_of
from traces import ids
from traces.list_pages import search_line
from traces.queries.listed import rows_of
from traces.search.asked import asked_of
from traces.search.results import listing

FOUND_ROWS = 30
FOUND_SECONDS = 2.0
MOST_TICKED = 50


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def traces_add(request: PageRequest, project_slug: str, number: int) -> HttpResponse:
    """Add traces: by ids and links that are pasted, or by ticks in what a query line finds."""
    project = project_for(request.user, project_slug)
    case = case_for(project, number)
    if request.method == "POST":
        return _added(request, project, case)
    asked = asked_of({"q": case.similar, **request.GET.dict()}, default="30d")
    places = listing(project.pk, asked, now_of(request), FOUND_ROWS, FOUND_SECONDS).places
    inside = {bytes(one.trace_id) for one in case.traces.all()}
    context = {
        "project": project,
        "section": "cases",
        "case": case,
        "search": search_line(asked, request.path),
        "periods": asked.period.choices(),
        "rows": [(row, row.key in inside) for row in rows_of(project.pk, [place.trace_id for place in places])],
        "most": FOUND_ROWS,
    }
    return render(request, "cases/traces_add.html", context)


@require_POST
@login_required
def trace_remove(request: PageRequest, project_slug: str, number: int) -> HttpResponse:
    project = project_for(request.user, project_slug)
    case = case_for(project, number)
    if evidence.remove(case.pk, request.user, ids.trace_key(request.POST.get("trace", "")), timezone.now()):
        messages.info(request, "The trace is removed; the history can put it back.")
    return _back(case, "traces")


@require_POST
@login_required
def comment(request: PageRequest, project_slug: str, number: int) -> HttpResponse:
    project = project_for(request.user, project_slug)
    case = case_for(project, number)
    form = CommentForm(request.POST)
    if form.is_valid():
        changes.comment(case, request.user, form.cleaned_data["text"].replace("\r\n", "\n"), timezone.now())
    else:
        messages.error(request, str(form.errors["text"][0]))
    return _back(case, "history")


@require_POST
@login_required
def close(request: PageRequest, project_slug: str, number: int) -> HttpResponse:
    project = project_for(request.user, project_slug)
    case = case_for(project, number)
    changes.close(case.pk, request.user, timezone.now())
    return _back(case)


@require_POST
@login_required
def reopen(request: PageRequest, project_slug: str, number: int) -> HttpResponse:
    """Open a closed case again, or go on watching one that came back."""
    project = project_for(request.user, project_slug)
    case = case_for(project, number)
    changes.reopen(case.pk, request.user, timezone.now())
    return _back(case)


@require_POST
@login_required
def undo_event(request: PageRequest, project_slug: str, number: int, event_id: int) -> HttpResponse:
    """Take one line of the history back."""
    project = project_for(request.user, project_slug)
    case = case_for(project, number)
    problem = undo(case, request.user, get_object_or_404(case.history, pk=event_id), timezone.now())
    if problem:
        messages.error(request, problem)
    return _back(case, "history")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: PageRequest, project_slug: str, number: int) -> HttpResponse:
    """Say what goes with a case, and delete it when an admin is sure."""
    project = project_for(request.user, project_slug, role=Role.ADMIN)
    case = case_for(project, number)
    if request.POST.get("sure") == "yes":
        case.delete()
        messages.info(request, f"Case {number} is deleted.")
        return redirect("cases:case-list", project.slug)
    counts = {"traces": case.traces.count(), "lines": case.history.count()}
    return render(request, "cases/case_delete.html", {"project": project, "section": "cases", "case": case, **counts})


def _added(request: PageRequest, project: Project, case: Case) -> HttpResponse:
    form = PastedForm(request.POST)
    pasted = form.cleaned_data["ids"] if form.is_valid() else ""
    if form.errors:
        messages.error(request, str(form.errors["ids"][0]))
    named = evidence.named_by(project, pasted, now_of(request))
    keys = [*map(ids.trace_key, request.POST.getlist("trace")[:MOST_TICKED]), *named.keys]
    added = evidence.add(case.pk, request.user, keys, timezone.now())
    if added:
        messages.success(request, f"{added} trace{'' if added == 1 else 's'} added.")
    elif keys:
        messages.info(request, "These traces are in the case already, or it holds as many as it can.")
    missing = evidence.left_out(named)
    if not (keys or missing or form.errors):
        messages.error(request, "Nothing was pasted or ticked.")
    for sentence in missing:
        messages.warning(request, sentence)
    if added or (keys and not missing):
        return _back(case, "traces")
    return redirect("cases:traces-add", project.slug, case.number)


def _back(case: Case, place: str = "") -> HttpResponse:
    page = reverse("cases:case-detail", args=(case.project.slug, case.number))
    return redirect(f"{page}#{place}" if place else page)
