"""Why a span failed, in one of our words, from what its sender said of the error."""

import re
from collections.abc import Mapping
from typing import Final

from traces.records import MODEL_KINDS, Json, RawSpan

# What a step is decides before what the error says: a retrieval that timed out is a retrieval that failed.
_BY_KIND: Final[Mapping[str, str]] = {
    "tool": "tool_failed",
    "retrieval": "retrieval_failed",
    "parser": "parser_failed",
    "guardrail": "guardrail_blocked",
}
# In this order: a provider's sentence about a rate limit may well mention tokens, and one about length a timeout.
_SIGNS: Final = (
    ("budget_blocked", r"budget[ _-]?(?:exceeded|exhausted|blocked|limit)|budgetexceeded|over budget"),
    (
        "rate_limited",
        r"rate[ _-]?limit|ratelimit|\b429\b|too[ _]many[ _]requests|insufficient_quota|throttl|resource_?exhausted",
    ),
    (
        "context_length",
        r"context[ _-]?(?:length|window)|maximum context|too many tokens|prompt is too long|input is too long",
    ),
    (
        "content_filter",
        r"content[ _-]?(?:filter|policy|management)|responsibleai|safety (?:system|filter|settings)|blocked by safety",
    ),
    ("cancelled", r"cancell?ed|keyboardinterrupt|abort_?error|\baborted\b"),
    ("timeout", r"time[ _-]?d?[ _-]?out|timedout|deadline[ _]?exceeded|\b(?:408|504)\b"),
    (
        "parser_failed",
        r"outputparser|jsondecode|pars(?:e|er|ing)[ _]?(?:error|exception|failed)"
        r"|(?:could not|failed to) parse|invalid json",
    ),
    ("guardrail_blocked", r"guardrail"),
)
_PATTERNS: Final = tuple((failure, re.compile(pattern)) for failure, pattern in _SIGNS)
# Where senders say what went wrong, apart from the status.
_ERROR_NAMES: Final = (
    "error.type",
    "error.code",
    "error.message",
    "exception.type",
    "exception.message",
    "http.response.status_code",
    "http.status_code",
)
_MOST_READ: Final = 2_000  # characters of each text


def failed(raw: RawSpan) -> bool:
    """Whether the span failed: by its status or, where no status was set, by naming the type of its error."""
    return raw.status == "error" or (raw.status == "unset" and bool(raw.attributes.get("error.type")))


def failure_of(kind: str, raw: RawSpan, message: str) -> str:
    """The word for the failure of a span that failed."""
    if kind in _BY_KIND:
        return _BY_KIND[kind]
    said = " ".join([message[:_MOST_READ], *_error_texts(raw)]).lower()
    for failure, pattern in _PATTERNS:
        if pattern.search(said):
            return failure
    return "model_error" if kind in MODEL_KINDS else "other"


def message_of(raw: RawSpan) -> str:
    """The error in words: the status message, else that of the exception, else that of the attributes."""
    if raw.status_message:
        return raw.status_message
    for event in raw.events:
        if event.name == "exception" and isinstance(said := event.attributes.get("exception.message"), str) and said:
            return said
    said = raw.attributes.get("error.message") or raw.attributes.get("exception.message")
    return said if isinstance(said, str) else ""


def _error_texts(raw: RawSpan) -> list[str]:
    texts = [_text(raw.attributes.get(name)) for name in _ERROR_NAMES]
    for event in raw.events[:50]:
        if event.name == "exception":
            texts.append(_text(event.attributes.get("exception.type")))
            texts.append(_text(event.attributes.get("exception.message")))
    return [text for text in texts if text]


def _text(value: Json) -> str:
    return str(value)[:_MOST_READ] if isinstance(value, (str, int)) else ""
