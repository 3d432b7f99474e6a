"""Helicone's webhook: one call to a model, to RawSpan.

https://docs.helicone.ai/features/webhooks. It says no times but how long the call took, and its bodies are texts that
end after 10 KB; the whole of them stands at an address of Helicone's, which is kept and not asked.
"""

from typing import Final

from traces.model_calls import request, response
from traces.records import Json, RawSpan
from traces.wire import plain
from traces.wire.decoded import Decoded
from traces.wire.jsontext import embedded
from traces.wire.plain_record import Refused, raw_span

_TAKEN: Final = ("request_id", "user_id", "request_body", "response_body", "model", "provider")
# Of `metadata`: a field of the record ← Helicone's name.
_AMOUNTS: Final = {
    "input_tokens": "promptTokens",
    "output_tokens": "completionTokens",
    "cost_usd": "cost",
    "duration_ms": "latencyMs",
}


def decode(body: bytes, content_type: str | None) -> Decoded:
    """The call of a body. What cannot be taken is a rejection. Raises Unreadable when there is nothing to read."""
    return plain.decoded(plain.items(body, content_type), _call)


def _call(index: int, item: Json) -> RawSpan:
    if not isinstance(item, dict):
        raise Refused("this is no JSON object.")
    request_id = item.get("request_id")
    if not request_id:
        raise Refused('this call has no "request_id".')
    metadata = item.get("metadata")
    amounts = metadata if isinstance(metadata, dict) else {}
    asked, answered = _body(item.get("request_body")), _body(item.get("response_body"))
    question, answer = request(asked), response(answered)
    more = {name: value for name, value in item.items() if name not in (*_TAKEN, "metadata")}
    more |= {f"metadata.{name}": value for name, value in amounts.items() if name not in _AMOUNTS.values()}
    record = {
        "trace_id": request_id,
        "span_id": request_id,
        "request_id": request_id,
        "name": item.get("model") or "call",
        "kind": "llm",
        "user_id": item.get("user_id"),
        "provider": item.get("provider"),
        "model": item.get("model"),
        "input": question.spoken if question else asked,
        "output": answer.spoken if answer else answered,
        "tools": question.tools if question else None,
        **{field: amounts.get(name) for field, name in _AMOUNTS.items()},
        "attributes": {f"helicone.{name}": value for name, value in more.items() if value is not None},
    }
    return raw_span(index, record)


def _body(value: Json) -> Json:
    """The object that a body spells; a text that was cut stays one."""
    found = embedded(value) if isinstance(value, str) else value
    return value if found is None else found
