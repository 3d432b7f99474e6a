"""Versions of a span whose sender says when it said them: merged field by field, the same in any order. Pure.

Each field, and each attribute, is held with the rank of the version that said it: whether that version has ended, then
its moment. Of two values the one of the higher rank wins; of one rank, the one whose JSON is greater. What is not set,
null too, never wins. Tags are united, and of the starts the earliest holds. So any order and grouping leaves the same,
and repeating changes nothing.

What a format assumes where its sender said nothing (`RawSpan.assumed`) loses to all that was said. A version without a
moment (OTLP, its logs, the plain record) counts as said at the moment 0 where it meets one that has a moment: of two
that have both ended, or both not, the one with a moment wins. Versions none of which has a moment never come here.

`Payload.said` holds it: {"versions": [[level, moment in ns], [level, moment, [names]], …], "end_ns", "first_token_ns"}.
The first says all that no other names; an attribute is named with a dot before it. The two moments are kept because
the start, from which durations count, may come with another version.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any, Final

from traces import logged, payload, pricing
from traces.records import Json, Payload, RawSpan, SpanRecord

Rank = tuple[int, int]  # a level, and nanoseconds since 1970
Held = dict[str, tuple[Rank, bytes, Any]]  # of each name: its rank, its value as JSON, its value

ASSUMED: Final = 0
NOT_ENDED: Final = 1
ENDED: Final = 2
_NEVER: Final[Rank] = (-1, 0)
_LATEST: Final = 2**63 - 1  # what JSON's readers hold exactly
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# Fields that are said together, by the name of the first: set where that is set.
_TOGETHER: Final = {
    "parent_id": ("parent_id", "parent_text"),
    "status": ("status", "failure"),
    "cost_usd": ("cost_usd", "cost_source"),
    "started_at": ("started_at", "start_assumed"),
}
_UNSET: Final[dict[str, Any]] = {"name": "", "kind": "other", "status": "unset", "dropped_attributes": 0}
# Durations, and the moments that they follow from together with the start.
_FOLLOWING: Final = {"duration_us": "end_ns", "time_to_first_token_us": "first_token_ns"}
_MOMENTS: Final = tuple(_FOLLOWING.values())
_OWN_RULE: Final = frozenset({
    "trace_id", "span_id", "ended", "start_may_change", "payload", "finish_reason", "attributes", "logged",
    "finish_reason_logged", "said", *_FOLLOWING, *(name for names in _TOGETHER.values() for name in names),
})  # fmt: skip
_RECORD_FIELDS: Final = tuple(field.name for field in fields(SpanRecord) if field.name not in _OWN_RULE)
_PAYLOAD_FIELDS: Final = tuple(field.name for field in fields(Payload) if field.name not in _OWN_RULE)


def told(record: SpanRecord, raw: RawSpan, kind_is_guessed: bool) -> SpanRecord:
    """`record`, made of a version `raw` that has a moment, with what a merge must know of it."""
    rank = (ENDED if record.ended else NOT_ENDED, min(max(raw.said_at_ns or 0, 0), _LATEST))
    assumed = raw.assumed | {"kind"} if kind_is_guessed else raw.assumed
    versions: list[Json] = [[*rank], [ASSUMED, 0, sorted(assumed)]]
    moments = zip(_MOMENTS, (raw.end_ns, raw.fields.get("first_token_at")), strict=True)
    record.payload.said = {"versions": versions, **{name: at for name, at in moments if at is not None}}
    return _built(record, _held(record))


def merged(versions: Sequence[SpanRecord]) -> SpanRecord:
    """One record of versions of which at least one has a moment; priced anew unless a sender told the cost.

    All at once: each for itself, two thousand of one span took seconds.
    """
    held: Held = {}
    for one in versions:
        for name, said in _held(one).items():
            held[name] = _better(name, held[name], said) if name in held else said
    if "tags" in held:
        tags = sorted({tag for one in versions for tag in one.tags or ()})
        held["tags"] = (held["tags"][0], payload.canonical(tags), tags)
    record = _built(versions[0], held)
    record.ended = any(one.ended for one in versions)
    record.start_may_change = any(one.start_may_change for one in versions)
    record.payload.logged = reduce(logged.united, (one.payload.logged for one in versions))
    logged.settle(record)
    return record if record.cost_source == "sent" else pricing.priced(record)


def _better(name: str, one: tuple[Rank, bytes, Any], other: tuple[Rank, bytes, Any]) -> tuple[Rank, bytes, Any]:
    if name == "started_at" and (one[0][0] == ASSUMED) == (other[0][0] == ASSUMED) and one[2] != other[2]:
        return min(one, other, key=lambda said: said[2])
    return max(one, other, key=lambda said: said[:2])


def _held(record: SpanRecord) -> Held:
    """All that was said of it, by whom; what follows from the rest is left out."""
    said = record.payload.said or {"versions": [[ENDED if record.ended else NOT_ENDED, 0]]}
    (first, *others) = said["versions"] or [_NEVER]
    ranks = {name: (level, moment) for level, moment, names in others for name in names}
    if record.start_assumed:
        ranks["started_at"] = (ASSUMED, 0)
    held = {}
    for name, value in _values(record, said):
        text = payload.canonical(value)
        held[name] = (_NEVER if text == b"null" else ranks.get(name, (first[0], first[1])), text, value)
    return held


def _values(record: SpanRecord, said: dict[str, Json]) -> Iterable[tuple[str, Any]]:
    yield from _set(record, _RECORD_FIELDS)
    yield from _set(record.payload, _PAYLOAD_FIELDS)
    for first, _ in _set(record, tuple(_TOGETHER)):
        if first != "cost_usd" or record.cost_source == "sent":
            yield first, [getattr(record, name) for name in _TOGETHER[first]]
    if (reason := logged.told_finish_reason(record)) is not None:
        yield "finish_reason", reason
    yield from ((moment, said[moment]) for moment in _MOMENTS if moment in said)
    yield from _set(record, tuple(duration for duration, moment in _FOLLOWING.items() if moment not in said))
    yield from ((f".{key}", value) for key, value in record.payload.attributes.items())


def _set(holder: object, names: tuple[str, ...]) -> Iterable[tuple[str, Any]]:
    for name in names:
        value = getattr(holder, name)
        if value is not None and value != _UNSET.get(name):
            yield name, value


def _built(one: SpanRecord, held: Held) -> SpanRecord:
    """The record of what is held, and of the ids and ends of `one`."""
    values = {name: value for name, (_, _, value) in held.items()}
    for first, together in _TOGETHER.items():
        values |= zip(together, values[first], strict=True) if first in values else ()
    names = {*_RECORD_FIELDS, *_FOLLOWING, "finish_reason", *(name for many in _TOGETHER.values() for name in many)}
    record = SpanRecord(
        one.trace_id,
        one.span_id,
        **{name: values[name] for name in names & values.keys()},
        payload=Payload(
            **{name: values[name] for name in _PAYLOAD_FIELDS if name in values},
            attributes={name[1:]: value for name, value in values.items() if name.startswith(".")},
            said={"versions": _versions(held)} | {name: values[name] for name in _MOMENTS if name in values},
        ),
        ended=one.ended,
        start_may_change=one.start_may_change,
    )
    for duration, moment in _FOLLOWING.items():
        if moment in values:
            setattr(record, duration, _since_start(record.started_at, values[moment]))
    if (record.time_to_first_token_us or 0) < 0:
        record.time_to_first_token_us = None
    return record


def _versions(held: Held) -> list[Json]:
    """Who said what, as `Payload.said` has it: first the one that said most."""
    said: dict[Rank, list[str]] = {}
    for name, (rank, _, _) in held.items():
        if rank != _NEVER:  # what nobody said needs no rank
            said.setdefault(rank, []).append(name)
    if not said:
        return []
    most = max(said, key=lambda rank: (len(said[rank]), rank))
    return [[*most], *([*rank, sorted(said[rank])] for rank in sorted(said) if rank != most)]


def _since_start(started_at: datetime | None, moment_ns: int) -> int | None:
    """Microseconds; None without a start."""
    return None if started_at is None else moment_ns // 1000 - (started_at - _EPOCH) // _MICROSECOND
