"""What Opik's guardrails said of a step, to RawSpan: an attribute `opik.guardrail.<name>` of that step."""

from traces.errors import Unreadable
from traces.records import Json, RawSpan, Rejection
from traces.wire.decoded import Decoded
from traces.wire.jsontext import loads
from traces.wire.opik.entities import begun_ns, identity
from traces.wire.plain_values import Refused, text

_FIRST = 1  # nanoseconds since 1970: it says nothing that another version of its step says


def decode(body: bytes) -> Decoded:
    """`{"guardrails": [{"entity_id" (trace), "secondary_id" (span), "name", "result", …}]}`. Raises Unreadable."""
    found = loads(body)
    items = found.get("guardrails") if isinstance(found, dict) else None
    if not isinstance(items, list):
        raise Unreadable('The body has no list "guardrails".')
    decoded = Decoded()
    for index, item in enumerate(items):
        try:
            decoded.spans.append(_raw_span(index, item))
        except Refused as problem:
            decoded.rejected.append(Rejection(index, f"guardrails[{index}]: {problem}"))
    return decoded


def _raw_span(index: int, item: Json) -> RawSpan:
    if not isinstance(item, dict):
        raise Refused("this is no JSON object.")
    trace_id, span_id = identity("entity_id", item), identity("secondary_id", item)
    if trace_id is None or span_id is None:
        raise Refused('it says not what it looked at; write "entity_id" and "secondary_id".')
    said = {name: value for name, value in item.items() if name in ("result", "config", "details")}
    name = text("name", item.get("name"))
    raw = RawSpan(index, trace_id, span_id, None if span_id == trace_id else trace_id, start_may_change=True)
    raw.start_ns, raw.assumed = begun_ns(span_id), frozenset(("parent_id", "started_at"))
    raw.attributes[f"opik.guardrail.{name}"] = said
    raw.said_at_ns = _FIRST
    return raw
