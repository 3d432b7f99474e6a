"""LangWatch's SDKs, which speak OTLP to `/api/otel/v1/traces` and write inputs and outputs as `{"type", "value"}`.

https://langwatch.ai/docs/integration/opentelemetry/guide, and its Python SDK 1.4.0
"""

from traces.conventions.contents import documents, json_object, json_settings, labelled_in, labelled_out
from traces.conventions.table import Content, Convention
from traces.conventions.values import some_dollars

LANGWATCH = Convention(
    name="langwatch",
    kinds={
        "langwatch.span.type": {
            "llm": "llm",
            "rag": "retrieval",
            "tool": "tool",
            "function": "tool",
            "agent": "agent",
            "chain": "chain",
            "workflow": "chain",
            "component": "chain",
            "module": "chain",
            "task": "chain",
            "guardrail": "guardrail",
            "evaluation": "evaluator",
            "span": "other",
        }
    },
    fields={
        "cost_usd": (("usage.cost", some_dollars),),
        "user_id": ("langwatch.user.id",),
        "session_id": ("langwatch.thread.id", "langwatch.session.id", "metadata.thread_id"),
        "tags": ("metadata.labels", "langwatch.labels"),
        "prompt_name": ("langwatch.prompt.handle", "langwatch.prompt.id"),
        "prompt_version": ("langwatch.prompt.version.number", "langwatch.prompt.version.id"),
    },
    contents={
        "settings": (Content("langwatch.params", json_settings),),
        "usage": (Content("langwatch.metrics", json_object),),
        "input": (Content("langwatch.input", labelled_in),),
        "output": (Content("langwatch.output", labelled_out),),
        "documents": (Content("langwatch.rag_contexts", documents),),
    },
)
