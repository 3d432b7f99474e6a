"""Requests by the minute, stored and counted as the app does it."""

import time
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import Project
from alerts.models import Rule
from alerts.rules import ensure_rules
from llmobs.lib.timerange import FIVE_MINUTES, floor
from tests import make
from traces.records import SpanRecord
from traces.rollups import rebuild_marked

QUARTER = timedelta(minutes=15)


def present() -> datetime:
    """The present, ten seconds or more before the next five minutes begin: who looks again sees the same buckets."""
    now = timezone.now()
    left = floor(now, FIVE_MINUTES) + FIVE_MINUTES - now
    if left > timedelta(seconds=10):
        return now
    time.sleep(left.total_seconds())
    return timezone.now()


def request(at: datetime, *, failed: bool = False, **fields: Any) -> list[SpanRecord]:
    """A root and its call, a cent dear and a second long unless `fields` say otherwise."""
    status = "error" if failed else "ok"
    defaults = {"started_at": at, "status": status, "duration_us": 1_000_000, "cost_usd": Decimal("0.01")}
    return make.trace(**{**defaults, "feature": "chat", "name": "answer", **fields})


def steady(start: datetime, end: datetime, count: int, **fields: Any) -> list[SpanRecord]:
    """`count` requests spread evenly from `start` up to `end`."""
    step = (end - start) / count
    return [span for place in range(count) for span in request(start + step * place, **fields)]


def some_fail(start: datetime, end: datetime, count: int, failed: int) -> list[SpanRecord]:
    """As `steady`, of which the first `failed` in each part of the stretch fail."""
    step, every = (end - start) / count, count // failed if failed else count + 1
    return [span for place in range(count) for span in request(start + step * place, failed=place % every == 0)]


def usual_days(now: datetime, days: int = 8, count: int = 60, **fields: Any) -> list[SpanRecord]:
    """`count` requests a quarter of an hour around the time of day of `now`, on each of the days before."""
    found: list[SpanRecord] = []
    for day in range(1, days + 1):
        middle = floor(now, FIVE_MINUTES) - timedelta(days=day)
        # A little of everything differs from day to day.
        found += steady(middle - 3 * QUARTER, middle + 2 * QUARTER, (count + day % 3) * 5, **fields)
    return found


def counted(project: Project, *spans: SpanRecord) -> None:
    """Store the spans and rebuild what they touched."""
    make.stored(project.pk, *spans)
    rebuild_marked(10_000)


def rule_of(project: Project, kind: str, **changes: Any) -> Rule:
    """The ready-made rule of this kind, with changes."""
    ensure_rules(project)
    Rule.objects.filter(project=project, kind=kind).update(**changes)
    return Rule.objects.get(project=project, kind=kind)
