"""An application that answers questions, as its traces tell: five spans and 10 KB a request on average.

A trace is one request: a root, a retrieval, one to three model calls and up to two tools. One step in fifty fails. The
same seed gives the same traces.
"""

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks.words import Words, falling

SPANS_PER_TRACE = 4.9  # on average

_MS = 1_000_000  # nanoseconds
_USERS, _ERROR_RATE = 2000, 0.02
_FEATURES = ("support_chat", "product_search", "mail_draft", "contract_review", "weekly_report", "ticket_routing")
_FEATURE_WEIGHTS, _USER_WEIGHTS = falling(len(_FEATURES), 1.0), falling(_USERS, 0.8)
# Name, provider, how often, milliseconds a token.
_MODELS = (
    ("gpt-4o-mini", "openai", 40, 9.0),
    ("gpt-4o", "openai", 25, 16.0),
    ("claude-sonnet-4-5", "anthropic", 20, 18.0),
    ("claude-haiku-4-5", "anthropic", 10, 8.0),
    ("gemini-2.0-flash", "google", 5, 7.0),
)
_MODEL_WEIGHTS = [model[2] for model in _MODELS]
_TOOLS = ("find_order", "check_stock", "run_query", "search_web", "open_ticket")
_FAILURES = (
    "RateLimitError: 429, slow down",
    "APITimeoutError: no answer within 60 s",
    "BadRequestError: the prompt is longer than the context of the model",
    "ToolError: the service behind it answered 502",
)


@dataclass(slots=True)
class Span:
    """One step. Times are nanoseconds since 1970; tokens are 0 where there is no model."""

    name: str
    kind: str  # chain, retriever, llm or tool
    start: int
    end: int
    span_id: bytes
    failure: str = ""  # empty: it went well
    input: str = ""
    output: str = ""
    documents: list[tuple[str, float]] = field(default_factory=list)
    model: str = ""
    provider: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    temperature: float = 0.0
    prompt_version: str = ""
    response_id: str = ""  # empty: the provider gave none


@dataclass(slots=True)
class Trace:
    """One request: its spans in the order in which they ended, the root last."""

    trace_id: bytes
    request_id: str
    user_id: str
    session_id: str
    feature: str
    spans: list[Span]


def traces(spans: int, seed: int, *, end: int | None = None, hours: float = 168.0) -> Iterator[Trace]:
    """Traces until there are at least `spans` spans, ordered by start, spread evenly over the `hours` before `end`.

    `end` is in nanoseconds since 1970; now unless it is given.
    """
    maker = _Maker(random.Random(seed))
    end = end or time.time_ns()
    step = hours * 3600e9 / (spans / SPANS_PER_TRACE)
    made = 0
    while made < spans:
        before_end = (spans - made) / SPANS_PER_TRACE * step
        trace = maker.trace(end - int(before_end))
        made += len(trace.spans)
        yield trace


class _Maker:
    """Makes one trace after the other from one source of chance."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._words = Words(rng)

    def trace(self, start: int) -> Trace:
        rng, text = self._rng, self._words.text
        (feature,) = rng.choices(_FEATURES, cum_weights=_FEATURE_WEIGHTS)
        (user,) = rng.choices(range(_USERS), cum_weights=_USER_WEIGHTS)
        question = text(rng.randint(30, 240))
        documents = [(text(rng.randint(130, 330)), round(rng.random(), 4)) for _ in range(3)]
        steps = [self._step("retrieve", "retriever", rng.lognormvariate(3.6, 0.6), input=question, documents=documents)]
        calls, tools = rng.choices((1, 2, 3), (35, 35, 30))[0], rng.choices((0, 1, 2), (35, 35, 30))[0]
        for turn in range(max(calls, tools)):
            steps += [self._call(feature)] if turn < calls else []
            steps += [self._tool()] if turn < tools else []
        now = start + rng.randint(1, 3) * _MS
        for step in steps:
            step.start, step.end = now, now + step.end
            now = step.end + rng.randint(100_000, 2 * _MS)
        answer = next(step.output for step in reversed(steps) if step.kind == "llm")
        failure = "A step failed" if any(step.failure for step in steps) else ""
        root = Span(feature, "chain", start, now, rng.randbytes(8), failure, question, answer)
        return Trace(
            rng.randbytes(16),
            request_id=f"req_{rng.getrandbits(96):024x}",
            user_id=f"user_{user:05d}",
            session_id=f"sess_{user:05d}_{start // (6 * 3600 * 10**9):x}",
            feature=feature,
            spans=[*steps, root],
        )

    def _step(self, name: str, kind: str, milliseconds: float, **values: object) -> Span:
        """A step that starts at 0."""
        failure = self._rng.choice(_FAILURES) if self._rng.random() < _ERROR_RATE else ""
        return Span(name, kind, 0, int(milliseconds * _MS), self._rng.randbytes(8), failure, **values)  # type: ignore[arg-type]

    def _call(self, feature: str) -> Span:
        rng = self._rng
        ((model, provider, _, pace),) = rng.choices(_MODELS, _MODEL_WEIGHTS)
        prompt, answer = self._words.text(rng.randint(900, 2160)), self._words.text(rng.randint(400, 960))
        tokens = len(answer) // 4
        return self._step(
            f"chat {model}", "llm", 120 + tokens * pace * rng.lognormvariate(0, 0.35),
            input=prompt, output=answer, model=model, provider=provider, input_tokens=len(prompt) // 4,
            output_tokens=tokens, temperature=rng.choice((0.0, 0.2, 0.7)),
            prompt_version=f"{feature}@v{rng.choices((3, 4, 5), (10, 30, 60))[0]}",
        )  # fmt: skip

    def _tool(self) -> Span:
        tool = self._rng.choice(_TOOLS)
        asked = {"tool": tool, "id": self._rng.getrandbits(32), "query": self._words["name"]}
        answered = {"status": "done", "result": self._words.text(120)}
        milliseconds = self._rng.lognormvariate(4.5, 0.8)
        return self._step(
            f"execute_tool {tool}", "tool", milliseconds, input=json.dumps(asked), output=json.dumps(answered)
        )
