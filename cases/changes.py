"""What members change of a case. Every change is one transaction with its lines of history, and stands in it for good.

A change names the state that it was made from by its `edits`. What others have changed since is kept: only fields that
both have changed are a conflict, and then nothing is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.db.models import Max

from accounts.models import Project, User
from cases.models import Case, Event, Status

Kind = Event.Kind
# What a form changes: the names of Case's fields, and of the events that tell of them.
FIELDS: Final = ("title", "note", "reported_by", "assignee", "feature", "similar", "fix")
# What one press undoes.
UNDONE: Final = (*FIELDS, Kind.STATUS, Kind.TRACE_ADDED, Kind.TRACE_REMOVED)

NEXT_NUMBER = """
    INSERT INTO cases_numbers (project_id, last) VALUES (%(project)s, 1)
    ON CONFLICT (project_id) DO UPDATE SET last = cases_numbers.last + 1
    RETURNING last
"""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that somebody else has changed as well: what it is now, and who made it so when."""

    field: str
    theirs: str
    event: Event


def open_case(project: Project, member: User | None, values: Mapping[str, str], now: datetime) -> Case:
    """Make a case of these values, by FIELDS. Its number is its project's next."""
    with transaction.atomic():
        case = Case(
            project=project, number=_next_number(project), created_at=now, created_by=member, changed_at=now
        )  # fmt: skip
        for field in FIELDS:
            _put(case, field, values.get(field, ""), now)
        case.save()
        note(case, Event(kind=Kind.CREATED, member=member, at=now, after=case.title))
    return case


def change(case_id: int, member: User, values: Mapping[str, str], *, edits: int, now: datetime) -> list[Conflict]:
    """Write what `member` has changed of the state after so many edits; what stood in the way, and then nothing is.

    Twice is once: what is the same already changes nothing.
    """
    with transaction.atomic():
        case = locked(case_id)
        since = Event.objects.filter(case=case, edits__gt=edits, kind__in=FIELDS).select_related("member")
        first: dict[str, str] = {}
        last: dict[str, Event] = {}
        for event in since.order_by("id"):
            first.setdefault(event.kind, event.before)
            last[event.kind] = event
        current = {field: value_of(case, field) for field in values}
        mine = {
            field: value
            for field, value in values.items()
            if value != first.get(field, current[field]) and value != current[field]
        }
        conflicts = [Conflict(field, current[field], last[field]) for field in mine if field in last]
        if not conflicts:
            _write(case, member, mine, now)
    return conflicts


def comment(case: Case, member: User, text: str, now: datetime) -> None:
    """Put a member's words into the history."""
    with transaction.atomic():
        note(locked(case.pk), Event(kind=Kind.COMMENT, member=member, at=now, text=text))


def close(case_id: int, member: User, now: datetime) -> None:
    """Close a case. It is still watched for a while; failures up to now are known."""
    _set_status(case_id, member, Status.CLOSED, now)


def reopen(case_id: int, member: User, now: datetime) -> None:
    """Put a closed case back to where its fix stands; or go on watching one that came back, from now on."""
    _set_status(case_id, member, None, now)


def value_of(case: Case, field: str) -> str:
    """A field as forms and the history write it."""
    if field == "assignee":
        return str(case.assignee_id or "")
    value: str = getattr(case, field)
    return value


def locked(case_id: int) -> Case:
    """The case, for this transaction alone. Raises Case.DoesNotExist for one that was deleted meanwhile."""
    return Case.objects.select_for_update(of=("self",)).select_related("project").get(pk=case_id)


def note(case: Case, event: Event) -> Event:
    """Add a line to the history of a case that is locked or new."""
    event.case, event.edits = case, case.edits
    event.save()
    case.changed_at = event.at
    Case.objects.filter(pk=case.pk).update(changed_at=event.at)
    return event


def set_fields(case: Case, member: User | None, values: Mapping[str, str], now: datetime) -> None:
    """Write these fields of a locked case, with a line of history for each that changes."""
    _write(case, member, {field: value for field, value in values.items() if value != value_of(case, field)}, now)


def set_status(case: Case, member: User, status: Status, now: datetime) -> None:
    """Bring a locked case to `status`. Failures up to now do not make it come back any more."""
    if status == case.status:
        return
    before, case.status = case.status, status
    case.closed_at = now if status == Status.CLOSED else None
    if case.fix_seen_at and status in (Status.CLOSED, Status.FIXED):
        case.watch_from = max(case.fix_seen_at, now)
        case.similar_since = case.without_since = None
    case.edits += 1
    case.next_due_at = now if case.fix else None
    case.save()
    note(case, Event(kind=Kind.STATUS, member=member, at=now, before=before, after=status))


def _set_status(case_id: int, member: User, status: Status | None, now: datetime) -> None:
    with transaction.atomic():
        case = locked(case_id)
        set_status(case, member, status or case.natural_status, now)


def _write(case: Case, member: User | None, values: Mapping[str, str], now: datetime) -> None:
    if not values:
        return
    case.edits += 1
    for field, value in values.items():
        before = value_of(case, field)
        note(case, Event(kind=Kind(field), member=member, at=now, before=before, after=value))
        _put(case, field, value, now)
    case.save()


def _put(case: Case, field: str, value: str, now: datetime) -> None:
    if field == "assignee":
        case.assignee_id = int(value) if value else None
        return
    setattr(case, field, value)
    if field == "fix":
        _watch_for(case, now)
    elif field in ("similar", "feature") and case.fix_seen_at:
        case.requests_since = case.similar_since = case.without_since = None
        case.next_due_at = now


def _watch_for(case: Case, now: datetime) -> None:
    """Begin to look for the fix that was just named: after the newest trace, which it was not there for yet."""
    newest = case.traces.aggregate(at=Max("happened_at"))["at"] if case.pk else None
    case.fix_after = min(newest or now, now) if case.fix else None
    case.fix_seen_at = case.watch_from = case.looked_at = case.searched_up_to = None
    case.requests_since = case.similar_since = case.without_since = None
    case.next_due_at = now if case.fix else None
    if case.status != Status.CLOSED:
        case.status = case.natural_status


def _next_number(project: Project) -> int:
    with connection.cursor() as cursor:
        cursor.execute(NEXT_NUMBER, {"project": project.pk})
        return int(cursor.fetchone()[0])
