"""One pair of aligned steps, opened: their facts, what they were given and what they gave. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from traces.align import Pair
from traces.conversation import SHOWN_CHARACTERS, as_text, conversation, text_at
from traces.queries.spans import StoredSpan
from traces.records import Json, Payload, SpanRecord
from traces.sentences import visible
from traces.side_facts import Fact, Facts, by_name, cost, duration, fact, number, sorted_out
from traces.sides import document_name
from traces.step import words_alone
from traces.story import PARTS, failure_words
from traces.textdiff import Row, difference, in_columns

MOST_DOCUMENTS: Final = 50  # of each side, compared
_LONGEST_TITLE: Final = 200


@dataclass(frozen=True, slots=True)
class Whole:
    """What one side said in full. `beginning` is cut where `folded`; `part` names the whole of it in its payload."""

    beginning: str
    size_bytes: int
    part: str
    folded: bool


@dataclass(frozen=True, slots=True)
class Texts:
    """What both sides were given, or gave. None where one has nothing.

    `state`: they are the same; they differ, as `rows` say; they are too long to be compared; only one side has any.
    """

    title: str
    state: Literal["same", "differ", "long", "alone"]
    a: Whole | None
    b: Whole | None
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """A document that a look-up found: its rank and score on each side, '' where it is not among them."""

    name: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class PairDetail:
    """The open pair; where one side has no step, the facts of the other alone, all among the equal ones."""

    name: str
    a: StoredSpan | None
    b: StoredSpan | None
    facts: Facts
    texts: list[Texts]
    documents: list[FoundDocument]


def detail(pair: Pair, sent_a: Payload, sent_b: Payload) -> PairDetail:
    """The open pair with the payloads of its steps."""
    a, b = (node.span if node else None for node in (pair.a, pair.b))
    shown = pair.shown.span
    return PairDetail(
        name=shown.record.name or shown.kind,
        a=a,
        b=b,
        facts=sorted_out(_facts(a or shown, b or shown, sent_a if a else sent_b, sent_b if b else sent_a)),
        texts=list(_texts(shown.kind, sent_a, sent_b)),
        documents=_documents(sent_a.documents or [], sent_b.documents or []),
    )


def _facts(a: StoredSpan, b: StoredSpan, sent_a: Payload, sent_b: Payload) -> Iterator[Fact]:
    one, other = a.record, b.record
    yield fact("Name", one.name, other.name)
    yield fact("Kind", one.kind, other.kind)
    yield fact("Went", _went(a), _went(b))
    yield fact("It said", one.status_message, other.status_message, "nothing")
    yield duration("Took", one.duration_us, other.duration_us, "not ended")
    yield duration("First token after", one.time_to_first_token_us, other.time_to_first_token_us, "not sent")
    yield from _amounts(one, other)
    yield from _ran(one, other)
    yield from by_name(_parameters(sent_a), _parameters(sent_b), "not set")
    yield fact("Tools offered", _tools(sent_a), _tools(sent_b), "none")


def _went(span: StoredSpan) -> str:
    record = span.record
    if span.failed:
        return failure_words(span)
    if record.refused:
        return "refused"
    if record.format_valid is False:
        return "answered, not readable"
    return "well" if record.ended else "not ended"


def _amounts(a: SpanRecord, b: SpanRecord) -> Iterator[Fact]:
    yield number("Tokens in", a.input_tokens, b.input_tokens)
    yield number("Of them cached", a.cache_read_tokens, b.cache_read_tokens)
    yield number("Tokens out", a.output_tokens, b.output_tokens)
    yield number("Of them reasoning", a.reasoning_tokens, b.reasoning_tokens)
    if a.cost_source or b.cost_source:
        yield cost("Cost", (a.cost_usd, 0, 1), (b.cost_usd, 0, 1))
    yield number("Try", a.attempt, b.attempt)
    yield number("Retries", a.retries, b.retries)


def _ran(a: SpanRecord, b: SpanRecord) -> Iterator[Fact]:
    """What the steps ran with, as far as the hot rows tell."""
    yield fact("Model", a.model_requested or a.model, b.model_requested or b.model)
    yield fact("Answered by", a.model, b.model)
    yield fact("Provider", a.provider, b.provider)
    for part in PARTS:
        told = [
            " ".join(filter(None, (getattr(one, f"{part}_name"), getattr(one, f"{part}_version")))) for one in (a, b)
        ]
        yield fact(part.capitalize(), *told)
    yield fact("Finished", a.finish_reason, b.finish_reason)
    yield fact("Fallback", *((one.fallback or "").replace("_", " ") for one in (a, b)))
    yield fact("From a cache", _yes(a.cache_hit), _yes(b.cache_hit))
    yield fact("Release", a.release, b.release)
    yield fact("Environment", a.environment, b.environment)


def _yes(said: bool | None) -> str | None:
    return None if said is None else "yes" if said else "no"


def _parameters(sent: Payload) -> dict[str, str]:
    return {name: as_text(value) for name, value in (sent.parameters or {}).items()}


def _tools(sent: Payload) -> str:
    offered = [one.get("function", one) if isinstance(one, dict) else {} for one in sent.tools or []]
    return ", ".join(sorted(str(one.get("name") or "tool") for one in offered if isinstance(one, dict)))


def _texts(kind: str, a: Payload, b: Payload) -> Iterator[Texts]:
    """Input, output and what was read out of it, where either side has any."""
    asked, got = words_alone(kind, a if a.input is not None else b)
    yield from _compared("Input" if kind == "llm" else asked, "input", a.input, b.input)
    if not (kind == "retrieval" and (a.documents or b.documents)):
        yield from _compared("Output" if kind == "llm" else got, "output", a.output, b.output)
    yield from _compared("Read as", "parsed_output", a.parsed_output, b.parsed_output)


def _compared(title: str, part: str, a: Json, b: Json) -> Iterator[Texts]:
    texts = [said_in(value, part) for value in (a, b)]
    if not any(texts):
        return
    wholes = [_whole(text, part) if text else None for text in texts]
    if not all(texts):
        yield Texts(title, "alone", wholes[0], wholes[1], [])
    elif texts[0] == texts[1]:
        yield Texts(title, "same", wholes[0], wholes[1], [])
    else:
        lines = difference(visible(texts[0]), visible(texts[1]))
        yield Texts(title, "long" if lines is None else "differ", wholes[0], wholes[1], in_columns(lines or []))


def said_in(value: Json, part: str) -> str:
    """An input or output as one text: messages one after the other, each under its role; anything else as JSON."""
    messages = conversation(value, part, "")
    if len(messages) == 1 and not messages[0].role:
        return as_text(value)
    said = []
    for message in messages:
        texts = []
        for piece in message.pieces:
            text = (text_at({part: value}, piece.part) or "") if piece.folded else piece.text
            heads = {"tool_call": f"calls {piece.title}", "reasoning": "thinks"}
            heads |= dict.fromkeys(("image", "media"), f"[{piece.title}]")
            texts += [head] if (head := heads.get(piece.kind)) else []
            texts += [text] if text else []
        said.append("\n".join([f"{message.role_word or message.role}:", *texts]))
    return "\n\n".join(said)


def _whole(text: str, part: str) -> Whole:
    size = len(text.encode("utf-8", "replace"))
    return Whole(visible(text[:SHOWN_CHARACTERS]), size, part, folded=len(text) > SHOWN_CHARACTERS)


def _documents(a: Sequence[Json], b: Sequence[Json]) -> list[FoundDocument]:
    """What either look-up found, in the order of the first, then what only the second has."""
    ranks = [_ranked(found) for found in (a, b)]
    return [
        FoundDocument(visible(name[:_LONGEST_TITLE]), ranks[0].get(name, ""), ranks[1].get(name, ""))
        for name in dict.fromkeys([*ranks[0], *ranks[1]])
    ]


def _ranked(found: Sequence[Json]) -> dict[str, str]:
    """Rank and score by name; of two of one name the better."""
    ranked: dict[str, str] = {}
    for rank, one in enumerate(found[:MOST_DOCUMENTS], 1):
        score = one.get("score") if isinstance(one, dict) else None
        words = f"{score:.3g}" if isinstance(score, float) else "" if score is None else str(score)[:20]
        ranked.setdefault(document_name(one), f"rank {rank}, score {words}" if words else f"rank {rank}")
    return ranked
