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

# {"at": nanoseconds since 1970 or 0, "place": among what was sent together, and what `conventions.events` gives}, and
# "finish_reason" where the span has an output of its own and this one's was let go.
Logged = dict[str, Json]
_SLOTS: Final = ("input", "output", "tools")
_SAID: Final = frozenset({*_SLOTS, "system", "finish_reason"})


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
    needless = {slot for slot in _SLOTS if getattr(payload, slot) is not None}
    if "input" in needless:
        needless.add("system")
    if record.finish_reason is not None:
        needless.add("finish_reason")
    elif not record.is_placeholder:
        record.finish_reason = _first_reason(payload.logged)
        payload.finish_reason_logged = record.finish_reason is not None or None
    if needless:
        kept = [_without(one, needless) for one in payload.logged]
        payload.logged = united([one for one in kept if one.keys() & _SAID], None)


def told_finish_reason(record: SpanRecord) -> str | None:
    """Why it ended by the span's own word: one that was taken from its logs may change with the next of them."""
    return None if record.payload.finish_reason_logged else record.finish_reason


def with_contents(payload: Payload) -> Payload:
    """`payload` as it is read: what came by logs stands where the span has nothing of its own."""
    if payload.logged is None:
        return payload
    read = {slot: value for slot, value in contents(payload.logged).items() if getattr(payload, slot) is None}
    return replace(payload, logged=None, finish_reason_logged=None, **read)


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


def _without(one: Logged, needless: set[str]) -> Logged:
    """`one` without these; of an output that goes, why it ended stays if that is needed."""
    kept = {name: said for name, said in one.items() if name not in needless}
    if "output" in needless and "finish_reason" not in needless and (reason := _reason(one)) is not None:
        kept["finish_reason"] = reason
    return kept


def _first_reason(logged: list[Logged]) -> str | None:
    """That of the newest that tells all, else the first."""
    found = [(bool(one.get("whole")), reason) for one in logged if (reason := _reason(one)) is not None]
    whole = [reason for tells_all, reason in found if tells_all]
    return whole[-1] if whole else found[0][1] if found else None


def _reason(one: Logged) -> str | None:
    if "finish_reason" in one:
        return finish_reason(one["finish_reason"])
    said = one.get("output")
    messages = [message for message in said if isinstance(message, dict)] if isinstance(said, list) else []
    return next((reason for message in messages if (reason := finish_reason(message.get("finish_reason")))), None)
