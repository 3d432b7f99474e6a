"""What is known of a trace besides its text, as lexemes: `:model:gpt-4o`, `:has:retry`, `:metadata.order_id:77`. Pure.

The names are those of `fields.FIELDS`; a fact stands for a trace when one of its steps says so, but for `status`, which
is the request's. No word of a text begins with a colon, so facts and text share an index.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import orjson

from traces.media import named
from traces.queries.spans import StoredSpan
from traces.records import Json, Payload
from traces.search.words import normalised

# What stands in every entry of a project: it keeps projects apart inside the index too.
PROJECT: Final = ":{}"
_LONGEST: Final = 200  # characters of a value, and of a key; of longer ones the rest is hashed
_MOST_METADATA: Final = 200  # values of one span
# What names of attributes begin with, or hold, before a key that the sender chose.
_METADATA: Final = ("metadata.", "association.properties.")
_OWN: Final = ("app.", "llmobs.")

_OF_SPANS: Final = (
    ("provider", "provider"), ("failure", "failure"), ("user", "user_id"), ("session", "session_id"),
    ("request", "request_id"), ("response", "response_id"), ("env", "environment"), ("release", "release"),
    ("service", "service"), ("feature", "feature"), ("kind", "kind"), ("name", "name"), ("finish", "finish_reason"),
    ("model", "model"), ("model", "model_requested"), ("trace", "trace_text"), ("span", "span_text"),
)  # fmt: skip
# Parts with a version of their own: found by their name alone and by name@version.
_VERSIONED: Final = ("prompt", "template", "retriever", "parser", "tool")


@lru_cache(maxsize=16_384)
def fact(name: str, value: str) -> str:
    """The lexeme for a field and its value. Case and blanks at the ends make no difference."""
    return f":{_short(_clean(name))}:{_short(_clean(value))}"


def beginning(name: str, value: str) -> str:
    """What the lexemes of all values of a field begin with that begin with `value`."""
    return f":{_short(_clean(name))}:{_clean(value)[:_LONGEST]}"


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
    told = {
        (name, value)
        for span in spans
        for name, field in _OF_SPANS
        if (value := getattr(span.record, field)) not in (None, "")
    }
    told |= {("tag", tag) for span in spans for tag in span.record.tags or ()}
    told |= {("fallback", fallback) for span in spans if (fallback := span.record.fallback) not in (None, "none")}
    told |= {part for span in spans for part in _versions(span)}
    told |= {("status", status) for status in _statuses(spans)}
    if not any(name == "feature" for name, _ in told):
        told |= {("feature", span.record.service) for span in spans if span.record.service}
    return told | {("has", word) for word in _has(spans)}


def told_by_payload(payload: Payload) -> Told:
    """What a span's payload tells: what its sender sent along, and what there is in it."""
    told = {(f"metadata.{key}", value) for key, value in metadata(payload.attributes)}
    if payload.documents:
        told.add(("has", "retrieval"))
    if _media_in(payload.input) or _media_in(payload.output) or any(map(named, payload.attributes.values())):
        told.add(("has", "media"))
    return told


def metadata(attributes: dict[str, Json]) -> list[tuple[str, str]]:
    """The keys and values that the sender chose: after `metadata.` or `app.`, or a name without a dot."""
    found: list[tuple[str, str]] = []
    for name, value in attributes.items():
        key = _key(name)
        if key is not None and len(found) < _MOST_METADATA:
            found += _flat(key, value)
    return found[:_MOST_METADATA]


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


def _flat(key: str, value: Json) -> Iterator[tuple[str, str]]:
    """The single values at and directly below a key. What is a JSON text is read: Langfuse writes every value so."""
    if isinstance(value, str) and value[:1] in ('"', "{", "["):
        value = _read(value)
    members: list[tuple[str, Json]] = [(key, value)]
    if isinstance(value, dict):
        members = [(f"{key}.{inner}" if key else inner, one) for inner, one in value.items()]
    elif isinstance(value, list):
        members = [(key, one) for one in value]
    for name, one in members:
        if name and one is not None and not isinstance(one, dict | list):
            yield name, ("true" if one else "false") if isinstance(one, bool) else str(one)


def _read(text: str) -> Json:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _versions(span: StoredSpan) -> Iterator[tuple[str, str]]:
    for part in _VERSIONED:
        name, version = getattr(span.record, f"{part}_name"), getattr(span.record, f"{part}_version")
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


def _has(spans: Sequence[StoredSpan]) -> Iterator[str]:
    """What there is of a trace, in the words of `fields.HAS_CHOICES`."""
    records = [span.record for span in spans]
    here = {record.span_id for record in records}
    found = {
        "error": any(record.status == "error" for record in records),
        "retry": retries_of(spans) > 0,
        "fallback": any(record.fallback not in (None, "none") for record in records),
        "refusal": any(record.refused for record in records),
        "cached": any(record.cache_hit for record in records),
        "tool": any(record.kind == "tool" for record in records),
        "retrieval": any(record.kind == "retrieval" for record in records),
        "feature": any(record.feature for record in records),
        "session": any(record.session_id for record in records),
        "user": any(record.user_id for record in records),
        "prompt": any(record.prompt_name or record.prompt_version for record in records),
        "release": any(record.release for record in records),
        "root": any(record.is_root for record in records),
        "orphan": any(record.parent_id is not None and record.parent_id not in here for record in records),
        "end": all(record.ended for record in records),
    }
    return (word for word, there in found.items() if there)


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
