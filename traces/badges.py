"""What to know about a record at a glance: a word or two, and the sentence that says what it means. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from traces.notes import Note
from traces.queries.spans import StoredSpan
from traces.story import FALLBACKS, fallback_of, retries, some

# Tone and words of each note; the note itself is the sentence. Hatched ("unknown"): something is not known.
_OF_NOTES: Final = {
    "several_traces": ("plain", "Several traces"),
    "more_traces": ("plain", "Many traces"),
    "root_missing": ("unknown", "Root missing"),
    "parent_missing": ("unknown", "Parent missing"),
    "not_ended": ("unknown", "Still open"),
    "span_missing": ("unknown", "Known by logs only"),
    "start_not_sent": ("unknown", "Start not sent"),
    "start_not_believed": ("warn", "Start not believed"),
    "ends_before_start": ("warn", "Clock is off"),
    "clock_skew": ("warn", "Clock skew"),
    "clock_ahead": ("warn", "Clock ahead"),
    "received_late": ("note", "Received late"),
    "price_unknown": ("unknown", "Price unknown"),
}
_FALLBACK_MEANINGS: Final = {
    "retry": "The first answer was not used; the step was tried again.",
    "other_model": "The model that was meant to answer did not; another one did.",
    "cached": "No new answer came; one that was kept from before was given.",
    "default_answer": "No usable answer came; the one that is kept for such cases was given.",
    "human": "No answer was given by a model; a person was asked to take over.",
}
_EXPLAINED: Final = frozenset({"price_unknown", "several_traces"})  # the page says these elsewhere too


@dataclass(frozen=True, slots=True)
class Badge:
    """A thing to know about the record: tone of its ground, sign before it, and what it means in one sentence.

    `url` leads to what it is about; `is_gap`: something is missing or not to be believed, so the page says it at once.
    """

    tone: str
    text: str
    meaning: str
    sign: str = ""
    url: str | None = None
    link: str = ""
    is_gap: bool = False


@dataclass(frozen=True, slots=True)
class Cuts:
    """What clients left out of the steps that were looked at: attributes, events, links, and ends of texts."""

    steps: int = 0
    attributes: int = 0
    events: int = 0
    links: int = 0
    texts: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused request whose body names the trace. `items`: how many spans or records of it; 0 for all of it."""

    url: str
    reason: str
    items: int


def badges(spans: Sequence[StoredSpan], notes: Iterable[Note], cuts: Cuts, refused: Sequence[Refused]) -> list[Badge]:
    """What happened that was not meant to, then what is known of the record."""
    found = [*_happened(spans), *map(_of_note, notes)]
    if cuts.steps:
        found.append(Badge("unknown", "Truncated by the client", _cut_words(cuts), is_gap=True))
    if refused:
        found.append(_refused(refused))
    return found


def _happened(spans: Sequence[StoredSpan]) -> Iterable[Badge]:
    if span := fallback_of(spans):
        fallback = span.record.fallback or ""
        meaning = _FALLBACK_MEANINGS.get(fallback, FALLBACKS[fallback])
        yield Badge("warn", f"Fallback: {fallback.replace('_', ' ')}", meaning, "swap")
    if again := retries(spans):
        yield Badge("warn", some(again, "retry", "retries"), "A step was done again, as a try was no good.", "retry")
    if any(span.record.cache_hit for span in spans):
        yield Badge("plain", "From a cache", "A step took its answer from a cache instead of asking again.")


def _of_note(note: Note) -> Badge:
    tone, text = _OF_NOTES.get(note.code, ("plain", note.code.replace("_", " ").capitalize()))
    return Badge(tone, text, note.text, is_gap=note.code not in _EXPLAINED)


def _cut_words(cuts: Cuts) -> str:
    parts = [
        some(count, one, many)
        for count, one, many in (
            (cuts.attributes, "attribute", "attributes"),
            (cuts.events, "event", "events"),
            (cuts.links, "link", "links"),
            (cuts.texts, "end of a text", "ends of texts"),
        )
        if count
    ]
    steps = some(cuts.steps, "step", "steps")
    return f"The sender left out {', '.join(parts)} in {steps}: its own limits are set so."


def _refused(refused: Sequence[Refused]) -> Badge:
    first, requests = refused[0], some(len(refused), "request that names", "requests that name")
    was = "was" if len(refused) == 1 else "were"
    part = " in part" if all(one.items for one in refused) else ""
    meaning = f"{requests} this trace {was} refused{part}: what it held may be missing here."
    return Badge("bad", "Refused parts", meaning, url=first.url, link="Open it in the inbox", is_gap=True)
