"""One call of a model: tokens follow from the texts, durations from the tokens."""

from dataclasses import dataclass
from typing import Any

from traces.demo.draft import Draft, Record, about_us, name
from traces.demo.shop import PROMPTS, Model
from traces.records import Json

_ASIAN_FROM = "\u3000"  # from here on about a token a letter
_CACHED_FROM = 1_024  # tokens of a prompt, below which no provider caches
_FAILURES = {
    "rate_limited": "429 Too Many Requests: {provider} is over capacity for {model}; retry after 30 s",
    "timeout": "Request timed out after {seconds:.0f} s",
    "model_error": "503 Service Unavailable: upstream connect error or disconnect before headers",
    "context_length": "400 prompt is too long: {tokens} tokens are over the limit of 200000",
    "content_filter": "400 The response was filtered: the prompt triggered the content policy (category: violence)",
}


@dataclass(frozen=True, slots=True)
class Ask:
    """What is sent to a model. `prompt` is the name and version of the system message, None for none."""

    model: Model
    messages: list[Record]
    prompt: tuple[str, str] | None = None
    parameters: tuple[tuple[str, Json], ...] = (("temperature", 0.2), ("max_tokens", 1024))
    tools: tuple[Json, ...] = ()
    streamed: bool = False
    context: str = ""  # appended to the system message

    def sent(self) -> list[Record]:
        """All messages, the system's first."""
        if self.prompt is None:
            return self.messages
        return [{"role": "system", "content": PROMPTS[self.prompt] + self.context}, *self.messages]


def tokens_of(text: str) -> int:
    """About how many tokens a text is."""
    asian = sum(letter >= _ASIAN_FROM for letter in text)
    return max(1, (len(text) - asian) // 4 + asian)


def answered(draft: Draft, ask: Ask, text: str, *, reasoning: int = 0, **fields: Any) -> Record:
    """A call that was answered with `text`, or with the `tool_calls` among `fields`. `reasoning` is in tokens."""
    model, rng, calls = ask.model, draft.rng, fields.pop("tool_calls", None)
    prompt_tokens = sum(tokens_of(_text(message)) + 4 for message in ask.sent()) + 60 * len(ask.tools)
    output_tokens = tokens_of(text) + 24 * len(calls or ()) + reasoning
    first_us = int(model.first_token_ms * 1_000 * rng.lognormvariate(0, 0.28) + prompt_tokens * 60)
    writing_us = int(output_tokens * 1e6 / model.tokens_per_second * rng.lognormvariate(0, 0.12))
    finish = fields.pop("finish_reason", "tool_calls" if calls else "stop")
    message = {"role": "assistant", "content": text or None, "finish_reason": finish}
    cached = int(prompt_tokens * rng.uniform(0.6, 0.9)) if prompt_tokens >= _CACHED_FROM and rng.random() < 0.7 else 0
    told = {
        "output": [message | ({"tool_calls": calls} if calls else {})],
        "model": model.answered,
        "response_id": name(rng, model.id_prefix, 20),
        "finish_reason": finish,
        "input_tokens": prompt_tokens,
        "output_tokens": output_tokens,
        "cache_read_tokens": cached,
        "reasoning_tokens": reasoning or None,
        "time_to_first_token_us": first_us if ask.streamed else None,
    }
    return draft.leaf("llm", f"chat {model.requested}", first_us + writing_us, **_common(ask) | told | fields)


def failed(draft: Draft, ask: Ask, failure: str, took_ms: tuple[float, float], **fields: Any) -> Record:
    """A call that was not answered: no tokens are known, and no model named itself."""
    took_us = about_us(draft.rng, *took_ms)
    message = _FAILURES[failure].format(
        provider=ask.model.provider, model=ask.model.requested, seconds=took_us / 1e6, tokens=214_806
    )
    return draft.leaf(
        "llm",
        f"chat {ask.model.requested}",
        took_us,
        **{**_common(ask), "status": "error", "failure": failure, "status_message": message, **fields},
    )


def embedded(draft: Draft, text: str, **fields: Any) -> Record:
    """The embedding of a search or a question."""
    return draft.leaf(
        "embedding",
        "embed query",
        about_us(draft.rng, 40, 130),
        provider="openai",
        model_requested="text-embedding-3-small",
        model="text-embedding-3-small",
        parameters={"dimensions": 1536},
        input=text,
        input_tokens=tokens_of(text),
        **fields,
    )


def _common(ask: Ask) -> Record:
    prompt_name, prompt_version = ask.prompt or (None, None)
    return {
        "provider": ask.model.provider,
        "model_requested": ask.model.requested,
        "parameters": dict(ask.parameters) | ({"stream": True} if ask.streamed else {}),
        "prompt_name": prompt_name,
        "prompt_version": prompt_version,
        "tools": list(ask.tools) or None,
        "input": ask.sent(),
    }


def _text(message: Record) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return " ".join(part.get("text", "x" * 3_000) for part in content)  # an image is some 750 tokens
    return content or ""
