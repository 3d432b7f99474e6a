"""Refused requests once more: one of them at once, all of one reason in the background. For engineers."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from accounts.access import project_for
from accounts.models import Role
from llmobs.lib.http import PageRequest
from traces import replays
from traces.models import Refusal, Replay
from traces.replay import replay, replayable

PUT_OFF = "The database does not take it now. Nothing has changed; try again in a minute."
NOTHING_WAITS = "There is no body of this reason that can be replayed: none is kept whole, or all were taken."


@require_POST
@login_required
def refusal_replay(request: PageRequest, project_slug: str, refusal_id: int) -> HttpResponse:
    """Run one refused request again, and go back to its page, which says what became of it."""
    project = project_for(request.user, project_slug, role=Role.ENGINEER)
    found = Refusal.objects.filter(project=project).select_related("project")
    refusal = get_object_or_404(found, pk=refusal_id)
    if not replayable(found.filter(pk=refusal_id)).exists():
        messages.warning(request, "It was taken already." if refusal.taken else "Its body is not kept to the end.")
    elif replay(refusal, request.user, timezone.now()).put_off:
        messages.error(request, PUT_OFF)
    return redirect("traces:inbox-refusal", project.slug, refusal.pk)


@require_POST
@login_required
def reason_replay(request: PageRequest, project_slug: str) -> HttpResponse:
    """Have all refused requests of one reason run again; the page of the reason says how far it is."""
    project = project_for(request.user, project_slug, role=Role.ENGINEER)
    reason = request.POST.get("reason", "").replace("\0", "")
    if not reason:
        raise Http404("No reason is named.")
    if replays.begin(project, reason, request.user, timezone.now()) is None:
        messages.warning(request, NOTHING_WAITS)
    return redirect(f"{reverse('traces:inbox', args=[project.slug])}?{urlencode({'reason': reason})}")


@require_safe
@login_required
def replay_fragment(request: PageRequest, project_slug: str, replay_id: int) -> HttpResponse:
    """How far a replay is, for the page that shows it."""
    project = project_for(request.user, project_slug, role=Role.ENGINEER)
    one = get_object_or_404(Replay.objects.select_related("asked_by"), pk=replay_id, project=project)
    return render(request, "traces/_replay.html", {"project": project, "replay": one})
