"""A trace's entry in the index: what it is sorted and compared by, its facts and words, and its text. Pure.

Text that repeats within a trace (system prompts, the history of a conversation, what a wrapper says again) is taken
once, from the deepest and then the earliest step that has it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from traces import payload as payloads
from traces.amounts import totals_of
from traces.queries.spans import StoredSpan
from traces.records import Payload
from traces.rows import day_of
from traces.search import facets, facts
from traces.search.texts import texts_of
from traces.search.words import lexemes, normalised

# Postgres takes 1 MB of lexemes in one tsvector; what it aligns each to is counted too.
_MOST_LEXEME_BYTES: Final = 900_000
_BYTES_BESIDE: Final = 2
# What a character of text comes to in lexemes at most: two of four bytes each, and what stands beside them.
_MOST_OF_CHARACTER: Final = 10
MOST_CHARACTERS: Final = 8_000_000
_MOST_TOLD: Final = 2_000  # of which facets are made
# Before the text of a span stands this sign, 16 hex digits and a line's end; no normalised text holds either sign.
_SPAN: Final = "\x1e"
_HEAD: Final = 17
CODEC: Final = payloads.ZSTD_JSON_DICTIONARY


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of traces_entry. Amounts are None where no step tells them; `text_cut`: not all of its text is here."""

    trace_id: bytes
    happened_at: datetime
    duration_us: int | None
    cost_usd: Decimal | None
    tokens: int | None
    input_tokens: int | None
    output_tokens: int | None
    spans: int
    retries: int
    text_cut: bool
    words: frozenset[str]  # facts and lexemes
    facets: tuple[str, ...]
    text: bytes  # compressed, see `pages_of`

    def bare(self) -> "Entry":
        """The same without anything that its sender chose, which any database can hold."""
        own = frozenset(word for word in self.words if word.startswith((":status:", ":has:")) or word.count(":") == 1)
        known = tuple(one for one in self.facets if one.startswith(":status:"))
        return replace(self, text_cut=True, words=own, facets=known, text=payloads.compress(b""))

    @property
    def day(self) -> date:
        """The day it stands on, in UTC."""
        return day_of(self.happened_at)


class Draft:
    """An entry in the making: told the trace's spans at once, then their payloads one by one, in its own order."""

    def __init__(self, project_id: int, happened_at: datetime, spans: Sequence[StoredSpan]) -> None:
        self.happened_at = happened_at
        self.spans = in_reading_order(spans)
        self.full = False
        self._told = facts.told_by_spans(spans)
        self._words = {facts.project_fact(project_id), *facts.lexemes_of(self._told)}
        self._bytes = len("".join(self._words)) * 4 + _BYTES_BESIDE * len(self._words)
        self._waiting: list[str] = []
        self._waiting_bytes = 0
        self._read: set[str] = set()
        self._parts: list[str] = []
        self._characters = 0

    def read(self, span: StoredSpan, payload: Payload) -> None:
        """Take in what a span says; nothing any more once the entry is `full`."""
        if self.full:
            return
        sent = facts.metadata(payload.attributes)
        told = facts.told_by_payload(payload) | facts.told_by_metadata(sent)
        if len(self._told) < _MOST_TOLD:
            self._told |= told
        self._add(facts.lexemes_of(told))
        said = self._taken(self._new(texts_of(span, payload, sent)))
        if said:
            self._parts.append(f"{_SPAN}{span.span_id.hex()}\n" + "\n".join(said))

    def entry(self) -> Entry:
        """The entry as far as it was read."""
        totals = totals_of(self.spans)
        told = [tokens for tokens in (totals.input_tokens, totals.output_tokens) if tokens is not None]
        priced = {facts.fact("has", "price")} if totals.calls_without_price == 0 else set()
        return Entry(
            trace_id=self.spans[0].record.trace_id,
            happened_at=self.happened_at,
            duration_us=totals.duration_us,
            cost_usd=totals.cost_usd,
            tokens=sum(told) if told else None,
            input_tokens=totals.input_tokens,
            output_tokens=totals.output_tokens,
            spans=totals.spans,
            retries=facts.retries_of(self.spans),
            text_cut=self.full,
            words=frozenset().union(self._words, priced, *self._waiting_lexemes()),
            facets=facets.elements_of(self._told),
            text=payloads.compress("".join(self._parts).encode("utf-8", "replace")),
        )

    def _new(self, texts: Iterable[str]) -> list[str]:
        """What was not said before in this trace, normalised."""
        new: list[str] = []
        for text in texts:
            if text not in self._read:
                self._read.add(text)
                plain = normalised(text[: MOST_CHARACTERS + 1])
                if plain and (plain == text or plain not in self._read):
                    self._read.add(plain)
                    new.append(plain)
        return new

    def _taken(self, texts: list[str]) -> list[str]:
        """Index a span's texts; those that there was room for."""
        characters = sum(map(len, texts))
        most = _MOST_OF_CHARACTER * characters
        if self._characters + characters > MOST_CHARACTERS or not self._is_sure_of(most):
            self._take_waiting()
            return [text for text in texts if self._room_for(text)]
        self._waiting += texts
        self._waiting_bytes += most
        self._characters += characters
        return texts

    def _room_for(self, text: str) -> bool:
        """Index a text if there is room for it; a text that is too long for what is left ends the entry."""
        self._characters += len(text)
        if self._characters > MOST_CHARACTERS or not self._add(lexemes(text)):
            self.full = True
        return not self.full

    def _is_sure_of(self, size: int) -> bool:
        return self._bytes + self._waiting_bytes + size <= _MOST_LEXEME_BYTES

    def _take_waiting(self) -> None:
        """Index the texts that there is room for in any case, and see how much room is left."""
        found = [*self._waiting_lexemes()]
        self._waiting, self._waiting_bytes = [], 0
        for some in found:
            self._add(some)

    def _waiting_lexemes(self) -> Iterator[set[str]]:
        """Of all texts at once, half the work of one by one; what is not ASCII does not slow the others down."""
        for plain in (True, False):
            yield lexemes("\n".join(text for text in self._waiting if text.isascii() is plain))

    def _add(self, words: set[str]) -> bool:
        fresh = words - self._words
        size = len("".join(fresh).encode("utf-8", "replace")) + _BYTES_BESIDE * len(fresh)
        if self._waiting and not self._is_sure_of(size):
            self._take_waiting()
            return self._add(words)
        if self._bytes + size > _MOST_LEXEME_BYTES:
            return False
        self._bytes += size
        self._words |= fresh
        return True


def in_reading_order(spans: Sequence[StoredSpan]) -> list[StoredSpan]:
    """Steps without steps below them first, as wrappers repeat what those say; then by their moments."""
    parents = {span.parent_id for span in spans}
    return sorted(spans, key=lambda span: (span.span_id in parents, span.happened_at, span.span_id))


def text_of(codec: int, text: bytes) -> str:
    """An entry's text as it was put together."""
    return payloads.decompress(codec, text).decode()


def pages_of(text: str) -> Iterator[tuple[bytes, str]]:
    """The spans that say something in an entry's text, in reading order, each with its text: a line is a stretch."""
    for part in text.split(_SPAN)[1:]:
        yield bytes.fromhex(part[: _HEAD - 1]), part[_HEAD:]
