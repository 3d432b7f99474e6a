"""pydantic-ai and Logfire: what they add to OTel GenAI. Sums over an agent's run stay attributes of the agent.

https://ai.pydantic.dev/logfire/
"""

from traces.conventions.contents import json_or_text, messages
from traces.conventions.table import Content, Convention

PYDANTIC_AI = Convention(
    name="pydantic_ai",
    fields={
        "name": ("logfire.msg",),  # the span's own name may be a template
        "cache_read_tokens": ("gen_ai.usage.details.cached_tokens", "gen_ai.usage.details.cache_read_tokens"),
        "cache_write_tokens": ("gen_ai.usage.details.cache_write_tokens",),
        "reasoning_tokens": ("gen_ai.usage.details.reasoning_tokens",),
        "tags": ("logfire.tags",),
    },
    contents={
        "input": (
            Content("tool_arguments", json_or_text),
            Content("pydantic_ai.all_messages", messages),
            Content("all_messages_events", messages),
        ),
        "output": (
            Content("tool_response", json_or_text),
            Content("final_result", json_or_text),
        ),
    },
)
