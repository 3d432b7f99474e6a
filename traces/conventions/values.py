"""How one attribute's value is read. Every reader takes any value, never raises, and answers None for "says nothing".

An attribute whose value cannot be read stays among the attributes.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

from traces.errors import Unreadable
from traces.records import Json
from traces.wire.jsontext import embedded, loads

Reader = Callable[[Json], Json]
LONGEST_TEXT: Final = 1_000
_LONGEST_PROVIDER: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST: Final = 2**63 - 1
_MOST_DOLLARS: Final = Decimal(10) ** 12
_MOST_TAGS: Final = 100
_APIS: Final = ("chat", "responses", "messages", "completion", "embedding", "textembedding", "generative-ai")
_NO_PROJECT: Final = ("Default Project", "default")
SEPARATOR: Final = "\x1f"  # joins tags on their way to the database, so no tag may hold it


def clean_text(text: str) -> str:
    """`text` as a column can hold it: without NUL, which Postgres refuses, and without lone surrogates."""
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text.isascii() else text.encode("utf-8", "ignore").decode()


def text(value: Json) -> str | None:
    """A string, or what a number spells; the first of a list. Blank is None."""
    if type(value) is str:
        if len(value) <= LONGEST_TEXT and value.isascii() and "\0" not in value:
            return value.strip() or None
        return clean_text(value)[:LONGEST_TEXT].strip() or None
    if isinstance(value, list):
        value = value[0] if value else None
        return None if isinstance(value, list) else text(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)[:LONGEST_TEXT]
    return None


def long_text(value: Json) -> str | None:
    """A string that may be as long as an id may be."""
    if type(value) is str:
        if len(value) <= LONGEST_TEXT and value.isascii() and "\0" not in value:
            return value.strip() or None
        return clean_text(value)[: 2 * LONGEST_TEXT].strip() or None
    return text(value)


def unquoted(value: Json) -> str | None:
    """A text from senders that write every value as JSON: `"acme"` with its quotes is acme."""
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        try:
            return long_text(loads(value))
        except Unreadable:
            pass  # a text that happens to stand in quotes
    return long_text(value)


def provider(value: Json) -> str | None:
    """A provider's name in lower case, without the name of its API: openai.chat is openai."""
    if type(value) is str and len(value) <= _LONGEST_PROVIDER:
        return _provider(value)
    return _without_api(unquoted(value))


@lru_cache(maxsize=1024)
def _provider(value: str) -> str | None:
    """There are few of them, and every model call says one two or three times."""
    return _without_api(unquoted(value))


def _without_api(name: str | None) -> str | None:
    if name is None:
        return None
    lower = name.lower()
    head, _, api = lower.rpartition(".")
    return head if api in _APIS and head else lower


def count(value: Json) -> int | None:
    """A whole number of 0 or more that 64 bits hold, also when it comes as a float or as digits."""
    if type(value) is int:
        return value if 0 <= value <= _LARGEST else None
    if isinstance(value, str):
        return count(int(value)) if value.isascii() and value.isdigit() and len(value) < 20 else None
    if isinstance(value, float) and value.is_integer():
        return count(int(value))
    return None


def number(value: Json) -> float | None:
    """A finite number, also when it comes as digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if -1e300 < found < 1e300 else None


def truth(value: Json) -> bool | None:
    """True or false, also as the word in any case."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def dollars(value: Json) -> Decimal | None:
    """An amount of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < _MOST_DOLLARS else None


def some_dollars(value: Json) -> Decimal | None:
    """An amount above 0, from senders that say 0 where they know no price."""
    return dollars(value) or None


def seconds(value: Json) -> int | None:
    """A duration in seconds, as microseconds."""
    return _duration(value, 1e6)


def milliseconds(value: Json) -> int | None:
    """A duration in milliseconds, as microseconds."""
    return _duration(value, 1e3)


def microseconds(value: Json) -> int | None:
    """A duration in microseconds."""
    return _duration(value, 1)


def _duration(value: Json, factor: float) -> int | None:
    found = number(value)
    return round(found * factor) if found is not None and 0 <= found * factor <= _LARGEST else None


def texts(value: Json) -> list[str] | None:
    """A list of strings: as a list, as its JSON, or as one string."""
    if isinstance(value, str):
        found = embedded(value)
        value = found if isinstance(found, list) else [value]
    if not isinstance(value, list):
        return None
    return [said.replace(SEPARATOR, " ") for one in value[:_MOST_TAGS] if (said := text(one))] or None


def finish_reason(value: Json) -> str | None:
    """The first of the reasons; the spellings of "it wants to call tools" are one word, others stay as sent."""
    if isinstance(value, str) and value.startswith("["):
        value = embedded(value)
    found = text(value)
    return "tool_calls" if found in ("tool_call", "tool-calls", "tool-call") else found


def moment_ns(value: Json) -> int | None:
    """Nanoseconds since 1970 of an ISO time, in quotes or not."""
    found = unquoted(value) if isinstance(value, str) else None
    try:
        at = datetime.fromisoformat(found or "")
        return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1) * 1000
    except (ValueError, OverflowError):
        return None


def named_project(value: Json) -> str | None:
    """The name of a client's own project, but not the one that it says when nobody named it."""
    found = text(value)
    return None if found in _NO_PROJECT else found


def word_of(words: Mapping[str, str]) -> Reader:
    """A reader of a closed list of words, in any case; other words say nothing."""

    def read(value: Json) -> str | None:
        if not isinstance(value, str):
            return None
        return words.get(value) or words.get(value.strip().lower())

    return read


# How a field of SpanRecord is read where its table says nothing else; a field that is not here is text.
READERS: Final[Mapping[str, Reader]] = {
    "attempt": count,
    "retries": count,
    "cache_hit": truth,
    "refused": truth,
    "format_valid": truth,
    "confidence": number,
    "time_to_first_token_us": microseconds,
    "input_tokens": count,
    "output_tokens": count,
    "cache_read_tokens": count,
    "cache_write_tokens": count,
    "reasoning_tokens": count,
    "cost_usd": dollars,
    "tags": texts,
    "finish_reason": finish_reason,
    "request_id": long_text,
    "session_id": long_text,
    "user_id": long_text,
    "response_id": long_text,
    "status_message": long_text,
    "provider": provider,
    "attempts": count,
    "first_token_at": moment_ns,
}
