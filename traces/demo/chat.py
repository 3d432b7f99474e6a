"""Sage, the adviser by chat and voice: sessions of several turns, each a trace; streamed, with tools."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Final

from traces.demo import model
from traces.demo.draft import Draft, Record, about_us, name
from traces.demo.model import Ask
from traces.demo.people import begun, customer
from traces.demo.rhythm import Moment
from traces.demo.scripts import CHATS, Turn
from traces.demo.shop import MISTRAL_SMALL, O4_MINI, TOOLS, Model
from traces.records import Json

_FAILS: Final = 0.006
_VOICE: Final = 0.12
_TINY_OGG: Final = "T2dnUwACAAAAAAAAAADqnjMlAAAAAOyyzPIBHgF2b3JiaXM="


def session(
    rng: Random, moment: Moment, *, script: tuple[Turn, ...] | None = None, session_id: str | None = None
) -> Iterator[Draft]:
    """The turns of one conversation, each beginning when the one before was read; not a word after the week's end."""
    user_id, _ = customer(rng)
    script = script or rng.choice(CHATS)
    as_told = session_id is not None
    turns = script if as_told else script[: rng.randrange(1, len(script) + 1)]
    session_id = session_id or name(rng, "sess_", 12)
    thinking = rng.random() < 0.15
    history: list[Record] = []
    for turn in turns:
        draft = begun(rng, moment, "sage-chat", "sage", user_id=user_id, session_id=session_id, tags=["channel:chat"])
        draft.as_told = as_told
        _turn(draft, moment, turn, history, O4_MINI if thinking else MISTRAL_SMALL)
        yield draft
        moment = moment.later(draft.ended_at - draft.started_at + timedelta(seconds=rng.uniform(15, 70)))


def _turn(draft: Draft, moment: Moment, turn: Turn, history: list[Record], answers: Model) -> None:
    said, tool, result, answer = turn
    draft.open("agent", "sage turn", input=said)
    history.append({"role": "user", "content": _spoken(said) if draft.rng.random() < _VOICE else said})
    ask = Ask(answers, list(history), moment.prompt("sage-chat"), tools=tuple(TOOLS.values())[1:], streamed=True)
    if draft.mishap(_FAILS):
        call = model.failed(draft, ask, "model_error", (400, 1_500))
        draft.close(status="error", failure="model_error", status_message=call["status_message"])
        return
    if tool:
        ask = _with_tool(draft, ask, tool, result)
    model.answered(draft, ask, answer, reasoning=draft.rng.randrange(120, 600) if answers is O4_MINI else 0)
    history.append({"role": "assistant", "content": answer})
    draft.close(output=answer)


def _with_tool(draft: Draft, ask: Ask, tool: str, result: dict[str, Json]) -> Ask:
    """The model calls the tool; what it is asked next holds the result."""
    call_id, wanted = f"call_{draft.rng.getrandbits(40):010x}", next(iter(result))
    call = {"id": call_id, "name": tool, "arguments": {wanted: result[wanted]}}
    model.answered(draft, ask, "", tool_calls=[call])
    took_us = about_us(draft.rng, 120, 700)
    draft.leaf("tool", tool, took_us, tool_name=tool, tool_version="1", input=call["arguments"], output=result)
    answered = {"role": "assistant", "content": None, "tool_calls": [call]}
    given = {"role": "tool", "tool_call_id": call_id, "content": str(result)}
    return Ask(ask.model, [*ask.messages, answered, given], ask.prompt, tools=ask.tools, streamed=True)


def _spoken(text: str) -> list[Record]:
    return [{"type": "audio", "media_type": "audio/ogg", "data": _TINY_OGG}, {"type": "text", "text": text}]
