"""The history of a case, newest first, as its page tells it. Pure but for the words of times."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from accounts.models import User
from cases import changes, words
from cases.fix import Fix
from cases.members import name_of
from cases.models import Case, Event, Mail, Status

Kind = Event.Kind
_NAMES = {
    Kind.TITLE: "the title",
    Kind.REPORTED_BY: "who reported it",
    Kind.FEATURE: "the feature",
    Kind.SIMILAR: "what counts as similar",
}
_DONE = {
    Kind.CREATED: "made the case",
    Kind.TRACE_ADDED: "added a trace",
    Kind.TRACE_REMOVED: "removed a trace",
    Kind.COMMENT: "wrote",
}
_TONES = {Kind.CAME_BACK: "bad", Kind.FIX_SEEN: "mark", Kind.FIX: "mark"}
_MAILS = {
    Mail.State.SENT: "Mail sent to {}.",
    Mail.State.FAILED: "The mail to {} was not sent: {}",
    Mail.State.PENDING: "A mail to {} waits to be sent. {}",
    Mail.State.SENDING: "A mail to {} is being sent.",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: when, what, what was said or stood there before. `undo` is the event that can be taken back."""

    event: Event
    at: datetime
    what: str
    hint: str = ""
    said: str = ""  # a member's own words
    before: str = ""
    address: str = ""  # of a trace
    tone: str = ""
    undo: bool = False
    examples: list[dict[str, str]] = field(default_factory=list)


def entries(case: Case, events: Iterable[Event], mails: Iterable[Mail], people: Mapping[str, User]) -> list[Entry]:
    """The history in words. `people` are the members that were ever given the case, by id."""
    told: dict[int, list[str]] = {}
    for mail in mails:
        told.setdefault(mail.event_id, []).append(_MAILS[Mail.State(mail.state)].format(mail.address, mail.failure))
    newest = {event.kind: event.pk for event in sorted(events, key=lambda one: one.pk)}
    return [
        _entry(case, event, people, " ".join(told.get(event.pk, [])), latest=newest[event.kind] == event.pk)
        for event in events
    ]


def _entry(case: Case, event: Event, people: Mapping[str, User], mailed: str, *, latest: bool) -> Entry:
    kind = Kind(event.kind)
    who = name_of(event.member) if event.member_id or kind not in (Kind.SIMILAR, Kind.FEATURE) else ""
    what, hint, before = _said(event, who, people)
    if kind in (Kind.FIX_SEEN, Kind.CAME_BACK) and latest and case.fix == event.after:
        hint = words.counted(case) if kind == Kind.FIX_SEEN else hint
    return Entry(
        event=event,
        at=event.at,
        what=what,
        hint=" ".join(filter(None, [hint, mailed])),
        said=event.text if kind == Kind.COMMENT else "",
        before=before,
        address=event.after if kind == Kind.TRACE_ADDED else "",
        tone=_TONES.get(kind, ""),
        undo=_undoable(case, event, latest=latest),
        examples=event.examples,
    )


def _said(event: Event, who: str, people: Mapping[str, User]) -> tuple[str, str, str]:
    """What happened, a hint, and the value that stood there before."""
    kind, fix = Kind(event.kind), Fix.read(event.after)
    named = fix.words if fix else "the fix"
    if kind in _NAMES:
        return f"{who or 'The traces'} changed {_NAMES[kind]}", event.after or "none now", event.before
    if kind == Kind.NOTE:
        return f"{who} {'changed' if event.before else 'wrote'} the note", "", event.before
    if kind == Kind.ASSIGNEE:
        return f"{who} gave the case to {name_of(people.get(event.after)) if event.after else 'nobody'}", "", ""
    if kind == Kind.FIX:
        return f"{who} {f'named the fix: {named}' if fix else 'took the fix away'}", "", _fix_before(event)
    if kind == Kind.FIX_SEEN:
        return _seen(named, event), "", ""
    if kind == Kind.CAME_BACK:
        return f"It came back in spite of {named}", _again(event, named), ""
    did = _moved(event) if kind == Kind.STATUS else _DONE[kind]
    return f"{who} {did}", event.text if kind != Kind.COMMENT else "", ""


def _seen(named: str, event: Event) -> str:
    return f"{words.capital(named)} was first seen {words.at(datetime.fromisoformat(event.text))}"


def _again(event: Event, named: str) -> str:
    number = int(event.text) if event.text.isdecimal() else 0
    return words.capital(f"{words.things(number, 'similar failure')} with {named}.") if number else ""


def _fix_before(event: Event) -> str:
    fix = Fix.read(event.before)
    return fix.words if fix else ""


def _moved(event: Event) -> str:
    if event.after == Status.CLOSED:
        return "closed the case"
    if event.before == Status.CAME_BACK:
        return "goes on watching: failures up to here are known"
    return "opened the case again"


def _undoable(case: Case, event: Event, *, latest: bool) -> bool:
    """Whether one press takes it back: the newest change of each field, and what was done with traces."""
    if event.kind in (Kind.TRACE_ADDED, Kind.TRACE_REMOVED):
        return True
    if event.kind == Kind.STATUS:
        return latest and case.status == event.after
    return event.kind in changes.FIELDS and latest and changes.value_of(case, event.kind) == event.after
