"""The one box: from a text that somebody pasted to what it names, in the order of how sure that is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.conf import settings

from accounts.models import Project
from llmobs.lib.timerange import TimeRange
from traces.matches import Match, matches
from traces.pasted import Address, Pasted
from traces.queries.beginnings import beginnings
from traces.queries.lookup import EVER, Hit, exact, is_request_of_any
from traces.queries.prefixes import prefixes
from traces.queries.traces import summaries_of
from traces.search.find import Found, find_within
from traces.search.grammar import QueryError, Term, parse
from traces.search.which import holders

RECENT_DAYS: Final = 31
MOST_WORDS: Final = 12  # a text of more is no question, and no trace holds all of a mail's words
WORDS_SECONDS: Final = 2.0
_MOST_VALUES: Final = 12  # of a text, that are looked for under each key
_METADATA: Final = "metadata."
# Ids of senders that are no hex have no index of their own for their beginnings.
_IDS: Final = ("trace", "span")


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What a text names: the surest kind first, newest first. Ids of spans older than `since` were not looked for."""

    found: list[Match]
    since: date


def look_up(project: Project, pasted: Pasted, today: date, *, far_back: bool = False) -> LookedUp:
    """What `pasted` names in the project; with `far_back` at once in all days that there are.

    Ids are matched whole; only where none is known, as the beginning of one; and only then as what stands behind the
    beginning that all ids of a kind share. The last days come first, and older ones are looked into where these know
    nothing: most questions are of the last days, and each day has indexes of its own. So what begins an id of the last
    days is not looked for, whole, among the older ids that stand on spans alone: mostly those of spans and of provider
    responses, whose length is usually one, so that none begins another.
    """
    looked_into = [EVER] if far_back else eras(today)
    for since in looked_into:
        hits = _known(project, pasted, since)
        if not hits and (since == EVER or not _is_older(project, pasted)):
            hits = _begun(project, pasted, since)
        if hits:
            return LookedUp(matches(hits), since)
    for since in looked_into:
        if hits := _begun_without_prefix(project, pasted, since):
            return LookedUp(matches(hits), since)
    return LookedUp([], EVER)


def eras(today: date) -> list[date]:
    """The days since which spans are looked for, one after the other."""
    return [today - timedelta(days=RECENT_DAYS), EVER] if settings.SPAN_RETENTION_DAYS > RECENT_DAYS else [EVER]


def _known(project: Project, pasted: Pasted, since: date) -> list[Hit]:
    return exact(project.pk, pasted.ids, since=since) + _held(project, _facts(_id_names(project), pasted.ids), since)


def _is_older(project: Project, pasted: Pasted) -> bool:
    """Whether `pasted` names, whole, what only older days know: order-12 is not meant to be order-1234."""
    facts = _facts(_id_names(project), pasted.ids)
    return is_request_of_any(project.pk, pasted.ids) or bool(_held(project, facts, EVER))


def _begun(project: Project, pasted: Pasted, since: date) -> list[Hit]:
    begun = beginnings(project.pk, pasted.beginnings, since=since)
    told = {(hit.kind, hit.summary.trace_id) for hit in begun}  # the ids are facts in the index of the search too
    facts = _facts([*_IDS, *_id_names(project)], pasted.beginnings)
    held = _held(project, facts, since, prefix=True)
    return [*begun, *(hit for hit in held if (hit.kind, hit.summary.trace_id) not in told)]


def _begun_without_prefix(project: Project, pasted: Pasted, since: date) -> list[Hit]:
    """Of one word with a digit, which is no word of a sentence: what begins with it behind a prefix such as `req_`."""
    alone = pasted.beginnings[0] if pasted.is_one_word and pasted.beginnings else ""
    if not any(letter.isdigit() for letter in alone):
        return []
    return beginnings(project.pk, [prefix + alone for prefix in prefixes(project.pk)], since=since)


def by_words(project: Project, pasted: Pasted, now: datetime) -> tuple[list[Found], tuple[Term, ...]]:
    """The two newest traces that hold the words of `pasted`, and what was looked for; nothing is for a long text.

    A line of the query language is understood too.
    """
    terms = _terms(pasted.text)
    if not terms:
        return [], ()
    period = TimeRange(now - timedelta(days=settings.SPAN_RETENTION_DAYS + 2), now + timedelta(days=1))
    return find_within(WORDS_SECONDS, project.pk, period, terms, limit=2).found, terms


def is_there(project: Project, address: Address) -> bool:
    """Whether the project has the trace or session that this address is of."""
    kinds = ("session",) if address.page == "sessions" else ("trace",)
    return bool(exact(project.pk, address.ids[:1], kinds))


def _terms(text: str) -> tuple[Term, ...]:
    if not 0 < len(text.split()) <= MOST_WORDS:
        return ()
    try:
        return parse(text)
    except QueryError:
        return tuple(Term(None, ":", word) for word in text.split())


def _id_names(project: Project) -> list[str]:
    """The names in the index of what the project calls ids in its metadata."""
    return [_METADATA + key for key in project.id_keys]


def _facts(names: Iterable[str], values: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, value) for name in names for value in values[:_MOST_VALUES]]


def _held(project: Project, sought: Sequence[tuple[str, str]], since: date, *, prefix: bool = False) -> list[Hit]:
    """The traces that hold one of these facts, as hits: their kind is the key of the metadata, or the field."""
    found = holders(project.pk, sought, prefix=prefix, since=since) if sought else []
    if not found:
        return []
    summaries = {one.trace_id: one for one in summaries_of(project.pk, {one.trace_id for one in found})}
    return [
        Hit(one.name.removeprefix(_METADATA), one.value, None, summaries[one.trace_id])
        for one in found
        if one.trace_id in summaries
    ]
