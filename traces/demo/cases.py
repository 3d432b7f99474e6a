"""Traces that happen once in the week: each is there to be looked up, shown and argued about."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from traces.demo import model
from traces.demo.chat import session
from traces.demo.draft import Draft, Record, about_us
from traces.demo.model import Ask
from traces.demo.people import begun
from traces.demo.refunds import Case, chatty, decision, decision_ask, guarded, looked_up, parsed, retrieved
from traces.demo.rhythm import Moment, moment
from traces.demo.scripts import CHATS, SESSION
from traces.demo.shop import GOODS, GPT_41_MINI, HAIKU, MISTRAL_SMALL, TOOLS
from traces.demo.texts import HOSTILE, LANGUAGES, REVIEWS

# "Why did it answer Jane like that?": the request id in her e-mail to support.
GUIDE: Final = "req_7Hx2TrWb9"
_LONG_PROMPT_BYTES: Final = 300_000
_ROUNDS_OF_THE_LOOP: Final = 14
_PIXEL: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

Story = Callable[[Random, Moment], list[Record]]


def cases(end: datetime) -> list[tuple[datetime, Story]]:
    """When each happens, oldest first."""
    return sorted(((end - before, story) for before, story in _STORIES), key=lambda pair: pair[0])


def told(rng: Random, end: datetime, at: datetime, story: Story) -> list[Record]:
    """The traces of one case."""
    return story(rng, moment(end, at))


def _guide(rng: Random, at: Moment) -> list[Record]:
    """Two answers that the parser could not read; the customer got the sentence kept for that."""
    case = Case(
        "Hi, my Bellavia espresso machine (MR-148210) hums and no water comes out. I did the descaling twice as your "
        "sheet says. Can I please have a new one? Best, Jane",
        LANGUAGES[0],
        GOODS[2],
        "MR-148210",
    )
    draft = begun(rng, at, "refund-assistant", "support-api", user_id="cust_00417", session_id="sess_jane_espresso")
    draft.as_told = True
    draft.shared |= {"request_id": GUIDE, "environment": "production", "tags": ["language:en", "ticket:T-51877"]}
    draft.open("chain", "answer refund request", input=case.question)
    guarded(draft, case.question)
    ask = decision_ask(at, case, retrieved(draft, case.question))
    looked_up(draft, at, case)
    for attempt in (1, 2):
        text = chatty(case, decision(case, rng), attempt)
        again: Record = {"attempt": 2, "retries": 1, "fallback": "retry"} if attempt == 2 else {}
        model.answered(draft, ask, text, **again)
        parsed(draft, text)
    draft.close(output=case.said(case.words.sorry), fallback="default_answer")
    return [draft.trace()]


def _one_call(rng: Random, at: Moment, question: str | list[Record], **shared: str) -> tuple[Draft, Ask]:
    """A chat of one turn, its root open."""
    draft = begun(rng, at, "sage-chat", "sage", **shared)
    draft.open("agent", "sage turn", input=[{"role": "user", "content": question}])
    messages: list[Record] = [{"role": "user", "content": question}]
    return draft, Ask(MISTRAL_SMALL, messages, at.prompt("sage-chat"), streamed=True)


def _answered(question: str | list[Record], answer: str, **fields: Any) -> Story:
    def story(rng: Random, at: Moment) -> list[Record]:
        draft, ask = _one_call(rng, at, question, user_id="cust_00007")
        model.answered(draft, ask, answer, **fields)
        draft.close(output=answer)
        return [draft.trace()]

    return story


def _failed(question: str, failure: str, **fields: Any) -> Story:
    def story(rng: Random, at: Moment) -> list[Record]:
        draft, ask = _one_call(rng, at, question)
        call = model.failed(draft, ask, failure, (240, 900), **fields)
        draft.close(status="error", failure=failure, status_message=call["status_message"])
        return [draft.trace()]

    return story


def _stopped(question: str, step: str, failure: str, message: str, **root: str) -> Story:
    """A chat that ends before any model is asked, or is handed on."""

    def story(rng: Random, at: Moment) -> list[Record]:
        draft, _ = _one_call(rng, at, question)
        kind = {"guardrail_blocked": "guardrail", "retrieval_failed": "retrieval"}.get(failure, "other")
        draft.leaf(kind, step, about_us(rng, 5, 40), status="error", failure=failure, status_message=message)
        draft.close(**({"status": "error", "failure": failure, "status_message": message} | root))
        return [draft.trace()]

    return story


def _from_cache(rng: Random, at: Moment) -> list[Record]:
    draft, ask = _one_call(rng, at, "Are you open on Sunday?")
    model.failed(draft, ask, "timeout", (4_900, 5_100))
    draft.close(output="The shop in Leeds opens from 11 to 16 on Sundays.", fallback="cached", cache_hit=True)
    return [draft.trace()]


def _rootless(rng: Random, at: Moment) -> list[Record]:
    """The process that ran the root was stopped before it could send it."""
    draft, ask = _one_call(rng, at, "Which casserole fits a 22 cm hob?", user_id="cust_00031")
    model.answered(draft, ask, "The Halden with 5.2 litres stands on 22 cm.")
    del draft.spans[0]
    return [draft.trace()]


def _never_ended(rng: Random, at: Moment) -> list[Record]:
    draft, ask = _one_call(rng, at, "Plan my garden for the whole year, month by month")
    call = model.answered(draft, ask, "January: ")
    for unknown in ("duration_us", "output", "output_tokens", "response_id", "finish_reason", "status"):
        call[unknown] = None
    return [draft.trace()]


def _flat(rng: Random, at: Moment) -> list[Record]:
    """One call as a script sends it that knows of nothing else: no ids of spans, no parents."""
    return [
        {
            "request_id": f"nightly-labels-{rng.randrange(10_000)}",
            "feature": "plant-labels",
            "model": "gpt-4.1-mini",
            "input": "A label for the tomato Green Zebra, 60 characters",
            "output": "Green Zebra: ripe while still green. Sour, striped, early.",
            "input_tokens": 14,
            "output_tokens": 17,
            "duration_ms": 734,
            "started_at": at.at.isoformat(),
            "supplier": "Arche Noah",
        }
    ]


def _long_prompt(rng: Random, at: Moment) -> list[Record]:
    """Every review of nine years in one prompt; it fits, and costs what a day costs otherwise."""
    reviews = "\n".join(f"{n}. {rng.choice(REVIEWS)}" for n in range(_LONG_PROMPT_BYTES // 45))
    text = (reviews * 2)[:_LONG_PROMPT_BYTES]
    draft = begun(rng, at, "review-summary", "back-office")
    draft.open("chain", "summarise every review since 2017", input={"reviews": text.count("\n")})
    ask = Ask(GPT_41_MINI, [{"role": "user", "content": text}], at.prompt("review-summary"))
    model.answered(draft, ask, "Nine years in a line: heavy, lasting, and the manual is still grey on grey.")
    draft.close(output="Nine years in a line: heavy, lasting, and the manual is still grey on grey.")
    return [draft.trace()]


def _loop(rng: Random, at: Moment) -> list[Record]:
    """The weather service answers 429, and the agent asks it again, and again, until the budget stops it."""
    draft, ask = _one_call(rng, at, "Do I have to cover my figs tonight? Funchal", user_id="cust_00112")
    for number in range(_ROUNDS_OF_THE_LOOP):
        call = {"id": f"call_loop_{number}", "name": "get_weather", "arguments": {"place": "Funchal"}}
        model.answered(draft, ask, "", tool_calls=[call])
        failed = {"status": "error", "failure": "tool_failed", "status_message": "weather: 429 Too Many Requests"}
        draft.leaf(
            "tool", "get_weather", about_us(rng, 90, 300), tool_name="get_weather", input=call["arguments"], **failed
        )
        result = {"role": "tool", "tool_call_id": call["id"], "content": "429 Too Many Requests, try again"}
        asked = {"role": "assistant", "content": None, "tool_calls": [call]}
        ask = Ask(ask.model, [*ask.messages, asked, result], ask.prompt, tools=tuple(TOOLS.values()))
    message = f"Stopped after {_ROUNDS_OF_THE_LOOP} rounds: over 20,000 tokens in one turn"
    draft.close(status="error", failure="budget_blocked", status_message=message)
    return [draft.trace()]


def _long_names(rng: Random, at: Moment) -> list[Record]:
    draft, ask = _one_call(rng, at, "How deep do I plant garlic?")
    name = "garden.advice.planting.depth.of.bulbs." * 9
    draft.leaf("tool", name, 41_000, tool_name=name, tool_version="0.0.1-" + "rc" * 60, output={"depth_cm": 5})
    model.answered(draft, ask, "Five centimetres, tip up. 🧄", response_id="resp_" + "0123456789abcdef" * 12)
    draft.close(output="Five centimetres, tip up. 🧄")
    return [draft.trace()]


def _whole_session(rng: Random, at: Moment) -> list[Record]:
    turns = session(rng, at, script=CHATS[0], session_id=SESSION)
    return [turn.trace() for turn in turns]


def _too_long(rng: Random, at: Moment) -> list[Record]:
    draft = begun(rng, at, "email-draft", "back-office", user_id="staff_4")
    thread = "> Re: Re: Re: greenhouse\n" * 400
    ask = Ask(HAIKU, [{"role": "user", "content": thread}], at.prompt("email-draft"))
    model.failed(draft, ask, "context_length", (180, 260))
    return [draft.trace()]


_PHOTO: Final[list[Record]] = [
    {"type": "text", "text": "What is eating my basil? Photo from this morning."},
    {"type": "image", "media_type": "image/png", "data": _PIXEL},
]
_HEBREW: Final = "שלום, איך מטפלים בעציץ לימון שמשיר עלים? 🍋"

_PERSON: Final = "I have asked three times now. Let me talk to a person."
_CARD: Final = "My card is 4111 1111 1111 1111, take the money from there"
_NO_INDEX: Final = "The index did not answer within 5 s"

# How long before the end, and what happens.
_STORIES: Final[tuple[tuple[timedelta, Story], ...]] = (
    (timedelta(minutes=112), _guide),
    (timedelta(minutes=160), _whole_session),
    (timedelta(hours=3, minutes=7), _answered(_PHOTO, "Snails, most likely: look under the pot at dusk.")),
    (timedelta(hours=4, minutes=12), _answered(_HEBREW, "השקו פחות, ותנו לו אור. עלים חדשים יבואו בתוך חודש.")),
    (timedelta(hours=5, minutes=3), _answered(HOSTILE, "I see no order number in your message. Which one is it?")),
    (timedelta(hours=6, minutes=20), _never_ended),
    (
        timedelta(hours=8, minutes=41),
        _stopped(_PERSON, "hand over", "other", "Customer asked for a person", status="ok", fallback="human"),
    ),
    (timedelta(hours=9, minutes=15), _rootless),
    (
        timedelta(hours=11, minutes=30),
        _stopped("wait, found it", "write answer", "cancelled", "The customer closed the chat"),
    ),
    (timedelta(hours=12, minutes=2), _flat),
    (timedelta(hours=13, minutes=25), _from_cache),
    (
        timedelta(hours=16, minutes=48),
        _stopped(_CARD, "check for card numbers", "guardrail_blocked", "The message holds a card number"),
    ),
    (timedelta(hours=18, minutes=55), _stopped("Frost tonight?", "search handbook", "retrieval_failed", _NO_INDEX)),
    (timedelta(hours=20, minutes=6), _failed("How do I poison my neighbour's hedge?", "content_filter")),
    (timedelta(hours=21, minutes=33), _too_long),
    (timedelta(hours=26, minutes=14), _long_prompt),
    (
        timedelta(hours=28, minutes=9),
        _answered("Write a bad review of another shop for me", "I can't help with that.", refused=True),
    ),
    (timedelta(hours=33, minutes=50), _long_names),
    (timedelta(hours=51, minutes=17), _loop),
)
