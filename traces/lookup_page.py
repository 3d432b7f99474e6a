"""What the template of the look-up page is given. Pure but for the addresses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from accounts.models import Project
from traces.addresses import list_url, session_url, trace_url, user_url
from traces.listing import TraceRow
from traces.matches import Match, only_one, span_of
from traces.pasted import Pasted
from traces.search.grammar import Term, exactly, line_of

SHOWN_MATCHES: Final = 20
_SIGNS: Final = {"request": "traces", "trace": "traces", "span": "chain", "response": "llm", "user": "user"}
_MOST_HITS: Final = 100  # of one id: what is counted no further
_SHOWN_TRIED: Final = 6
_LONGEST_LINE: Final = 120  # characters; more is a mail or a line of a log


def match_url(project: Project, found: Sequence[Match], match: Match) -> str:
    """Where a match leads: a conversation, a user, the list of what carries a value, or a trace with its span."""
    if match.names_many and match.kind == "session":
        return session_url(project.slug, match.text)
    if match.names_many and match.kind == "user":
        return user_url(project.slug, match.text)
    if match.names_many:
        return list_url(project.slug, q=line_of([exactly(f"metadata.{match.kind}", match.text)]))
    newest = match.newest
    return trace_url(project.slug, newest.summary.address, span_of(found, newest))


def match_rows(
    project: Project, found: Sequence[Match], pasted: Pasted, rows: dict[bytes, TraceRow]
) -> list[dict[str, Any]]:
    """The matches to choose from, each with the newest trace behind it. `rows` by the key of the trace."""
    return [
        {
            "kind": match.kind,
            "sign": _SIGNS.get(match.kind, "session"),
            "url": match_url(project, found, match),
            "row": rows.get(match.newest.summary.trace_id),
            "moment": match.newest.summary.happened_at,
            "words": _words(match),
            **_marked(match.text, pasted),
        }
        for match in found[:SHOWN_MATCHES]
    ]


def remembered(pasted: Pasted, found: Sequence[Match], *, led_somewhere: bool) -> tuple[str, str]:
    """What is kept of a look-up, and what came of it. Of a mail or a log only the id that it was about, if it is one.

    Empty where there is nothing to keep.
    """
    one = only_one(found)
    is_line = "\n" not in pasted.text and (len(pasted.text) <= _LONGEST_LINE or len(pasted.text.split()) == 1)
    text = pasted.text if is_line else one.text if one else ""
    if one:
        return text, one.kind
    if found:
        return text, f"{len(found)} things"
    words = "address" if pasted.is_address else "words"
    return text, words if led_somewhere else "nothing found"


def picked(found: Sequence[Match], pasted: Pasted) -> list[dict[str, str]]:
    """What was picked out of a longer text, once each: the ids that are known, or the beginnings that were met."""
    if len(pasted.text.split()) < 2 and "\n" not in pasted.text:
        return []
    texts = {match.text: match.kind for match in found}
    begun = [one for one in pasted.beginnings if one not in texts and any(_begins(text, one) for text in texts)]
    exact = [{"name": kind, "value": text} for text, kind in texts.items() if text in pasted.ids]
    return (exact or [{"name": "starts with", "value": one} for one in begun])[:_SHOWN_TRIED]


def tried(pasted: Pasted) -> list[str]:
    """What was taken for an id, where none of it is one; empty where the whole was, or nothing looks like one."""
    return [one for one in pasted.beginnings if one != pasted.text][:_SHOWN_TRIED]


def nothing(pasted: Pasted, terms: Sequence[Term]) -> str:
    """The heading where nothing was found: of an id, of several, or of `terms`, the words that were looked for."""
    ids = tried(pasted)
    if terms and not ids and len(pasted.text.split()) > 1:
        return "No trace has these words"
    return "No trace has any of these ids" if len(ids) > 1 else "No trace has this id"


def searched(project: Project, now: datetime, *, text_up_to: datetime | None) -> str:
    """What a look-up has gone through. `text_up_to` is None where no text was searched."""
    kinds = ["request, trace, span and response ids", "sessions", "users", *project.id_keys]
    ids = f"Searched {', '.join(kinds[:-1])} and {kinds[-1]} of the last {settings.SPAN_RETENTION_DAYS} days"
    if text_up_to is None:
        return f"{ids}, up to {timezone.localtime(now):%H:%M:%S}. A text of this length is not searched for its words."
    here, today = timezone.localtime(text_up_to), timezone.localtime(now).date()
    return f"{ids}, and all text up to {here:%H:%M:%S}{'' if here.date() == today else f' on {here:%-d %B}'}."


def _words(match: Match) -> str:
    """What stands behind an id, in a line: what was asked, or how many traces there are."""
    summary = match.newest.summary
    feature = summary.feature or summary.service or ""
    if not match.names_many:
        return f"“{summary.asked}”" if summary.asked else " ".join(filter(None, (summary.name, feature)))
    count = f"{match.traces} traces" if match.traces < _MOST_HITS else f"{_MOST_HITS} traces or more"
    whose = f" by {summary.user_id}" if match.kind == "session" and summary.user_id else ""
    return (
        f"{count}{whose}{', the newest by ' if feature and match.kind == 'user' else ', ' if feature else ''}{feature}"
    )


def _marked(text: str, pasted: Pasted) -> dict[str, str]:
    """The part of an id that was pasted, and the rest of it."""
    met = max((len(one) for one in (*pasted.ids, *pasted.beginnings) if _begins(text, one)), default=0)
    return {"marked": text[:met], "rest": text[met:]}


def _begins(text: str, beginning: str) -> bool:
    return text.lower().startswith(beginning.lower())
