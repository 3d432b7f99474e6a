"""The conversation as the customer saw it: what they wrote and were answered, nothing of what was between. Pure.

The root knows the last turn best: calls below it mix documents and instructions into the question. What was said before
stands in the history that the last call was given.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from traces.conversation import Message, folded, is_messages, message_of, piece_of
from traces.preview import ANSWERED_KEYS, ASKED_KEYS
from traces.queries.spans import StoredSpan
from traces.queries.traces import Trace
from traces.records import Json, Payload

_DEEPEST = 4
_SPOKEN = ("text", "image", "media", "code")


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said. `span_id` is the step that the text is read from; `earlier`: before this trace."""

    message: Message
    span_id: str
    earlier: bool


def sources(trace: Trace) -> list[StoredSpan]:
    """The spans whose payloads tell the conversation: the root, then the last call that went well, else the last."""
    root = next((node.span for node in trace.nodes if node.span.record.is_root), trace.nodes[0].span)
    calls = [span for span in trace.spans if span.record.kind == "llm" and span is not root]
    last = max(calls, key=lambda span: (not span.failed, span.happened_at, span.span_id), default=None)
    return [root] if last is None else [root, last]


def transcript(told: Iterable[tuple[StoredSpan, Payload]], answered: bool) -> list[Turn]:
    """The turns, oldest first. `told`: `sources` and their payloads; `answered`: whether the customer got an answer."""
    asked: list[Turn] = []
    got: list[Turn] = []
    history: list[Turn] = []
    for span, payload in told:
        before = list(_turns(span, payload.input, "input"))
        asked = asked or before[-1:]
        history = before[:-1] if len(before) - 1 > len(history) else history
        got = got or list(_turns(span, payload.output, "output"))[-1:]
    return [*(replace(turn, earlier=True) for turn in history), *asked, *(got if answered else [])]


def _turns(span: StoredSpan, value: Json, part: str) -> Iterator[Turn]:
    """What customer and assistant say in `value`, an input or output; an input ends with the customer's last word."""
    if is_messages(value):
        spoken = [one for place, said in enumerate(value) if (one := _spoken(message_of(said, f"{part}.{place}")))]
        last = max((place for place, one in enumerate(spoken) if one.tone == "user"), default=-1)
        spoken = folded(spoken[: last + 1] if part == "input" else [one for one in spoken if one.tone == "assistant"])
        yield from (Turn(one, span.shown_id, earlier=False) for one in spoken)
        return
    found = _text_in(value, ASKED_KEYS if part == "input" else ANSWERED_KEYS, part)
    if found:
        word, tone = ("Customer", "user") if part == "input" else ("Assistant", "assistant")
        yield Turn(Message("", word, tone, [piece_of("text", found[1], found[0])]), span.shown_id, earlier=False)


def _spoken(message: Message) -> Message | None:
    """The message without what its reader never saw; None when nothing is left."""
    pieces = [piece for piece in message.pieces if piece.kind in _SPOKEN]
    return replace(message, pieces=pieces) if pieces and message.tone in ("user", "assistant") else None


def _text_in(value: Json, keys: tuple[str, ...], part: str, depth: int = 0) -> tuple[str, str] | None:
    """The name and the words of the one text that matters in an object."""
    if isinstance(value, str) and value:
        return part, value
    if not isinstance(value, dict) or depth == _DEEPEST:
        return None
    tried = (_text_in(value.get(key), keys, f"{part}.{key}", depth + 1) for key in keys)
    return next((found for found in tried if found), None)
