"""OpenInference, the vocabulary of Phoenix and of the instrumentations that Arize publishes.

Messages are flattened into one attribute per member, and stand a second time in `input.value` and `output.value`.
https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
"""

from traces.conventions.contents import (
    documents,
    flat_messages,
    flat_tools,
    json_object,
    json_or_text,
    json_settings,
    typed_input,
    typed_output,
)
from traces.conventions.table import Content, Convention

OPENINFERENCE = Convention(
    name="openinference",
    kinds={
        "openinference.span.kind": {
            "llm": "llm",
            "embedding": "embedding",
            "chain": "chain",
            "retriever": "retrieval",
            "reranker": "rerank",
            "tool": "tool",
            "agent": "agent",
            "guardrail": "guardrail",
            "evaluator": "evaluator",
            "prompt": "chain",
            "decision": "chain",
        }
    },
    signs={
        "llm.token_count.prompt": "llm",
        "embedding.model_name": "embedding",
        "tool.name": "tool",
    },
    fields={
        "provider": ("llm.provider", "llm.system"),
        "answered_model": ("llm.model_name", "embedding.model_name", "reranker.model_name"),
        "input_tokens": ("llm.token_count.prompt",),
        "output_tokens": ("llm.token_count.completion",),
        "cache_read_tokens": ("llm.token_count.prompt_details.cache_read",),
        "cache_write_tokens": ("llm.token_count.prompt_details.cache_write",),
        "reasoning_tokens": ("llm.token_count.completion_details.reasoning",),
        "cost_usd": ("llm.cost.total",),
        "finish_reason": ("llm.finish_reason",),
        "session_id": ("session.id", "metadata.session_id", "metadata.thread_id", "metadata.conversation_id"),
        "user_id": ("user.id", "metadata.user_id"),
        "tags": ("tag.tags",),
        "prompt_name": ("prompt.id",),
        "prompt_version": ("llm.prompt_template.version",),
        "tool_name": ("tool.name",),
    },
    contents={
        "input": (
            Content("llm.input_messages.", flat_messages, after_plain=True),
            Content("input.value", typed_input("input.mime_type"), copies=True),
            Content("tool.parameters", json_or_text),
        ),
        "output": (
            Content("llm.output_messages.", flat_messages, after_plain=True),
            Content("output.value", typed_output("output.mime_type"), copies=True),
        ),
        "tools": (Content("llm.tools.", flat_tools),),
        "documents": (
            Content("retrieval.documents.", documents),
            Content("reranker.output_documents.", documents),
        ),
        "settings": (
            Content("llm.invocation_parameters", json_settings),
            Content("embedding.invocation_parameters", json_settings),
        ),
        "metadata": (Content("metadata", json_object),),
    },
    dropped=("input.mime_type", "output.mime_type"),
    first_token=("First Token Stream Event",),
)
