"""OTLP/HTTP with a JSON body: bytes to RawSpan, and the replies.

Ids are hex, not base64; 64-bit integers come as strings or as numbers, enums as numbers or as names, and fields that
are not known are passed over.
https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from collections.abc import Callable
from typing import Final

import orjson

from traces.errors import Unreadable
from traces.records import Json, RawSpan, Receipt, Rejection, SpanEvent
from traces.wire.decoded import Decoded
from traces.wire.jsontext import finite, loads
from traces.wire.otlp_replies import RPC_CODES, UNKNOWN, partial_message

content_type = "application/json"
_STATUSES = {"1": "ok", "2": "error", "STATUS_CODE_OK": "ok", "STATUS_CODE_ERROR": "error"}


def decode(body: bytes) -> Decoded:
    """The spans of an ExportTraceServiceRequest. Raises Unreadable when it is none; a bad span costs only itself."""
    request = loads(body)
    if not isinstance(request, dict):
        raise Unreadable("This is not an OTLP trace export in JSON: the body is not an object.")
    decoded = Decoded()
    index = 0
    for of_resource in _objects(request, "resourceSpans"):
        resource = attributes(_object(of_resource, "resource").get("attributes"))
        for of_scope in _objects(of_resource, "scopeSpans"):
            scope = _text(_object(of_scope, "scope"), "name")
            for span in _items(of_scope, "spans"):
                reason = _bad_span(span)
                if reason:
                    decoded.rejected.append(Rejection(index, f"spans[{index}]: {reason}"))
                else:
                    decoded.spans.append(_raw_span(index, span, resource, scope))
                index += 1
    return decoded


def reply(receipt: Receipt) -> bytes:
    """The body of the 200 that says what became of the spans."""
    if not receipt.rejected:
        return b"{}"
    # 64-bit integers are strings in protobuf's JSON.
    partial = {"rejectedSpans": str(len(receipt.rejected)), "errorMessage": partial_message(receipt)}
    return orjson.dumps({"partialSuccess": partial})


def refusal(message: str, http_status: int) -> bytes:
    """A google.rpc.Status, the body of every answer that is not 200."""
    return orjson.dumps({"code": RPC_CODES.get(http_status, UNKNOWN), "message": message})


def logs_reply() -> bytes:
    """All log records taken."""
    return b"{}"


def metrics_reply() -> bytes:
    """All metrics taken."""
    return b"{}"


def attributes(pairs: Json) -> dict[str, Json]:
    """Key-value pairs as a dict; the last of a repeated key wins, and what is no pair is passed over."""
    found: dict[str, Json] = {}
    for pair in pairs if isinstance(pairs, list) else ():
        if isinstance(pair, dict) and isinstance(key := pair.get("key"), str):
            found[key] = any_value(pair.get("value"))
    return found


def any_value(value: Json) -> Json:
    """An AnyValue as plain Python. Bytes stay the base64 text that they are in JSON; what no kind names is None."""
    if isinstance(value, dict):
        for kind, said in value.items():
            if kind in _KINDS:
                return _KINDS[kind](said)
    return None


def _string(said: Json) -> str | None:
    return said if isinstance(said, str) else None


def _boolean(said: Json) -> bool | None:
    return said if isinstance(said, bool) else None


def _values(said: Json) -> list[Json]:
    return _items(said, "values") if isinstance(said, dict) else []


def _array(said: Json) -> list[Json]:
    return [any_value(item) for item in _values(said)]


def _object_of(said: Json) -> dict[str, Json]:
    return attributes(_values(said))


def _integer(said: Json) -> Json:
    if isinstance(said, str):
        try:
            number = int(said)
        except ValueError:
            return said
        return number if -(2**63) <= number < 2**63 else said
    return said if isinstance(said, (int, float)) else None


def _double(said: Json) -> Json:
    """Null is what JavaScript writes for NaN; the strings "NaN" and "Infinity" are what protobuf writes."""
    if isinstance(said, str):
        try:
            return finite(float(said))
        except ValueError:
            return said
    return said if isinstance(said, (int, float)) else None


_KINDS: Final[dict[str, Callable[[Json], Json]]] = {
    "stringValue": _string,
    "intValue": _integer,
    "doubleValue": _double,
    "boolValue": _boolean,
    "arrayValue": _array,
    "kvlistValue": _object_of,
    "bytesValue": _string,
}


def _items(holder: dict[str, Json], name: str) -> list[Json]:
    found = holder.get(name)
    return found if isinstance(found, list) else []


def _objects(holder: dict[str, Json], name: str) -> list[dict[str, Json]]:
    return [item for item in _items(holder, name) if isinstance(item, dict)]


def _object(holder: dict[str, Json], name: str) -> dict[str, Json]:
    found = holder.get(name)
    return found if isinstance(found, dict) else {}


def _text(holder: dict[str, Json], name: str) -> str:
    found = holder.get(name)
    return found if isinstance(found, str) else ""


def _bad_span(span: Json) -> str | None:
    if not isinstance(span, dict):
        return "this is not an object."
    return _bad_id("trace", span.get("traceId"), 32) or _bad_id("span", span.get("spanId"), 16)


def _bad_id(what: str, text: Json, length: int) -> str | None:
    if not isinstance(text, str) or not text:
        return f"the {what} id is missing; OTLP ids are {length} hexadecimal digits."
    if len(text) != length:
        return f"the {what} id is {len(text)} characters long; OTLP ids are {length} hexadecimal digits."
    if not _is_hex(text):
        return f"the {what} id is not hexadecimal; OTLP ids are {length} hexadecimal digits."
    if not text.strip("0"):
        return f"the {what} id is all zeros."
    return None


def _is_hex(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) * 2 == len(text)  # fromhex passes over blanks
    except ValueError:
        return False


def _nanoseconds(said: Json) -> int | None:
    """A moment; None for 0, which is how protobuf says "not sent", and for what is no number."""
    number = _integer(said)
    return int(number) or None if isinstance(number, (int, float)) and 0 < number < 2**64 else None


def _raw_span(index: int, span: dict[str, Json], resource: dict[str, Json], scope: str) -> RawSpan:
    status = _object(span, "status")
    parent = _text(span, "parentSpanId").lower()
    dropped = _integer(span.get("droppedAttributesCount"))
    return RawSpan(
        index=index,
        trace_id=span["traceId"].lower(),
        span_id=span["spanId"].lower(),
        parent_id=parent if parent.strip("0") else None,
        name=_text(span, "name"),
        start_ns=_nanoseconds(span.get("startTimeUnixNano")),
        end_ns=_nanoseconds(span.get("endTimeUnixNano")),
        status=_STATUSES.get(str(status.get("code")), "unset"),
        status_message=_text(status, "message"),
        attributes=attributes(span.get("attributes")),
        resource=resource,
        scope=scope,
        events=[_event(event) for event in _objects(span, "events")],
        links=[_link(link) for link in _objects(span, "links")],
        dropped_attributes=int(dropped) if isinstance(dropped, (int, float)) and 0 < dropped < 2**32 else 0,
    )


def _event(event: dict[str, Json]) -> SpanEvent:
    time_ns = _nanoseconds(event.get("timeUnixNano"))
    return SpanEvent(_text(event, "name"), time_ns, attributes(event.get("attributes")))


def _link(link: dict[str, Json]) -> dict[str, Json]:
    said: dict[str, Json] = {"trace_id": _text(link, "traceId").lower(), "span_id": _text(link, "spanId").lower()}
    return {**said, "attributes": attributes(link["attributes"])} if link.get("attributes") else said
