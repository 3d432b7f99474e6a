"""LiteLLM's callback `generic_api`: its StandardLoggingPayload, one per call to a model, to RawSpan.

https://docs.litellm.ai/docs/observability/generic_api and https://docs.litellm.ai/docs/proxy/logging_spec
"""

from typing import Final

from traces.model_calls import response
from traces.records import Json, RawSpan
from traces.wire import plain
from traces.wire.decoded import Decoded
from traces.wire.plain_record import Refused, raw_span

# Of `call_type`, which is "acompletion" where it is asynchronous; all others are calls to a model that answers.
_KINDS: Final = (("embedding", "embedding"), ("rerank", "rerank"), ("search", "retrieval"), ("mcp_tool", "tool"))
_STATUSES: Final = {"success": "ok", "failure": "error"}
# What becomes a field, or is LiteLLM's own list of prices: some 30 KB, the same with every call.
_TAKEN: Final = (
    *("id", "litellm_call_id", "trace_id", "session_id", "call_type", "stream", "startTime", "endTime"),
    *("completionStartTime", "status", "error_str", "custom_llm_provider", "model", "prompt_tokens"),
    *("completion_tokens", "total_tokens", "response_cost", "cache_hit", "request_tags", "end_user", "messages"),
    *("response", "model_parameters", "metadata", "error_information", "model_map_information"),
)
_OF_METADATA: Final = ("requester_metadata", "spend_logs_metadata", "usage_object")


def decode(body: bytes, content_type: str | None) -> Decoded:
    """The calls of a body: a list, one, or one per line, which `log_format` says to LiteLLM but not to us.

    What cannot be taken is a rejection. Raises Unreadable when there is nothing to read at all.
    """
    return plain.decoded(plain.items(body, None), _call)


def _call(index: int, item: Json) -> RawSpan:
    if not isinstance(item, dict):
        raise Refused("this is no JSON object.")
    said = {name: value for name, value in item.items() if value not in (None, "", [], {})}
    call_id = said.get("litellm_call_id") or said.get("id")
    if call_id is None:
        raise Refused("this call has no id.")
    record = {
        "trace_id": said.get("trace_id") or call_id,
        "span_id": call_id,
        "name": said.get("call_type"),
        "kind": _kind(said.get("call_type")),
        "session_id": said.get("session_id"),
        "started_at": said.get("startTime"),
        "ended_at": said.get("endTime"),
        "provider": said.get("custom_llm_provider"),
        "cache_hit": said.get("cache_hit"),
        "tags": said.get("request_tags"),
        "input": said.get("messages"),
        **_judged(said),
        **_answer(said),
        **_asked(said),
        **_amounts(said),
        "attributes": _attributes(said),
    }
    return raw_span(index, record)


def _kind(call_type: Json) -> str:
    return next((kind for word, kind in _KINDS if word in str(call_type)), "llm")


def _judged(said: dict[str, Json]) -> dict[str, Json]:
    status = _STATUSES.get(str(said.get("status")), "unset")
    return {"status": status, "status_message": said.get("error_str")}


def _answer(said: dict[str, Json]) -> dict[str, Json]:
    """What a model answered, as messages where it is one of the known forms."""
    answer = said.get("response")
    if not isinstance(answer, dict):
        return {"output": answer, "model_requested": said.get("model")}
    spoken = response(answer)
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return {
        "output": spoken.spoken if spoken else answer,
        "model": answer.get("model") or said.get("model"),
        "model_requested": said.get("model"),
        "response_id": answer.get("id"),
        "finish_reason": first.get("finish_reason") if isinstance(first, dict) else None,
    }


def _asked(said: dict[str, Json]) -> dict[str, Json]:
    settings, metadata = _object(said, "model_parameters"), _object(said, "metadata")
    users = (said.get("end_user"), metadata.get("user_api_key_end_user_id"), settings.get("user"))
    return {
        "parameters": {name: value for name, value in settings.items() if name not in ("tools", "user")} or None,
        "tools": settings.get("tools"),
        "user_id": next((user for user in (*users, metadata.get("user_api_key_user_id")) if user), None),
    }


def _amounts(said: dict[str, Json]) -> dict[str, Json]:
    """LiteLLM says 0 where it knows none: of a call that failed, and of a model without a price."""
    usage = _object(_object(said, "metadata"), "usage_object")
    asked, answered = _object(usage, "prompt_tokens_details"), _object(usage, "completion_tokens_details")
    first_token = said.get("completionStartTime") if said.get("stream") else None
    started = said.get("startTime")
    counted = bool(said.get("prompt_tokens") or said.get("completion_tokens"))
    return {
        "input_tokens": said.get("prompt_tokens") if counted else None,
        "output_tokens": said.get("completion_tokens") if counted else None,
        "cache_read_tokens": asked.get("cached_tokens"),
        "cache_write_tokens": asked.get("cache_creation_tokens"),
        "reasoning_tokens": answered.get("reasoning_tokens"),
        "cost_usd": said.get("response_cost") or (0 if said.get("cache_hit") is True else None),
        "time_to_first_token_us": _between_us(started, first_token),
    }


def _between_us(started: Json, ended: Json) -> int | None:
    if isinstance(started, float) and isinstance(ended, float) and 0 <= ended - started < 1e9:
        return round((ended - started) * 1_000_000)
    return None


def _attributes(said: dict[str, Json]) -> dict[str, Json]:
    """All else. What the caller gave as metadata stands below `litellm.metadata.`, where names are looked for."""
    metadata = _object(said, "metadata")
    kept = {f"litellm.{name}": value for name, value in said.items() if name not in _TAKEN}
    for name, value in metadata.items():
        if name not in _OF_METADATA and value not in (None, "", [], {}):
            kept[f"litellm.metadata.{name}"] = value
    for holder in ("spend_logs_metadata", "requester_metadata"):
        kept |= {f"litellm.metadata.{name}": value for name, value in _object(metadata, holder).items()}
    error = {name: value for name, value in _object(said, "error_information").items() if value not in (None, "")}
    if error:
        kept["litellm.error"] = error
        kept["error.type"] = error.get("error_class", "")
    return {name: value for name, value in kept.items() if value not in (None, "")}


def _object(value: dict[str, Json], name: str) -> dict[str, Json]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}
