"""Contents that came by logs: kept with their moments, and read as a span's where it has none of its own. Pure.

A span's logs may come before it or after it, in one request or in several, and again. So they are kept as a set of
what was said at which moment, of which any order and any repetition makes the same; input and output are read off it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from traces.conventions.values import finish_reason
from traces.messages import with_system
from traces.records import Json, Payload, SpanRecord

# {"at": nanoseconds since 1970 or 0, "place": among what was sent together, and what `conventions.events` gives}
Logged = dict[str, Json]
_SLOTS: Final = ("input", "output", "tools")
_SAID: Final = frozenset({*_SLOTS, "system"})


def united(one: list[Logged] | None, other: list[Logged] | None) -> list[Logged] | None:
    """Both together, each once, in the order of their moments."""
    found: dict[bytes, Logged] = {}
    for logged in (*(one or ()), *(other or ())):
        what = orjson.dumps({**logged, "place": 0}, option=orjson.OPT_SORT_KEYS)
        if what not in found or logged["place"] < found[what]["place"]:
            found[what] = logged
    ordered = sorted(found.items(), key=lambda item: (item[1]["at"], item[1]["place"], item[0]))
    return [logged for _, logged in ordered] or None


def settle(record: SpanRecord) -> None:
    """Let go of logged contents that the span has itself, and take from them why it ended where it does not say."""
    payload = record.payload
    if payload.logged is None:
        return
    if record.finish_reason is None and not record.is_placeholder:
        record.finish_reason = _finish_reason(payload.logged)
    needless = {slot for slot in _SLOTS if getattr(payload, slot) is not None}
    if "input" in needless:
        needless.add("system")
    if needless:
        kept = [{name: said for name, said in one.items() if name not in needless} for one in payload.logged]
        payload.logged = united([one for one in kept if one.keys() & _SAID], None)


def with_contents(payload: Payload) -> Payload:
    """`payload` as it is read: what came by logs stands where the span has nothing of its own."""
    if payload.logged is None:
        return payload
    read = {slot: value for slot, value in contents(payload.logged).items() if getattr(payload, slot) is None}
    return replace(payload, logged=None, **read)


def contents(logged: Iterable[Mapping[str, Json]]) -> dict[str, Any]:
    """Input, output and tools of what was logged, in its order: the newest that tells all, else message by message."""
    found: dict[str, Any] = {}
    for slot in _SLOTS:
        telling = [one for one in logged if one.get(slot) is not None]
        whole = [one[slot] for one in telling if one.get("whole")]
        if whole:
            found[slot] = whole[-1]
        elif telling:
            found[slot] = [message for one in telling for message in one[slot]]
    system = [one["system"] for one in logged if one.get("system") is not None]
    if system and (spoken := with_system(system[-1], found.get("input"))) is not None:
        found["input"] = spoken
    return found


def _finish_reason(logged: list[Logged]) -> str | None:
    output = contents(logged).get("output")
    first = output[0] if isinstance(output, list) and output else None
    return finish_reason(first.get("finish_reason")) if isinstance(first, dict) else None
