"""What a case says of itself, in whole sentences. Plain text: templates escape it."""

from datetime import datetime

from django.utils import timezone

from cases.models import Case, Status
from cases.watch import MOST_COUNTED, WATCHED_CLOSED
from llmobs.lib.templatetags.figures import NBSP, count

# By status: the tone that it is shown in, and its sign.
TONES = {
    Status.OPEN: ("plain", "plain"),
    Status.WAITING: ("warn", "clock"),
    Status.FIXED: ("good", "good"),
    Status.CAME_BACK: ("bad", "bad"),
    Status.CLOSED: ("plain", "good"),
}

NO_FIX = (
    "No fix is named yet. When one is, this page says when it goes live, "
    "and whether anything fails like this in spite of it."
)


def sentence(case: Case) -> str:
    """How the case stands, in one sentence or two."""
    fix = case.the_fix
    if case.status == Status.CLOSED and case.closed_at:
        return f"Closed {at(case.closed_at)}. {_watched(case)}"
    if fix is None:
        return NO_FIX
    if case.fix_seen_at is None:
        of = f" of {case.feature}" if case.feature else ""
        return f"Waiting for {fix.words}, which no request{of} has run with yet."
    if case.status == Status.CAME_BACK:
        return f"It came back: {counted(case)}"
    return f"{capital(fix.words)} was first seen {at(case.fix_seen_at)}. {counted(case)}"


def counted(case: Case) -> str:
    """How many requests ran with the fix, and how many of them failed as before."""
    if case.requests_since is None:
        return "What came since is being counted."
    fix = case.the_fix
    words = fix.words if fix else "it"
    since = f" since {at(case.watch_from)}" if case.watch_from and case.fix_seen_at != case.watch_from else " since"
    ran = f"{things(case.requests_since, 'request')} with {words}"
    if not case.similar:
        return f"{capital(ran)}. Nobody has said what counts as similar, so it is not known whether it comes back."
    if case.similar_since is None:
        return f"{capital(ran)}; its failures are being counted."
    return f"{capital(ran)}, {things(case.similar_since, 'similar failure')}{since}."


def besides(case: Case) -> str:
    """Similar failures that ran without the fix, which say nothing against it; "" where there is none."""
    if not case.without_since or not case.the_fix:
        return ""
    failures = things(case.without_since, "similar failure")
    return f"{capital(failures)} came without {case.the_fix.words}: something still runs what was there before."


def not_known(case: Case) -> str:
    """What the last look could not see; "" where it saw all."""
    if not case.fix:
        return ""
    if case.looked_at is None or case.searched_up_to is None:
        return "Nobody has looked yet; the first look comes within half a minute."
    if (case.looked_at - case.searched_up_to).total_seconds() > 10:
        return f"The index reaches to {at(case.searched_up_to)}: what has come since is not in these figures yet."
    return ""


def things(number: int, word: str) -> str:
    """`no requests`, `1 request`, `1,240 requests`, `over 10,000 requests`."""
    amount = f"over {count(MOST_COUNTED)}" if number > MOST_COUNTED else count(number) if number else "no"
    return f"{amount}{NBSP}{word}{'' if number == 1 else 's'}"


def at(moment: datetime | None) -> str:
    """A moment in the member's zone, within a sentence: `at 14:02`, `at 14:02 on 3 November`."""
    if moment is None:
        return "at a moment that is not known"
    here, today = timezone.localtime(moment), timezone.localtime()
    if here.date() == today.date():
        return f"at {here:%H:%M}"
    return f"at {here:%H:%M} on {here.day} {here:%B}{'' if here.year == today.year else f' {here.year}'}"


def title_of(similar: str, asked: str) -> str:
    """What a new case is called until somebody writes better: what went wrong, else what was asked."""
    return (similar or asked)[:120]


def _watched(case: Case) -> str:
    if not case.fix or case.closed_at is None:
        return "It names no fix, so nothing is watched."
    last = case.closed_at + WATCHED_CLOSED
    if last < timezone.now():
        return "It is no longer watched."
    return f"Until {timezone.localtime(last).day} {timezone.localtime(last):%B} it is opened again when it comes back."


def capital(text: str) -> str:
    """The text with a capital letter in front."""
    return text[:1].upper() + text[1:]
