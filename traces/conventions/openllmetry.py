"""OpenLLMetry (Traceloop): what it adds to OTel GenAI, and the flattened messages of its versions before 0.50.

https://github.com/traceloop/openllmetry
"""

from traces.conventions.contents import flat_messages, flat_tools, json_value
from traces.conventions.table import Content, Convention

_PROPERTIES = "traceloop.association.properties"

OPENLLMETRY = Convention(
    name="openllmetry",
    kinds={
        "llm.request.type": {"chat": "llm", "completion": "llm", "embedding": "embedding", "rerank": "rerank"},
        "traceloop.span.kind": {"workflow": "chain", "task": "chain", "agent": "agent", "tool": "tool"},
    },
    fields={
        "input_tokens": ("llm.usage.prompt_tokens",),
        "output_tokens": ("llm.usage.completion_tokens",),
        "user_id": (f"{_PROPERTIES}.user_id", "gen_ai.user", "llm.user"),
        "session_id": (f"{_PROPERTIES}.session_id", f"{_PROPERTIES}.chat_id"),
        "prompt_name": ("traceloop.prompt.key",),
        "prompt_version": ("traceloop.prompt.version",),
    },
    parameters={
        "stream": ("gen_ai.is_streaming", "llm.is_streaming"),
        "frequency_penalty": ("llm.frequency_penalty",),
        "presence_penalty": ("llm.presence_penalty",),
        "top_k": ("llm.top_k",),
        "stop": ("llm.chat.stop_sequences",),
    },
    contents={
        "input": (Content("gen_ai.prompt.", flat_messages), Content("traceloop.entity.input", json_value)),
        "output": (Content("gen_ai.completion.", flat_messages), Content("traceloop.entity.output", json_value)),
        "tools": (Content("llm.request.functions.", flat_tools),),
    },
    first_token=("gen_ai.content.completion.chunk", "llm.content.completion.chunk"),
)
