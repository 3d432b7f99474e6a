"""All refused requests of one reason once more, in the background: a row that says how far it is, moved on by a task.

A worker holds the row by a lease while it works. One that is killed loses its request at most, which stays to be
replayed.
"""

from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from django.conf import settings
from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone

from accounts.models import Project, User
from traces.models import Refusal, Replay
from traces.replay import replay, replayable

MOST_SECONDS: Final = 5.0  # of a tick, so that no worker is kept from its alerts


def begin(project: Project, reason: str, by: User, now: datetime) -> Replay | None:
    """Have all that wait under `reason` run again; None where nothing waits. Twice is once while it is not finished."""
    waiting = waiting_for(project.pk, reason)
    total, last = waiting.count(), waiting.aggregate(last=Max("pk"))["last"]
    if not total:
        return None
    asked = {"asked_at": now, "asked_by": by, "up_to_id": last, "total": total}
    return Replay.objects.get_or_create(project=project, reason=reason, finished_at=None, defaults=asked)[0]


def waiting_for(project_id: int, reason: str) -> QuerySet[Refusal]:
    """The refusals of one reason that can be run again."""
    return replayable(Refusal.objects.filter(project_id=project_id, alike__contains=[reason]))


def of_page(project_id: int, reason: str | None) -> list[Replay]:
    """What the inbox shows: the last replay of `reason`, or without one all that are not finished."""
    found = Replay.objects.filter(project_id=project_id).select_related("asked_by")
    return list(found.filter(finished_at=None) if reason is None else found.filter(reason=reason)[:1])


def carry_on(now: datetime, most_seconds: float = MOST_SECONDS) -> None:
    """Claim one unfinished replay and run the next of its requests. Safe to call at any time, by several at once."""
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - timedelta(seconds=settings.REPLAY_LEASE_SECONDS))
    for found in Replay.objects.filter(free, finished_at=None).order_by("id"):
        if Replay.objects.filter(free, pk=found.pk, finished_at=None).update(claimed_at=now):
            _run(found, monotonic() + most_seconds)
            return


def _run(claimed: Replay, until: float) -> None:
    mine = Replay.objects.filter(pk=claimed.pk)
    try:
        while (refusal := _next(claimed)) is not None:
            if not _step(claimed, refusal) or monotonic() >= until:
                return
        mine.update(finished_at=timezone.now())
    finally:
        mine.update(claimed_at=None)


def _step(claimed: Replay, refusal: Refusal) -> bool:
    """Run one; False where it is put off. It is noted as begun before, so that none kills one worker after another."""
    mine = Replay.objects.filter(pk=claimed.pk)
    mine.update(after_id=refusal.pk, done=F("done") + 1, claimed_at=timezone.now())
    run = replay(refusal, claimed.asked_by, timezone.now())
    if run.put_off:
        mine.update(after_id=claimed.after_id, done=F("done") - 1)
        return False
    claimed.after_id = refusal.pk
    became = "taken" if run.why is None else "refused"
    mine.update(**{became: F(became) + 1, "stored": F("stored") + run.stored})
    return True


def _next(claimed: Replay) -> Refusal | None:
    waiting = waiting_for(claimed.project_id, claimed.reason).select_related("project")
    return waiting.filter(pk__gt=claimed.after_id, pk__lte=claimed.up_to_id).order_by("pk").first()
