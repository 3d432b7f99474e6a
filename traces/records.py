"""What a span is, before and after its sender's words are understood. No Django, no database.

`RawSpan` is what a wire format says; `SpanRecord` is what llmobs keeps. Only `wire` and `conventions` know a sender.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

Json = Any  # str, int, float, bool, None, list and dict of these

# Kinds, statuses, failures and fallbacks are closed lists: a word that is not here is stored as the last of its list.
KINDS: Final = (
    "llm",
    "embedding",
    "retrieval",
    "rerank",
    "tool",
    "agent",
    "chain",
    "parser",
    "guardrail",
    "evaluator",
    "other",
)
# Kinds that call a model and may cost money.
MODEL_KINDS: Final = frozenset({"llm", "embedding", "rerank"})
STATUSES: Final = ("ok", "error", "unset")
FAILURES: Final = (
    "model_error",
    "rate_limited",
    "timeout",
    "context_length",
    "content_filter",
    "parser_failed",
    "retrieval_failed",
    "tool_failed",
    "guardrail_blocked",
    "budget_blocked",
    "cancelled",
    "other",
)
FALLBACKS: Final = ("none", "retry", "other_model", "cached", "default_answer", "human")


@dataclass(slots=True)
class SpanEvent:
    """Something that happened at a moment inside a span, such as an exception or the first token."""

    name: str
    time_ns: int | None
    attributes: dict[str, Json] = field(default_factory=dict)


@dataclass(slots=True)
class RawSpan:
    """One span as a wire format gave it: decoded to plain Python, not interpreted.

    `index` is its position in the flattened input. Ids are as sent (lower-case hex for OTLP). Times are nanoseconds
    since 1970; None means not sent. `fields` holds what the format says by the record's own names (the plain record).
    """

    index: int
    trace_id: str
    span_id: str
    parent_id: str | None = None
    name: str = ""
    start_ns: int | None = None
    end_ns: int | None = None
    status: str = "unset"
    status_message: str = ""
    attributes: dict[str, Json] = field(default_factory=dict)
    resource: dict[str, Json] = field(default_factory=dict)
    scope: str = ""
    events: list[SpanEvent] = field(default_factory=list)
    links: list[dict[str, Json]] = field(default_factory=list)
    dropped_attributes: int = 0
    fields: dict[str, Json] = field(default_factory=dict)
    # True where the format may send a span again with another start, or without one (the plain record, updates).
    start_may_change: bool = False
    # When its sender said this version of the span, where the format tells; of two set values the later said wins.
    said_at_ns: int | None = None
    # Fields by the record's names ("parent_id") that the format assumes where the sender said nothing: any word of a
    # sender wins over them. Only where `said_at_ns` is set.
    assumed: frozenset[str] = frozenset()


@dataclass(slots=True)
class LogRecord:
    """One log record as a wire format gave it. It belongs to the span of its two ids, and to none where they are ''.

    `index` is its position in the flattened input. `at_ns` is when it happened or, where that was not sent, when it was
    observed, in nanoseconds since 1970; None means neither was sent. `event` is its name, often all that tells a role.
    """

    index: int
    trace_id: str
    span_id: str
    at_ns: int | None = None
    event: str = ""
    body: Json = None
    attributes: dict[str, Json] = field(default_factory=dict)
    resource: dict[str, Json] = field(default_factory=dict)


@dataclass(slots=True)
class Payload:
    """The wide half of a span: what people and models wrote, and all that no column holds. None means not sent."""

    input: Json = None
    output: Json = None
    parsed_output: Json = None
    parameters: dict[str, Json] | None = None
    tools: list[Json] | None = None
    documents: list[Json] | None = None
    events: list[dict[str, Json]] | None = None
    links: list[dict[str, Json]] | None = None
    # Contents that came by logs, for as long as the span has none of its own; read through `traces.logged`.
    logged: list[dict[str, Json]] | None = None
    finish_reason_logged: bool | None = None  # true where the span's finish_reason was taken from `logged`
    # Which version said what and when, of a span whose sender tells when; read and written by `traces.versions`.
    said: dict[str, Json] | None = None
    attributes: dict[str, Json] = field(default_factory=dict)
    dropped_attributes: int = 0


@dataclass(slots=True)
class SpanRecord:
    """One span as it is kept. None means unknown, never zero.

    `trace_id` is 16 bytes, `span_id` and `parent_id` 8; the `*_text` twin holds the sender's spelling where it is not
    the lower-case hex of those bytes. Durations are microseconds. `input_tokens` includes cached tokens,
    `output_tokens` includes reasoning (OpenTelemetry's rule).
    """

    trace_id: bytes
    span_id: bytes
    parent_id: bytes | None = None
    trace_text: str | None = None
    span_text: str | None = None
    parent_text: str | None = None
    name: str = ""
    kind: str = "other"
    status: str = "unset"
    failure: str | None = None
    fallback: str | None = None
    status_message: str | None = None
    finish_reason: str | None = None
    attempt: int | None = None
    retries: int | None = None
    cache_hit: bool | None = None
    started_at: datetime | None = None  # as sent, 1970 and 2262 included
    duration_us: int | None = None  # None: never ended, or its start is unknown
    time_to_first_token_us: int | None = None
    request_id: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    feature: str | None = None  # only where a sender named it; a trace falls back to its service
    service: str | None = None
    environment: str | None = None
    release: str | None = None
    tags: list[str] | None = None
    provider: str | None = None
    model_requested: str | None = None
    model: str | None = None
    response_id: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    template_name: str | None = None
    template_version: str | None = None
    retriever_name: str | None = None
    retriever_version: str | None = None
    parser_name: str | None = None
    parser_version: str | None = None
    tool_name: str | None = None
    tool_version: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: Decimal | None = None
    cost_source: str | None = None  # sent, priced or unknown; None for what is not a model call
    refused: bool | None = None
    format_valid: bool | None = None
    confidence: float | None = None
    payload: Payload = field(default_factory=Payload)
    start_may_change: bool = False
    # `started_at` is counted back from the moment of arrival: a start that was sent, or assumed earlier, wins over it.
    start_assumed: bool = False
    ended: bool = True  # False: its sender said that it has not ended yet

    @property
    def is_placeholder(self) -> bool:
        """Whether only contents came so far, by logs, and the span itself is missing: its parent then is not known."""
        return self.start_assumed and not self.ended and not self.name

    @property
    def is_root(self) -> bool:
        """Whether it is known to have no parent."""
        return self.parent_id is None and not self.is_placeholder


@dataclass(frozen=True, slots=True)
class Rejection:
    """One item that was refused: its position in the flattened input, and a sentence that says why."""

    index: int
    reason: str


@dataclass(slots=True)
class Receipt:
    """What became of the spans of one request. accepted + duplicates + updated + len(rejected) = sent."""

    accepted: int = 0
    duplicates: int = 0
    updated: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)  # ids as sent, in order of first appearance

    @property
    def took_nothing(self) -> bool:
        """Whether all that was sent was refused."""
        return bool(self.rejected) and not (self.accepted or self.duplicates or self.updated)


@dataclass(frozen=True, slots=True)
class LogReceipt:
    """What became of the log records of one request: of how many spans contents are stored, and what was refused.

    The rest is passed over.
    """

    spans: int
    rejected: list[Rejection]

    @property
    def took_nothing(self) -> bool:
        """Whether something was refused and nothing of the request is stored."""
        return bool(self.rejected) and not self.spans
