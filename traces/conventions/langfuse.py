"""The attributes of Langfuse's SDKs 3 to 5, which speak OTLP. Version 5 writes every metadata value as JSON.

`wire.langfuse` makes the same of the events of the SDKs before them.

https://langfuse.com/integrations/native/opentelemetry
"""

from traces.conventions.contents import body_in, body_out, json_object, json_settings
from traces.conventions.langfuse_media import with_media
from traces.conventions.table import Content, Convention
from traces.conventions.values import unquoted

_OBSERVATION = "langfuse.observation"
_IN, _OUT = with_media(body_in), with_media(body_out)

LANGFUSE = Convention(
    name="langfuse",
    kinds={
        f"{_OBSERVATION}.type": {
            "generation": "llm",
            "embedding": "embedding",
            "chain": "chain",
            "retriever": "retrieval",
            "tool": "tool",
            "agent": "agent",
            "guardrail": "guardrail",
            "evaluator": "evaluator",
            "span": "other",
            "event": "other",
        }
    },
    fields={
        "answered_model": (f"{_OBSERVATION}.model.name",),
        "input_tokens": ("usage.input", "usage.prompt_tokens", "usage.input_tokens"),
        "output_tokens": ("usage.output", "usage.completion_tokens", "usage.output_tokens"),
        "cache_read_tokens": (
            "usage.cache_read_input_tokens",
            "usage.input_cached_tokens",
            "usage.prompt_tokens_details.cached_tokens",
            "usage.input_tokens_details.cached_tokens",
        ),
        "cache_write_tokens": ("usage.cache_creation_input_tokens",),
        "reasoning_tokens": (
            "usage.output_reasoning_tokens",
            "usage.completion_tokens_details.reasoning_tokens",
            "usage.output_tokens_details.reasoning_tokens",
        ),
        "cost_usd": ("costs.total", "costs.total_cost"),
        "finish_reason": ((f"{_OBSERVATION}.metadata.finish_reason", unquoted),),
        "first_token_at": (f"{_OBSERVATION}.completion_start_time",),
        "status_message": (f"{_OBSERVATION}.status_message",),
        "prompt_name": (f"{_OBSERVATION}.prompt.name",),
        "prompt_version": (f"{_OBSERVATION}.prompt.version",),
        "tags": ("langfuse.trace.tags",),
        "environment": ("langfuse.environment",),
        "release": ("langfuse.release",),
        "user_id": ("langfuse.user.id", ("langfuse.trace.metadata.user_id", unquoted)),
        "session_id": ("langfuse.session.id", ("langfuse.trace.metadata.session_id", unquoted)),
    },
    contents={
        "input": (Content(f"{_OBSERVATION}.input", _IN), Content("langfuse.trace.input", _IN)),
        "output": (Content(f"{_OBSERVATION}.output", _OUT), Content("langfuse.trace.output", _OUT)),
        "settings": (Content(f"{_OBSERVATION}.model.parameters", json_settings),),
        "usage": (Content(f"{_OBSERVATION}.usage_details", json_object),),
        "costs": (Content(f"{_OBSERVATION}.cost_details", json_object),),
    },
)
