"""The rows of a list of traces: what is known of a trace in one line. Pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One trace in a list. None means unknown. `trace_id` is as its sender wrote it, `key` the 16 bytes."""

    trace_id: str
    address: str
    key: bytes
    state_word: str
    state_tone: str
    happened_at: datetime
    sent_name: str | None
    asked: str | None
    answered: str | None
    request_id: str | None
    session_id: str | None
    user_id: str | None
    feature: str | None
    environment: str | None
    release: str | None
    model: str | None
    prompt: str | None
    duration_us: int | None
    spans: int
    calls: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None
    calls_without_price: int

    @property
    def name(self) -> str:
        return self.sent_name or "no name sent"

    @property
    def failed(self) -> bool:
        return self.state_tone == "bad"

    @property
    def tokens(self) -> int | None:
        """In and out together; None when neither is known."""
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return (self.input_tokens or 0) + (self.output_tokens or 0)


@dataclass(frozen=True, slots=True)
class TraceSigns:
    """What tells how a trace went. `failed`: its root did or, while no root has come, any step."""

    failed: bool
    step_failed: bool
    fell_back: bool
    tried_again: bool
    finished: bool


def outcome(signs: TraceSigns) -> tuple[str, str]:
    """How a trace went: a word, and the tone it is shown in."""
    if signs.failed:
        return "No answer", "bad"
    if signs.fell_back:
        return "Fallback", "warn"
    if signs.step_failed:
        return "A step failed", "warn"
    if signs.tried_again:
        return "2nd try", "warn"
    return ("Answered", "good") if signs.finished else ("Not finished", "plain")
