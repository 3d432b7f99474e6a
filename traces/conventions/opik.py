"""What `wire.opik` makes of Opik's traces and spans. Metadata stands in an attribute of that name, as in OpenInference.

https://www.comet.com/docs/opik/tracing/log_traces
"""

from traces.conventions.contents import body_in, body_out, json_object, json_settings
from traces.conventions.table import Content, Convention
from traces.conventions.values import milliseconds, named_project

_ORIGINAL = "usage.original_usage"  # as the provider said it, flattened

OPIK = Convention(
    name="opik",
    fields={
        "provider": ("opik.provider",),
        "answered_model": ("opik.model",),
        "response_id": ("opik.response_id",),
        "cache_read_tokens": (
            f"{_ORIGINAL}.prompt_tokens_details.cached_tokens",
            f"{_ORIGINAL}.input_tokens_details.cached_tokens",
            f"{_ORIGINAL}.cache_read_input_tokens",
            f"{_ORIGINAL}.cached_content_token_count",
        ),
        "cache_write_tokens": (
            f"{_ORIGINAL}.prompt_tokens_details.cache_write_tokens",
            f"{_ORIGINAL}.cache_creation_input_tokens",
        ),
        "reasoning_tokens": (
            f"{_ORIGINAL}.completion_tokens_details.reasoning_tokens",
            f"{_ORIGINAL}.output_tokens_details.reasoning_tokens",
            f"{_ORIGINAL}.thoughts_token_count",
        ),
        "cost_usd": ("opik.total_estimated_cost",),
        "time_to_first_token_us": (("opik.ttft", milliseconds),),
        "session_id": ("opik.thread_id",),
        "user_id": ("opik.user",),
        "tags": ("opik.tags",),
        "environment": ("opik.environment",),
        "service": (("opik.project_name", named_project),),
    },
    contents={
        "input": (Content("opik.input", body_in),),
        "output": (Content("opik.output", body_out),),
        "settings": (Content("opik.settings", json_settings),),
        "usage": (Content("opik.usage", json_object),),
    },
)
