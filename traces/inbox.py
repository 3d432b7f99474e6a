"""The inbox of refusals: what an ingest address did not take is kept for its sender to look at.

Nothing here is on the way of what is taken: `keep` is called once the answer is decided, in a transaction of its own,
and leaves the answer as it is, whatever becomes of it.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseProblem
from django.db import connection, transaction
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone

from accounts.authentication import key_in
from accounts.keys import VISIBLE_CHARACTERS, holder_of
from traces import rerun
from traces.conventions.values import clean_text
from traces.errors import TracesError
from traces.models import Refusal, RefusalCount
from traces.records import Rejection
from traces.refusals import alike

log = logging.getLogger(__name__)

BODY = "llmobs.body"  # where a request's META holds the body as it came, once it was read
OTHER = "Other reasons"
MOST_REASONS = 200  # of a project on one day, what a hostile sender makes up included; the rest counts as OTHER
MOST_OF_ONE_REASON = 100  # bodies a day, so that one broken client does not hide the others
MOST_REJECTED = 1_000  # spans or records of one request whose index and reason are kept
LARGEST = 2**63 - 1
_LONGEST = 500  # characters of a reason, and of what headers say

# In the order of the reasons, so that two refusals cannot lock each other out.
COUNT = """
    INSERT INTO traces_refusalcount AS kept (project_id, day, last_at, status, reason, requests, items)
    SELECT %(project)s, %(day)s, %(now)s, %(status)s::smallint, sent.reason, 1, sent.items
    FROM unnest(%(reasons)s::text[], %(items)s::bigint[]) AS sent (reason, items)
    ORDER BY sent.reason
    ON CONFLICT (project_id, day, reason) DO UPDATE
        SET requests = kept.requests + 1, items = kept.items + excluded.items, status = excluded.status,
            last_at = greatest(kept.last_at, excluded.last_at)
"""


@dataclass(frozen=True, slots=True)
class _Why:
    """What was answered. `items` has, by reason without its numbers, how many spans or records it cost."""

    status: int | None
    reason: str
    items: dict[str, int]
    rejected: list[tuple[int, str]]
    total: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A refused request as it came. `body` is no more than its beginning; None, as for `size_bytes`, is unknown."""

    method: str
    address: str
    client: str
    content_type: str
    encoding: str
    body: bytes | None
    size_bytes: int | None


def keep(request: HttpRequest, why: TracesError | Sequence[Rejection], status: int | None = None) -> None:
    """Keep and count what was refused of `request`: all of it (an error), or some spans or records. Never raises.

    `status` is what was answered where the refused spans or records were all that the request held; else None.
    Only for keys that are known, since a refusal is shown in its project. What is only put off (429, 503) is not kept:
    the client sends it again. What is refused of a replay is told to whoever replays it, and counted no second time.
    """
    keep_sent(key_in(request), partial(_sent, request), why, status)


def keep_sent(
    key: str | None, sent: Callable[[], Sent], why: TracesError | Sequence[Rejection], status: int | None = None
) -> None:
    """`keep` for what came by another way than Django's. `sent` is only asked when there is room for one more body."""
    run = rerun.running()
    if run is not None:
        run.why = why
        return
    if isinstance(why, TracesError) and why.retry_after_seconds:
        return
    try:
        holder = holder_of(key) if key else None
        if key and holder is not None:
            _keep(sent, holder.project.pk, key[:VISIBLE_CHARACTERS], _why(why, status))
    except DatabaseProblem as problem:
        log.warning("A refusal is not in the inbox; the database did not take it: %s", problem)


def keep_imported(project_id: int, sent: Sent, why: Sequence[Rejection]) -> None:
    """`keep` for a piece of a file that a member of `project_id` imports: no key and no answer. Never raises."""
    try:
        _keep(lambda: sent, project_id, "", _why(why, None))
    except DatabaseProblem as problem:
        log.warning("A refusal is not in the inbox; the database did not take it: %s", problem)


def _why(why: TracesError | Sequence[Rejection], status: int | None) -> _Why:
    if isinstance(why, TracesError):
        reason = short(str(why))
        return _Why(why.status, reason, {alike(reason): 0}, [], 0)
    rejected = [(one.index, short(one.reason)) for one in why[:MOST_REJECTED]]
    items = Counter(alike(clean_text(one.reason)) for one in why)
    return _Why(status, rejected[0][1], dict(items), rejected, len(why))


def _keep(sent: Callable[[], Sent], project_id: int, key_prefix: str, why: _Why) -> None:
    now = timezone.now()
    day = now.astimezone(UTC).date()
    first = alike(why.reason)
    refusal = _refusal(sent(), why, now) if _room(project_id, day, first) else None  # before a row is locked
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '1s'")
        items = _within(project_id, day, why.items)
        values: dict[str, Any] = {"project": project_id, "day": day, "now": now, "status": why.status}
        cursor.execute(COUNT, values | {"reasons": list(items), "items": list(items.values())})
        if refusal is not None:
            refusal.project_id, refusal.key_prefix, refusal.alike = project_id, clean_text(key_prefix), list(items)
            refusal.save(force_insert=True)


def _room(project_id: int, day: date, reason: str) -> bool:
    """Whether the project may have one more body today, of this reason too."""
    today = Refusal.objects.filter(project_id=project_id, received_at__gte=datetime.combine(day, time.min, UTC))
    kept = today.aggregate(all=Count("pk"), alike=Count("pk", filter=Q(alike__contains=[reason])))
    return bool(kept["all"] < settings.INBOX_MAX_KEPT_PER_DAY and kept["alike"] < MOST_OF_ONE_REASON)


def _within(project_id: int, day: date, items: dict[str, int]) -> dict[str, int]:
    """`items`, with what is past the day's MOST_REASONS counted as one."""
    known = set(RefusalCount.objects.filter(project_id=project_id, day=day).values_list("reason", flat=True))
    within: Counter[str] = Counter()
    for reason, number in items.items():
        if reason in known or len(known) < MOST_REASONS:
            known.add(reason)
            within[reason] += number
        else:
            within[OTHER] += number
    return dict(within)


def _refusal(sent: Sent, why: _Why, now: datetime) -> Refusal:
    return Refusal(
        received_at=now,
        status=why.status,
        reason=why.reason,
        items=why.total,
        rejected=why.rejected,
        method=short(sent.method),
        address=short(sent.address),
        client=short(sent.client),
        content_type=short(sent.content_type),
        encoding=short(sent.encoding),
        body=sent.body,
        size_bytes=sent.size_bytes,
    )


def _sent(request: HttpRequest) -> Sent:
    body, size = _body(request)
    return Sent(
        request.method or "",
        request.path,
        request.headers.get("User-Agent", ""),
        request.headers.get("Content-Type", ""),
        request.headers.get("Content-Encoding", ""),
        body,
        size,
    )


def _body(request: HttpRequest) -> tuple[bytes | None, int | None]:
    """The beginning of the body as it came, and the size of the whole; what was not read yet is read now.

    Without a length and without chunks there is none: nothing is waited for.
    """
    limit = settings.INBOX_MAX_BODY_BYTES
    read: bytes | None = request.META.get(BODY)
    declared = request.META.get("CONTENT_LENGTH") or ""
    length = min(int(declared), LARGEST) if declared.isdigit() else None
    if read is not None:
        return read[:limit], max(len(read), length or 0)
    if not length and "HTTP_TRANSFER_ENCODING" not in request.META:
        return None, length
    stream: Any = request.META["wsgi.input"]
    try:
        body: bytes = stream.read(limit if length is None else min(limit, length))
    except OSError:  # who sent it is gone
        return None, length
    request.META[BODY] = body
    return body, len(body) if length is None and len(body) < limit else length


def short(text: str) -> str:
    """A reason or a header's words as they are kept."""
    return clean_text(text)[:_LONGEST]
