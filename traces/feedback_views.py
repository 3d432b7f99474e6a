"""Feedback on a trace and its steps: a form that works without scripts, and is swapped with them."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.access import project_for
from accounts.models import Project, User
from llmobs.lib.http import PageRequest
from traces import ids
from traces.addresses import trace_url
from traces.conventions.values import clean_text
from traces.errors import StoreUnavailable
from traces.feedback import Target, give, said_by, take_back
from traces.queries.scores import StoredScore, scores_among, spelling_of_span
from traces.queries.spans import StoredSpan
from traces.queries.traces import Summary, Trace, summaries_of


@require_POST
@login_required
def feedback(request: PageRequest, project_slug: str, trace_id: str) -> HttpResponse:
    """Keep, change or take back what the member says of a trace or, with `span`, of a step."""
    project = project_for(request.user, project_slug)
    summary, target = _judged(project, trace_id, request.POST.get("span", ""))
    answer, note = request.POST.get("answer", ""), clean_text(request.POST.get("note", ""))
    try:
        if answer in ("yes", "no"):
            give(request.user, target, right=answer == "yes", note=note, now=timezone.now())
        elif answer == "none":
            take_back(request.user, target)
    except StoreUnavailable as problem:
        raise problem.__cause__ or problem  # noqa: B904  # by its cause the page of 503 is chosen
    if not request.htmx:
        place = "step-feedback" if target.span_id else "trace-feedback"
        return redirect(f"{trace_url(project.slug, summary.address, target.span_id)}#{place}")
    given = scores_among(project.pk, traces=[summary.trace_id])
    asked = form_of(request.user, target, summary.address, given)
    return render(request, "traces/_feedback.html", {"project": project, "feedback": asked})


def form_of(user: User, target: Target, address: str, given: list[StoredScore]) -> dict[str, Any]:
    """What the form shows: of what it is, and what the member said before. `address` is the trace's."""
    said = said_by(user, target, given)
    return {
        "place": "step-feedback" if target.span_id else "trace-feedback",
        "question": "Did this step do the right thing?" if target.span_id else "Was this answer right?",
        "address": address,
        "span": target.span_id.hex() if target.span_id else "",
        "said": said,
        "answer": None if said is None else "yes" if said.value else "no",
    }


def forms_of(user: User, project: Project, trace: Trace, span: StoredSpan, given: list[StoredScore]) -> dict[str, Any]:
    """The forms of the trace's page: of the whole, and of the step that is open."""
    summary = next(one for one in trace.summaries if one.trace_id == span.record.trace_id)
    return {
        "feedback": form_of(user, target_of(project.pk, trace.summary, None), trace.summary.address, given),
        "step_feedback": form_of(user, target_of(project.pk, summary, span), summary.address, given),
    }


def target_of(project_id: int, summary: Summary, span: StoredSpan | None) -> Target:
    """The trace, or the step of it, as a score names it."""
    if span is None:
        return Target(project_id, summary.trace_id, summary.trace_text)
    return Target(project_id, summary.trace_id, summary.trace_text, span.span_id, span.record.span_text)


def _judged(project: Project, trace_id: str, span: str) -> tuple[Summary, Target]:
    found = summaries_of(project.pk, [ids.trace_key(trace_id)])
    if not found:
        raise Http404("No trace has this id.")
    summary = found[0]
    if not span:
        return summary, target_of(project.pk, summary, None)
    key = ids.span_key(span)
    spelling = spelling_of_span(project.pk, summary.trace_id, key)
    if spelling is None:
        raise Http404("This trace has no such step.")
    return summary, Target(project.pk, summary.trace_id, summary.trace_text, key, spelling[0])
