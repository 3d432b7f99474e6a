"""What was refused: the counts by reason, and single requests, newest first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Max, Sum

from traces.arrays import Statement
from traces.models import Refusal, RefusalCount
from traces.queries.planned import Asked, Lines
from traces.refusals import names_any

NEAR = timedelta(minutes=10)
MOST_NEAR = 10


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


@dataclass(frozen=True, slots=True)
class Naming:
    """A refused request that names an id."""

    pk: int
    reason: str
    items: int


NAMING: Final = Statement.of("""
    SELECT id, reason, items, body, encoding FROM traces_refusal
    WHERE project_id = %(project)s AND received_at >= %(start)s::timestamptz AND received_at <= %(end)s::timestamptz
        AND body IS NOT NULL
    ORDER BY id DESC LIMIT %(limit)s::int
""")


def asked_near(project_id: int, start: datetime, end: datetime) -> Asked:
    """For `naming`: the newest refused requests from ten minutes before `start` to ten after `end`."""
    values = {"project": project_id, "start": start - NEAR, "end": end + NEAR, "limit": MOST_NEAR}
    return Asked(NAMING, values)


def naming(lines: Lines, words: Iterable[bytes]) -> list[Naming]:
    """Of the newest ten refused requests from ten minutes before `start` to ten after `end`: those that name one.

    `words` are ids as bodies hold them. Bodies are searched as far as they were kept; which of their parts was refused
    is not told, so that a request that names the trace may have been refused for another one's part.
    """
    sought = list(words)
    return [Naming(*line[:3]) for line in lines if names_any(bytes(line[3]), line[4], sought)]
