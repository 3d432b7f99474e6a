"""Opik's traces and spans, to RawSpan.

A trace is an entity of its own: it becomes the root, and a span without a parent stands below it. The same id comes
again and again: as started, as complete, and as a PATCH of what changed, the older one perhaps last.
"""

import re
from typing import Final, Literal

from traces.conventions.values import moment_ns
from traces.errors import Unreadable
from traces.ids import MAX_ID_CHARACTERS
from traces.records import Json, RawSpan, Rejection, SpanEvent
from traces.wire.decoded import Decoded
from traces.wire.jsontext import loads
from traces.wire.opik.attachments import with_files
from traces.wire.opik.calls import settle_call
from traces.wire.plain_record import digest
from traces.wire.plain_values import Refused, refused, text

Entity = Literal["trace", "span"]
# A UUID of version 7, which all of Opik's ids are: it begins with the millisecond of the start.
_UUID7: Final = re.compile(r"([0-9a-f]{8})-?([0-9a-f]{4})-?7[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}")
# What becomes a member of RawSpan. All else is an attribute `opik.<name>`, for the table in `conventions.opik`.
_PLACED: Final = ("id", "trace_id", "parent_span_id", "name", "start_time", "end_time", "last_updated_at", "metadata")
_MOST_METADATA: Final = 100  # members that are kept apart; more stay the object that they are
_TIMES: Final = ("start_time", "end_time", "last_updated_at")


def decode_batch(body: bytes, entity: Entity) -> Decoded:
    """`{"traces": […]}` or `{"spans": […]}`. What cannot be taken is a rejection. Raises Unreadable."""
    found = loads(body)
    items = found.get(f"{entity}s") if isinstance(found, dict) else None
    if not isinstance(items, list):
        raise Unreadable(f'The body has no list "{entity}s".')
    decoded = Decoded()
    for index, item in enumerate(items):
        _take(decoded, entity, index, item)
    return decoded


def decode_one(body: bytes, entity: Entity) -> Decoded:
    """One trace or span, as it is posted alone. Raises Unreadable."""
    decoded = Decoded()
    _take(decoded, entity, 0, loads(body))
    return decoded


def decode_patch(body: bytes, entity: Entity, id_: str, now_ns: int) -> Decoded:
    """What is said later of the trace or span `id_`, whether it came before or not. Raises Unreadable.

    It does not tell when it was said: that is its end or, without one, `now_ns`.
    """
    item = loads(body)
    decoded = Decoded()
    _take(decoded, entity, 0, {**item, "id": id_} if isinstance(item, dict) else item)
    for raw in decoded.spans:
        raw.said_at_ns = raw.end_ns or now_ns
    return decoded


def _take(decoded: Decoded, entity: Entity, index: int, item: Json) -> None:
    try:
        decoded.spans.append(raw_span(entity, index, item))
    except Refused as problem:
        decoded.rejected.append(Rejection(index, f"{entity}s[{index}]: {problem}"))


def raw_span(entity: Entity, index: int, item: Json) -> RawSpan:
    """One trace or span. Raises Refused where it cannot be told which it is."""
    if not isinstance(item, dict):
        raise Refused("this is no JSON object.")
    said = {name: value for name, value in item.items() if value is not None}
    if not said:
        raise Refused("there is nothing in it.")
    span_id = identity("id", said) or digest(said, 16)
    trace_id = span_id if entity == "trace" else identity("trace_id", said)
    if trace_id is None:
        raise Refused('it has no "trace_id"; write the id of its trace.')
    times = {name: moment_ns(said.get(name)) for name in _TIMES}
    parent_id = None if entity == "trace" else identity("parent_span_id", said)
    raw = RawSpan(
        index=index,
        trace_id=trace_id,
        span_id=span_id,
        parent_id=None if entity == "trace" else parent_id or trace_id,
        name=said["name"] if isinstance(said.get("name"), str) else "",
        start_ns=times["start_time"] or begun_ns(span_id),
        end_ns=times["end_time"],
        start_may_change=True,
        assumed=frozenset(
            name for name, said in (("parent_id", parent_id), ("started_at", times["start_time"])) if not said
        ),
    )
    if times["start_time"] is None:
        raw.assumed = frozenset({"started_at"})
    raw.said_at_ns = times["last_updated_at"] or raw.end_ns or raw.start_ns
    _take_attributes(raw, said, [name for name, at in times.items() if at is None])
    _take_error(raw)
    if entity == "trace":
        raw.fields["kind"] = "chain"
    else:
        settle_call(raw)
    return raw


def _assumed(**said: Json) -> frozenset[str]:
    return frozenset(name for name, value in said.items() if value is None)


def identity(name: str, said: dict[str, Json]) -> str | None:
    """An id as it was sent; None where there is none. Raises Refused where it is none."""
    if said.get(name) is None:
        return None
    spelled = str(text(name, said[name])).strip()
    if len(spelled) > MAX_ID_CHARACTERS:
        raise refused(name, spelled, f"at most {MAX_ID_CHARACTERS:,} characters")
    return spelled or None


def begun_ns(id_: str) -> int | None:
    """The start that an id tells, to the millisecond: the same in all versions, where one does not say its start."""
    found = _UUID7.fullmatch(id_.lower())
    return int(found[1] + found[2], 16) * 1_000_000 if found else None


def _take_attributes(raw: RawSpan, said: dict[str, Json], unread: list[str]) -> None:
    """Everything that has no place of its own, and the times that are none."""
    for name, value in said.items():
        if name not in _PLACED or name in unread or (name == "name" and not raw.name):
            raw.attributes[f"opik.{name}"] = value
    for name in ("opik.input", "opik.output"):
        if name in raw.attributes:
            raw.attributes[name] = with_files(_unwrapped(raw.attributes[name]), raw.span_id)
    if "metadata" in said:
        _take_metadata(raw, with_files(said["metadata"], raw.span_id))


def _take_metadata(raw: RawSpan, metadata: Json) -> None:
    """One attribute for each of its members, so that a later version adds to those of an earlier one."""
    if not isinstance(metadata, dict) or len(metadata) > _MOST_METADATA:
        raw.attributes["metadata"] = metadata
        return
    raw.attributes.update({f"metadata.{name}": said for name, said in metadata.items() if said is not None})


def _unwrapped(value: Json) -> Json:
    """What a function gave back: the SDK puts all that is no object into one, as its `output`."""
    if isinstance(value, dict) and value.keys() == {"output"} and not isinstance(value["output"], (dict, list)):
        return value["output"]
    return value


def _take_error(raw: RawSpan) -> None:
    """Opik tells a failure by what was raised: {"exception_type", "message", "traceback"}."""
    error = raw.attributes.get("opik.error_info")
    if not error:
        return
    raw.status = "error"
    if not isinstance(error, dict):
        return
    del raw.attributes["opik.error_info"]
    kind, message = error.get("exception_type"), error.get("message")
    raw.status_message = next((one for one in (message, kind) if isinstance(one, str) and one), "")
    told = {"exception.type": kind, "exception.message": message, "exception.stacktrace": error.get("traceback")}
    more = {name: value for name, value in error.items() if name not in ("exception_type", "message", "traceback")}
    attributes = {name: value for name, value in {**told, **more}.items() if value is not None}
    raw.events = [SpanEvent("exception", raw.end_ns, attributes)]
