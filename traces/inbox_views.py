"""The pages of the inbox: what was refused, one of it, and its body. For engineers: bodies hold what services sent."""

import re
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.access import project_for
from accounts.models import Project, Role
from llmobs.lib.http import PageRequest
from traces import replays
from traces.models import Refusal
from traces.queries.refusals import reason_counts, refusals
from traces.refusals import readable

PAGE_ROWS = 50
SHOWN_REJECTED = 10  # spans or records of one request; the others are folded
SHOWN_CHARACTERS = 5_000  # of a body


@require_safe
@login_required
def inbox(request: PageRequest, project_slug: str) -> HttpResponse:
    """The reasons with their counts, and the newest refused requests, of one reason where the address names one."""
    project = project_for(request.user, project_slug, role=Role.ENGINEER)
    reason = request.GET.get("reason", "").replace("\0", "") or None
    before = request.GET.get("before", "")
    found = refusals(project.pk, reason=reason, before=_number(before), limit=PAGE_ROWS + 1)
    shown = replays.of_page(project.pk, reason)
    running = any(one.finished_at is None for one in shown)
    since = timezone.now().date() - timedelta(days=settings.INBOX_RETENTION_DAYS)
    context = {
        "project": project,
        "section": "settings",
        "days": settings.INBOX_RETENTION_DAYS,
        "reason": reason,
        "counts": reason_counts(project.pk, since),
        "rows": found[:PAGE_ROWS],
        "older_url": _older_url(project, reason, found),
        "replays": shown,
        "waiting": replays.waiting_for(project.pk, reason).count() if reason and not running else 0,
    }
    return render(request, "traces/inbox.html", context)


@require_safe
@login_required
def inbox_refusal(request: PageRequest, project_slug: str, refusal_id: int) -> HttpResponse:
    """One refused request: why, from whom, and the beginning of its body."""
    project = project_for(request.user, project_slug, role=Role.ENGINEER)
    refusal = get_object_or_404(Refusal.objects.select_related("replayed_by"), pk=refusal_id, project=project)
    body = bytes(refusal.body or b"")
    context: dict[str, Any] = {
        "project": project,
        "section": "settings",
        "refusal": refusal,
        "rejected": refusal.rejected[:SHOWN_REJECTED],
        "rest": refusal.rejected[SHOWN_REJECTED:],
        "not_kept": refusal.items - len(refusal.rejected),
        "text": readable(body, refusal.encoding, SHOWN_CHARACTERS),
        "kept_bytes": len(body),
        "is_cut": not refusal.is_whole,
    }
    return render(request, "traces/inbox_refusal.html", context)


@require_safe
@login_required
def inbox_body(request: PageRequest, project_slug: str, refusal_id: int) -> HttpResponse:
    """The body as it came, to be saved and never to be shown: whatever it says it is, it is bytes here."""
    project = project_for(request.user, project_slug, role=Role.ENGINEER)
    refusal = get_object_or_404(Refusal, pk=refusal_id, project=project, body__isnull=False)
    headers = {
        "Content-Disposition": f'attachment; filename="refused-{refusal.pk}.bin"',
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(bytes(refusal.body or b""), content_type="application/octet-stream", headers=headers)


def _older_url(project: Project, reason: str | None, found: list[Refusal]) -> str | None:
    if len(found) <= PAGE_ROWS:
        return None
    query = {"before": str(found[PAGE_ROWS - 1].pk), **({"reason": reason} if reason else {})}
    return f"{reverse('traces:inbox', args=[project.slug])}?{urlencode(query)}"


def _number(said: str) -> int | None:
    return int(said) if re.fullmatch(r"[0-9]{1,18}", said) else None
