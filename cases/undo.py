"""One line of a case's history taken back: by a further line, so that this can be taken back as well."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from cases import changes, evidence
from cases.members import is_member
from cases.models import Case, Event, Status
from traces import ids

Kind = Event.Kind


def undo(case: Case, member: User, event: Event, now: datetime) -> str:
    """Take `event` back; why that cannot be, "" when it was done."""
    if event.kind not in changes.UNDONE:
        return "This cannot be undone."
    if event.kind == Kind.TRACE_ADDED:
        gone = evidence.remove(case.pk, member, ids.trace_key(event.after), now)
        return "" if gone else "This trace is no longer in the case."
    if event.kind == Kind.TRACE_REMOVED:
        came = evidence.add(case.pk, member, [ids.trace_key(event.before)], now)
        return "" if came else "This trace is in the case already, or it is deleted."
    with transaction.atomic():
        fresh = changes.locked(case.pk)
        if event.kind == Kind.STATUS:
            return _undo_status(fresh, member, event, now)
        if changes.value_of(fresh, event.kind) != event.after:
            return "It has been changed again since; undo the newest change of it first."
        if event.kind == Kind.ASSIGNEE and event.before and not is_member(case.project, event.before):
            return "Whoever had it before is no longer a member."
        changes.set_fields(fresh, member, {event.kind: event.before}, now)
    return ""


def _undo_status(case: Case, member: User, event: Event, now: datetime) -> str:
    if case.status != event.after:
        return "The case has moved on since."
    back = Status(event.before)
    # What came back did so in spite of the fix of then; another may have been named since.
    if back != Status.CLOSED and not (back == Status.CAME_BACK and case.fix_seen_at):
        back = case.natural_status
    changes.set_status(case, member, back, now)
    return ""
