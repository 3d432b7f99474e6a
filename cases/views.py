"""The pages of cases: the list, one of them, and the form that makes and changes one."""

import re
from secrets import token_urlsafe
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import project_for, role_in
from accounts.models import Project
from cases import changes, evidence, once, pages, queries, similar, words
from cases.access import case_for
from cases.forms import CaseForm, initial_of
from cases.members import members_of, name_of
from cases.models import Case
from cases.queries import LONGEST_WORDS, VIEWS, Sought
from llmobs.lib.http import PageRequest, now_of
from traces import ids
from traces.listing import TraceRow
from traces.queries.listed import rows_of

MOST_AT_ONCE = 50  # traces that an address brings along


@require_safe
@login_required
def case_list(request: PageRequest, project_slug: str) -> HttpResponse:
    """The cases that are not closed, or those that the address asks for."""
    project = project_for(request.user, project_slug)
    return render(request, "cases/case_list.html", pages.list_page(project, _sought(request)))


@require_safe
@login_required
def case_detail(request: PageRequest, project_slug: str, number: int) -> HttpResponse:
    project = project_for(request.user, project_slug)
    case = case_for(project, number)
    context = pages.case_page(case, role_in(request.user, project), now_of(request))
    return render(request, "cases/case_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def case_new(request: PageRequest, project_slug: str) -> HttpResponse:
    """A new case, of the traces that the address or the form names by `trace`, and of pasted ids."""
    project = project_for(request.user, project_slug)
    sent = request.POST if request.method == "POST" else request.GET
    named = evidence.named_by(project, request.POST.get("ids", ""), now_of(request))
    keys = [*map(ids.trace_key, sent.getlist("trace")[:MOST_AT_ONCE]), *named.keys]
    rows = rows_of(project.pk, list(dict.fromkeys(keys)))
    form = CaseForm(request.POST or None, members=members_of(project), initial=_begun(project, rows))
    if request.method == "POST" and form.is_valid():
        case = once.made_once(
            project,
            once.digest_of(request.POST, request.user),
            lambda: evidence.begin(project, request.user, form.values(), [row.key for row in rows], timezone.now()),
        )
        for sentence in evidence.left_out(named):
            messages.warning(request, sentence)
        return redirect("cases:case-detail", project.slug, case.number)
    feature = rows[0].feature if rows else None
    others = queries.open_cases(project, feature or "") if rows else []
    context = {
        **_form_page(request, project, form),
        "rows": rows,
        "others": others,
        "pasted": sent.get("ids", ""),
        "form_id": request.POST.get("form") or token_urlsafe(12),
    }
    return render(request, "cases/case_new.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def case_edit(request: PageRequest, project_slug: str, number: int) -> HttpResponse:
    """Change a case. What somebody else has changed meanwhile is shown, and nothing is written over it unseen."""
    project = project_for(request.user, project_slug)
    case = case_for(project, number)
    members = members_of(project)
    form = CaseForm(request.POST or None, members=members, initial=dict(initial_of(case)))
    conflicts: list[changes.Conflict] = []
    if request.method == "POST" and form.is_valid():
        edits = form.cleaned_data["edits"] or 0
        conflicts = changes.change(case.pk, request.user, form.values(), edits=edits, now=timezone.now())
        if not conflicts:
            messages.success(request, f"Saved, {timezone.localtime():%H:%M}")
            return redirect("cases:case-detail", project.slug, case.number)
        sent = request.POST.copy()
        sent["edits"] = str(Case.objects.values_list("edits", flat=True).get(pk=case.pk))
        form = CaseForm(sent, members=members, initial=form.initial)
    people = {str(one.pk): name_of(one) for one in members}
    context = {
        **_form_page(request, project, form),
        "case": case,
        "conflicts": pages.conflict_words(conflicts, people),
    }
    return render(request, "cases/case_edit.html", context, status=400 if form.errors else 409 if conflicts else 200)


def _form_page(request: PageRequest, project: Project, form: CaseForm) -> dict[str, Any]:
    fixes = pages.known_fixes(project, now_of(request))
    return {"project": project, "section": "cases", "form": form, "known_fixes": fixes}


def _begun(project: Project, rows: list[TraceRow]) -> dict[str, Any]:
    """What is known of a new case by its traces."""
    if not rows:
        return {}
    line = evidence.shared_line(project.pk, [row.key for row in rows])
    return {
        "title": words.title_of(similar.headline_of(line), evidence.line_of(rows[0])),
        "reported_by": (rows[0].user_id or "")[:300],
        "feature": evidence.fitting(rows[0].feature),
        "similar": line,
    }


def _sought(request: PageRequest) -> Sought:
    asked = {
        name: request.GET.get(name, "").replace("\0", "") for name in ("view", "assignee", "feature", "q", "before")
    }
    return Sought(
        view=asked["view"] if asked["view"] in VIEWS else "open",
        assignee=_number(asked["assignee"]),
        feature=asked["feature"],
        words=asked["q"].strip()[:LONGEST_WORDS],
        before=_number(asked["before"]),
    )


def _number(said: str) -> int | None:
    return int(said) if re.fullmatch(r"[0-9]{1,9}", said) else None
