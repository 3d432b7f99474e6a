"""What was refused: the counts by reason, and single requests, newest first."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Max, Sum

from traces.models import Refusal, RefusalCount


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How often one reason was given. `items` counts single spans and records; `status` is the last, None for those."""

    reason: str
    status: int | None
    requests: int
    items: int
    last_at: datetime


def reason_counts(project_id: int, since: date, most: int = 50) -> list[ReasonCount]:
    """The reasons given since the day `since`, those of the most requests first, at most `most`."""
    found = (
        RefusalCount.objects.filter(project_id=project_id, day__gte=since)
        .values("reason")
        .annotate(code=Max("status"), often=Sum("requests"), singly=Sum("items"), last=Max("last_at"))
        .order_by("-often", "reason")[:most]
    )
    return [ReasonCount(one["reason"], one["code"], one["often"], one["singly"], one["last"]) for one in found]


def refusals(project_id: int, *, reason: str | None, before: int | None, limit: int) -> list[Refusal]:
    """The newest refused requests, without their bodies: those with `reason`, and older than the id `before`."""
    found = Refusal.objects.filter(project_id=project_id).defer("body", "rejected").order_by("-id")
    if reason is not None:
        found = found.filter(alike__contains=[reason])
    if before is not None:
        found = found.filter(pk__lt=before)
    return list(found[:limit])
