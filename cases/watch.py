"""What becomes of a fix: when the first request with it was seen, and whether anything fails as before since.

A case is due by its row. A look reads the index of the search without a lock, and writes what it saw only where no
member has changed the case meanwhile; so it may be repeated, and run twice at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from cases import changes, mails
from cases.evidence import line_of
from cases.fix import Fix
from cases.models import Case, Event, Mail, Status
from cases.similar import terms_of
from llmobs.lib.timerange import TimeRange
from traces.queries.listed import rows_of
from traces.search import find
from traces.search.grammar import Term, exactly

MOST_COUNTED: Final = 10_000  # requests; more are "over 10,000"
MOST_EXAMPLES: Final = 3
LOOK_SECONDS: Final = 20.0  # of one search
AHEAD: Final = timedelta(days=1)  # services' clocks
WATCHED_CLOSED: Final = timedelta(days=30)  # after it was closed
# A little under the beat's 30 s while something is expected; rarer the longer nothing happened.
SOON, LATER, SELDOM = timedelta(seconds=25), timedelta(minutes=5), timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look found. None: not known.

    `examples` are keys of traces that failed with the fix, newest first; `first` is that of the first request with it,
    in the look that finds it.
    """

    searched_up_to: datetime
    fix_seen_at: datetime | None
    requests: int | None = None
    similar: int | None = None
    without: int | None = None
    examples: tuple[bytes, ...] = ()
    first: bytes | None = None


def claim_due(now: datetime) -> list[int]:
    """The ids of the cases that are due, each claimed by moving its next look ahead: only one caller gets it."""
    due = Case.objects.filter(next_due_at__lte=now)
    return [case.pk for case in due if _claimed(case, now)]


def look(case_id: int, now: datetime) -> list[int]:
    """Look once for the fix of a case, and for what fails in spite of it; the ids of the mails to send."""
    case = Case.objects.filter(pk=case_id).first()
    fix = case.the_fix if case else None
    if case is None or fix is None:
        return []
    seen = seen_of(case, fix, now)
    with transaction.atomic():
        fresh = Case.objects.select_for_update(of=("self",)).select_related("project").filter(pk=case_id).first()
        if fresh is None or _asked(fresh) != _asked(case) or (fresh.looked_at and fresh.looked_at >= now):
            return []
        return _write(fresh, seen, now)


def seen_of(case: Case, fix: Fix, now: datetime) -> Seen:
    """What there is to see of the fix at `now`. Reads only."""
    up_to = find.indexed_up_to(case.project_id, now)
    ran = [*feature_terms(case.feature), fix.term]
    first = _first(case, ran, now) if case.fix_seen_at is None else None
    seen_at, first_key = (first.happened_at, first.trace_id) if first else (case.fix_seen_at, None)
    if seen_at is None:
        return Seen(up_to, None)
    since, until = TimeRange(seen_at, now + AHEAD), now + AHEAD
    requests = _count(case.project_id, since, ran)
    failed = terms_of(case.similar)
    if not failed:
        return Seen(up_to, seen_at, requests, first=first_key)
    watched = TimeRange(case.watch_from or seen_at, until)
    again = find.find_within(LOOK_SECONDS, case.project_id, watched, [*failed, fix.term], limit=MOST_COUNTED + 1)
    without = _count(case.project_id, watched, [*failed, _not(fix.term)])
    examples = tuple(one.trace_id for one in again.found[:MOST_EXAMPLES])
    return Seen(up_to, seen_at, requests, len(again.found), without, examples, first_key)


def feature_terms(feature: str) -> list[Term]:
    """The condition that a request is of this feature; none where none is known."""
    return [exactly("feature", feature)] if feature.strip() else []


def _claimed(case: Case, now: datetime) -> bool:
    over = case.closed_at is not None and now - case.closed_at > WATCHED_CLOSED
    ahead = None if over else now + _interval(case, now)
    return bool(Case.objects.filter(pk=case.pk, next_due_at=case.next_due_at).update(next_due_at=ahead))


def _interval(case: Case, now: datetime) -> timedelta:
    if case.fix_seen_at is None or now - case.fix_seen_at < timedelta(hours=1):
        return SOON
    return LATER if now - case.fix_seen_at < timedelta(days=2) else SELDOM


def _asked(case: Case) -> tuple[object, ...]:
    """What a look depends on."""
    return (case.fix, case.similar, case.feature, case.fix_after, case.fix_seen_at, case.watch_from)


def _write(case: Case, seen: Seen, now: datetime) -> list[int]:
    case.looked_at, case.searched_up_to = now, seen.searched_up_to
    case.requests_since, case.similar_since, case.without_since = seen.requests, seen.similar, seen.without
    live = None
    if seen.fix_seen_at and case.fix_seen_at is None:
        case.fix_seen_at = case.watch_from = seen.fix_seen_at
        if case.status == Status.WAITING:
            case.status = Status.FIXED
        live = _live(case, seen, now)
    came_back = bool(seen.similar) and case.status != Status.CAME_BACK
    if came_back:
        case.status, case.closed_at = Status.CAME_BACK, None
    case.save()
    if came_back:  # which says of the fix, too, that it is there
        return _came_back(case, seen.examples, now)
    return mails.queue(case, live, now) if live and _is_news(live) else []


def _live(case: Case, seen: Seen, now: datetime) -> Event:
    """Write down that the first request with the fix was seen, and which it was."""
    said, first = seen.fix_seen_at.isoformat() if seen.fix_seen_at else "", [seen.first] if seen.first else []
    shown = _shown(case, first)
    return changes.note(case, Event(kind=Event.Kind.FIX_SEEN, at=now, after=case.fix, text=said, examples=shown))


def _is_news(live: Event) -> bool:
    """Whether to tell of a fix by mail: not where it was told before, as it was named again, nor of a closed case."""
    told = Mail.objects.filter(event__case=live.case, event__kind=live.kind, event__after=live.after)
    return live.case.status != Status.CLOSED and not told.exists()


def _came_back(case: Case, examples: Sequence[bytes], now: datetime) -> list[int]:
    """Write down that it came back, once, with examples, and queue the mails that say so."""
    text, shown = str(case.similar_since), _shown(case, examples)
    event = Event(kind=Event.Kind.CAME_BACK, at=now, after=case.fix, text=text, examples=shown)
    return mails.queue(case, changes.note(case, event), now)


def _shown(case: Case, traces: Sequence[bytes]) -> list[dict[str, str]]:
    """Traces as the history keeps them."""
    return [{"address": row.address, "line": line_of(row)} for row in rows_of(case.project_id, traces)]


def _first(case: Case, ran: Sequence[Term], now: datetime) -> find.Found | None:
    """The first request with the fix, of those that are looked for."""
    after = (case.fix_after or case.created_at) + timedelta(microseconds=1)
    found = find.find(case.project_id, TimeRange(after, now + AHEAD), ran, sort="-time", limit=1)
    return found[0] if found else None


def _count(project_id: int, period: TimeRange, terms: Sequence[Term]) -> int:
    return len(find.find_within(LOOK_SECONDS, project_id, period, terms, limit=MOST_COUNTED + 1).found)


def _not(term: Term) -> Term:
    return Term(term.field, term.compare, term.value, negated=True, phrase=term.phrase)
