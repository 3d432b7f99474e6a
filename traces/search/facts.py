"""What is known of a trace besides its text, as lexemes: `:model:gpt-4o`, `:has:retry`, `:metadata.order_id:77`. Pure.

The names are those of `fields.FIELDS`; a fact stands for a trace when one of its steps says so, but for `status`, which
is the request's. No word of a text begins with a colon, so facts and text share an index.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from typing import Final

import orjson

from traces.media import named
from traces.queries.spans import StoredSpan
from traces.records import Json, Payload, SpanRecord
from traces.search.words import normalised

# What stands in every entry of a project: it keeps projects apart inside the index too.
PROJECT: Final = ":{}"
_LONGEST: Final = 200  # characters of a value, and of a key; of longer ones the rest is hashed
_MOST_METADATA: Final = 200  # values of one span
# What names of attributes begin with, or hold, before a key that the sender chose.
_METADATA: Final = ("metadata.", "association.properties.")
_OWN: Final = ("app.", "llmobs.")
_JSON: Final = frozenset('"{[')  # what a text of JSON begins with

_OF_SPANS: Final = (
    ("provider", "provider"), ("failure", "failure"), ("user", "user_id"), ("session", "session_id"),
    ("request", "request_id"), ("response", "response_id"), ("env", "environment"), ("release", "release"),
    ("service", "service"), ("feature", "feature"), ("kind", "kind"), ("name", "name"), ("finish", "finish_reason"),
    ("model", "model"), ("model", "model_requested"), ("trace", "trace_text"), ("span", "span_text"),
)  # fmt: skip
_fields_of: Final = attrgetter(*(field for _, field in _OF_SPANS))
_NAMES: Final = tuple(name for name, _ in _OF_SPANS)
# Parts with a version of their own: found by their name alone and by name@version.
_VERSIONED: Final = ("prompt", "template", "retriever", "parser", "tool")
_versions_of: Final = attrgetter(*(f"{part}_{end}" for end in ("name", "version") for part in _VERSIONED))
# What there is of a trace when one of its steps has it.
_HAD: Final = (
    ("refusal", "refused"), ("cached", "cache_hit"), ("feature", "feature"), ("session", "session_id"),
    ("user", "user_id"), ("prompt", "prompt_name"), ("prompt", "prompt_version"), ("release", "release"),
)  # fmt: skip
_had_of: Final = attrgetter(*(field for _, field in _HAD))
_HAD_WORDS: Final = tuple(word for word, _ in _HAD)


@lru_cache(maxsize=16_384)
def fact(name: str, value: str) -> str:
    """The lexeme for a field and its value. Case and blanks at the ends make no difference."""
    return head(name) + _short(_clean(value))


def beginning(name: str, value: str) -> str:
    """What the lexemes of all values of a field begin with that begin with `value`."""
    return head(name) + _clean(value)[:_LONGEST]


@lru_cache(maxsize=1024)
def head(name: str) -> str:
    """What all lexemes of a field begin with."""
    return f":{_short(_clean(name))}:"


def project_fact(project_id: int) -> str:
    """The lexeme that all entries of a project hold."""
    return PROJECT.format(project_id)


def _clean(value: str) -> str:
    return normalised(value.replace("\0", ""))


def _short(value: str) -> str:
    if len(value) <= _LONGEST:
        return value
    return value[:_LONGEST] + "#" + blake2b(value.encode(), digest_size=12).hexdigest()


# Names of fields, or of metadata as `metadata.order_id`, and their values.
Told = set[tuple[str, str]]


def lexemes_of(told: Told) -> set[str]:
    """What is told as facts."""
    return {fact(name, value) for name, value in told}


def told_by_spans(spans: Sequence[StoredSpan]) -> Told:
    """What the narrow rows of a trace's spans tell, as it was sent."""
    records = [span.record for span in spans]
    told: Told = {one for record in records for one in zip(_NAMES, _fields_of(record), strict=True) if one[1]}
    told |= {("tag", tag) for record in records for tag in record.tags or ()}
    told |= {("fallback", fallback) for record in records if (fallback := record.fallback) not in (None, "none")}
    told |= {part for record in records for part in _versions(record)}
    told |= {("status", status) for status in _statuses(spans)}
    if not any(name == "feature" for name, _ in told):
        told |= {("feature", record.service) for record in records if record.service}
    return told | {("has", word) for word in _has(spans)}


def told_by_payload(payload: Payload) -> Told:
    """What there is in a span's payload."""
    told: Told = set()
    if payload.documents:
        told.add(("has", "retrieval"))
    if _media_in(payload.input) or _media_in(payload.output) or any(map(named, payload.attributes.values())):
        told.add(("has", "media"))
    return told


def told_by_metadata(sent: Iterable[tuple[str, str]]) -> Told:
    """What the sender of a span sent along, as `metadata` gives it."""
    return {(f"metadata.{key}", value) for key, value in sent}


def metadata(attributes: dict[str, Json]) -> list[tuple[str, str]]:
    """The keys and values that the sender chose: after `metadata.` or `app.`, or a name without a dot."""
    found: list[tuple[str, str]] = []
    for name, value in attributes.items():
        key = _key(name)
        if key is not None and len(found) < _MOST_METADATA:
            found += _flat(key, value)
    return found[:_MOST_METADATA]


@lru_cache(maxsize=1024)
def _key(name: str) -> str | None:
    """The sender's own key in an attribute's name; "" for the object that holds them all, None where there is none."""
    for holder in _METADATA:
        before, found, key = name.partition(holder)
        if found and (not before or before.endswith(".")):
            return key
    if name == "metadata" or name.endswith(".metadata"):
        return ""
    for own in _OWN:
        if name.startswith(own):
            return name.removeprefix(own)
    return None if "." in name else name


def _flat(key: str, value: Json) -> list[tuple[str, str]]:
    """The single values at and directly below a key. What is a JSON text is read: Langfuse writes every value so."""
    if isinstance(value, str):
        if value[:1] not in _JSON:
            return [(key, value)] if key else []
        value = _read(value)
    members: list[tuple[str, Json]] = [(key, value)]
    if isinstance(value, dict):
        members = [(f"{key}.{inner}" if key else inner, one) for inner, one in value.items()]
    elif isinstance(value, list):
        members = [(key, one) for one in value]
    return [
        (name, ("true" if one else "false") if isinstance(one, bool) else str(one))
        for name, one in members
        if name and one is not None and not isinstance(one, dict | list)
    ]


def _read(text: str) -> Json:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _versions(record: SpanRecord) -> Iterator[tuple[str, str]]:
    told = _versions_of(record)
    for part, name, version in zip(_VERSIONED, told, told[len(_VERSIONED) :], strict=False):
        if name:
            yield part, name
            if version and not name.endswith(f"@{version}"):
                yield part, f"{name}@{version}"
        elif version:
            yield part, version  # some send the name in the version, as refund@12


def _statuses(spans: Sequence[StoredSpan]) -> Iterator[str]:
    """How the request ended; one that did not fail is ok, and unset as well while nobody has said so."""
    roots = [span for span in spans if span.record.is_root]
    if any(span.failed for span in roots or spans):
        yield "error"
        return
    yield "ok"
    if not any(span.record.status == "ok" for span in roots):
        yield "unset"


def retries_of(spans: Iterable[StoredSpan]) -> int:
    """Tries beyond the first: as told on one span, or as spans that carry the number of their try."""
    told, counted = 0, 0
    for span in spans:
        told = max(told, span.record.retries or 0)
        counted += (span.record.attempt or 1) > 1
    return max(told, counted)


def _has(spans: Sequence[StoredSpan]) -> set[str]:
    """What there is of a trace, in the words of `fields.HAS_CHOICES`."""
    records = [span.record for span in spans]
    here = {record.span_id for record in records}
    had = {word for record in records for word, there in zip(_HAD_WORDS, _had_of(record), strict=True) if there}
    found = {
        "error": any(record.status == "error" for record in records),
        "retry": retries_of(spans) > 0,
        "fallback": any(record.fallback not in (None, "none") for record in records),
        "tool": any(record.kind == "tool" for record in records),
        "retrieval": any(record.kind == "retrieval" for record in records),
        "root": any(record.is_root for record in records),
        "orphan": any(record.parent_id is not None and record.parent_id not in here for record in records),
        "end": all(record.ended for record in records),
    }
    return had | {word for word, there in found.items() if there}


def _media_in(value: Json) -> bool:
    """Whether a message has a part that is no text."""
    if not isinstance(value, list):
        return False
    contents = [message.get("content") for message in value if isinstance(message, dict)]
    return any(
        isinstance(part, dict) and part.get("type") in ("image", "audio", "video", "file")
        for content in contents
        if isinstance(content, list)
        for part in content
    )
