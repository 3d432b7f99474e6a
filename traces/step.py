"""One span as the right half of the trace page shows it. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from traces.conversation import (
    FOLD_BYTES,
    OPEN_BYTES,
    SHOWN_CHARACTERS,
    Message,
    as_text,
    attached,
    conversation,
    is_attached,
)
from traces.queries.spans import StoredSpan
from traces.queries.traces import Trace
from traces.records import Json, Payload, SpanRecord
from traces.story import failure_words
from traces.waterfall import FAMILIES

_PARTS = ("template", "retriever", "parser", "tool")
# Characters of one attribute, and of all together before the rest are cut shorter; the JSON answer has all.
_SHOWN_VALUE = 2_000
_SHOWN_TOGETHER = 100_000
_SHOWN_OF_THE_REST = 100
_ALONE = {  # what an input or output is called where it is not a conversation
    "retrieval": ("Asked for", "Found"),
    "tool": ("Arguments", "Result"),
    "parser": ("Text", "Read as"),
    "embedding": ("Text", "Vectors"),
    "rerank": ("Asked for", "Order"),
}


@dataclass(frozen=True, slots=True)
class Document:
    """One passage that a retrieval found, best first. `text` is cut when `folded`."""

    rank: int
    title: str
    score: str | None
    text: str
    size_bytes: int
    part: str
    folded: bool


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model was offered, its definition as JSON text."""

    name: str
    description: str
    text: str


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of a span; `at_us` counts from the span's start."""

    name: str
    at_us: int | None
    text: str


@dataclass(frozen=True, slots=True)
class StepDetail:
    """What the templates of the selected step read; the record's own fields are reached through it."""

    record: SpanRecord
    span_id: str
    number: int
    of: int
    family: str
    state_word: str
    state_tone: str
    messages_in: list[Message]
    messages_out: list[Message]
    attached: list[Message]
    documents: list[Document]
    tools: list[Tool]
    events: list[Happening]
    parameters: list[tuple[str, str]]
    attributes: list[tuple[str, str]]
    versions: list[tuple[str, str | None, str | None]]
    parsed_output: str | None
    parser_error: str | None
    dropped_attributes: int
    received_at: Any
    request_id: str | None
    feature: str | None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.record, name)


def detail(trace: Trace, span: StoredSpan, payload: Payload) -> StepDetail:
    """The selected step with its conversation."""
    record = span.record
    asked, got = words_alone(record.kind, payload)
    word, tone = _state(span)
    has_documents = bool(payload.documents)
    return StepDetail(
        record=record,
        span_id=span.shown_id,
        number=next(place for place, one in enumerate(trace.spans, 1) if one is span),
        of=len(trace.nodes),
        family=FAMILIES[record.kind],
        state_word=word,
        state_tone=tone,
        messages_in=conversation(payload.input, "input", asked),
        messages_out=[]
        if has_documents and record.kind == "retrieval"
        else conversation(payload.output, "output", got),
        attached=attached(payload.attributes),
        documents=_documents(payload.documents or []),
        tools=_tools(payload.tools or []),
        events=_events(payload.events or []),
        parameters=_named(payload.parameters or {}),
        attributes=_named({name: one for name, one in sorted(payload.attributes.items()) if not is_attached(one)}),
        versions=[
            (part, getattr(record, f"{part}_name"), getattr(record, f"{part}_version"))
            for part in _PARTS
            if getattr(record, f"{part}_name") or getattr(record, f"{part}_version")
        ],
        parsed_output=None
        if payload.parsed_output is None
        else next(_cut([as_text(payload.parsed_output)], FOLD_BYTES)),
        parser_error=_parser_error(trace, span),
        dropped_attributes=payload.dropped_attributes,
        received_at=span.received_at,
        request_id=record.request_id or trace.summary.request_id,
        feature=record.feature or trace.summary.feature,
    )


def words_alone(kind: str, payload: Payload) -> tuple[str, str]:
    """What input and output are called where they are no list of messages; a text to or of a model is one message."""
    if kind != "llm":
        return _ALONE.get(kind, ("Input", "Output"))
    asked = "Customer" if isinstance(payload.input, str) else "Input"
    return asked, "Assistant" if isinstance(payload.output, str) else "Output"


def _state(span: StoredSpan) -> tuple[str, str]:
    record = span.record
    if span.failed:
        why = failure_words(span)
        return why[0].upper() + why[1:], "bad"
    if not record.ended:
        return "Not ended", "warn"
    if record.refused:
        return "Refused", "warn"
    if record.format_valid is False:
        return "Answered, not readable", "warn"
    if record.fallback and record.fallback != "none":
        return f"Fallback: {record.fallback.replace('_', ' ')}", "warn"
    return ("Done", "good") if record.status == "ok" else ("", "plain")


def _parser_error(trace: Trace, span: StoredSpan) -> str | None:
    """What the parser said that read this step's answer: the first parser that started after it among its siblings."""
    if span.record.kind != "llm":
        return None
    earliest_us = span.happened_us + (span.record.duration_us or 0) - 1_000
    above = (span.parent_id, span.span_id)
    after = [
        other
        for other in trace.spans
        if other.happened_us >= earliest_us
        and other.record.parent_id in above
        and other.record.kind in ("parser", "llm")
        and other is not span
    ]
    reader = min(after, key=lambda other: other.happened_us, default=None)
    if reader is None or reader.record.kind != "parser" or not reader.failed:
        return None
    name = " ".join(filter(None, (reader.record.parser_name or reader.record.name, reader.record.parser_version)))
    return f"{name}: {reader.record.status_message or 'the answer could not be read'}"


def _documents(found: list[Json]) -> list[Document]:
    """The documents, those after the first so many bytes folded."""
    documents, left = [], OPEN_BYTES
    for place, one in enumerate(found):
        documents.append(document := _document(one, place, left))
        left -= 0 if document.folded else document.size_bytes
    return documents


def _document(one: Json, place: int, left: int) -> Document:
    found = one if isinstance(one, dict) else {"text": as_text(one)}
    text = as_text(found.get("text") or "")
    size = len(text.encode("utf-8", "replace"))
    folded = size > min(FOLD_BYTES, left)
    score = found.get("score")
    return Document(
        rank=place + 1,
        title=str(found.get("title") or found.get("id") or ""),
        score=None if score is None else f"{score:.3g}" if isinstance(score, float) else str(score),
        text=text[:SHOWN_CHARACTERS] if folded else text,
        size_bytes=size,
        part=f"documents.{place}.text" if isinstance(one, dict) else f"documents.{place}",
        folded=folded,
    )


def _tools(offered: list[Json]) -> list[Tool]:
    return [_tool(one, text) for one, text in zip(offered, _cut(map(as_text, offered), FOLD_BYTES), strict=True)]


def _tool(one: Json, text: str) -> Tool:
    said = one if isinstance(one, dict) else {}
    inner = said["function"] if isinstance(said.get("function"), dict) else said
    return Tool(str(inner.get("name") or "tool"), str(inner.get("description") or "")[:_SHOWN_VALUE], text)


def _parsed(value: Json) -> str | None:
    return None if value is None else next(_cut([as_text(value)], FOLD_BYTES))


def _events(events: list[dict[str, Json]]) -> list[Happening]:
    texts = _cut((as_text(one.get("attributes") or "") for one in events), FOLD_BYTES)
    return [_happening(one, text) for one, text in zip(events, texts, strict=True)]


def _happening(one: dict[str, Json], text: str) -> Happening:
    at_us = one.get("offset_us")
    return Happening(str(one.get("name") or "event"), at_us if isinstance(at_us, int) else None, text)


def _named(values: dict[str, Json]) -> list[tuple[str, str]]:
    return list(zip(values, _cut(map(as_text, values.values()), _SHOWN_VALUE), strict=True))


def _cut(texts: Iterable[str], each: int) -> Iterator[str]:
    """The texts, each at most `each` characters, and much less once together they are more than a page should hold."""
    left = _SHOWN_TOGETHER
    for text in texts:
        most = each if left > 0 else _SHOWN_OF_THE_REST
        left -= min(len(text), most)
        yield text if len(text) <= most else text[: most - 1] + "…"
