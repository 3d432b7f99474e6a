"""MLflow's tracing, which writes every value as JSON, texts in their quotes included.

https://mlflow.org/docs/latest/genai/tracing/
"""

from traces.conventions.contents import body_in, body_out, json_list, json_object
from traces.conventions.table import Content, Convention
from traces.conventions.values import unquoted

_KINDS = {
    "chat_model": "llm",
    "llm": "llm",
    "embedding": "embedding",
    "retriever": "retrieval",
    "reranker": "rerank",
    "tool": "tool",
    "agent": "agent",
    "chain": "chain",
    "workflow": "chain",
    "task": "chain",
    "parser": "parser",
    "guardrail": "guardrail",
    "evaluator": "evaluator",
}

MLFLOW = Convention(
    name="mlflow",
    kinds={"mlflow.spanType": {**{f'"{word}"': kind for word, kind in _KINDS.items()}, **_KINDS}},
    fields={
        "provider": ("mlflow.llm.provider",),
        "answered_model": (("mlflow.llm.model", unquoted),),
        "cost_usd": ("costs.total_cost",),
        "user_id": (("mlflow.trace.user", unquoted),),
        "session_id": (("mlflow.trace.session", unquoted),),
        "tool_name": (("mlflow.spanFunctionName", unquoted),),
    },
    contents={
        "input": (Content("mlflow.spanInputs", body_in),),
        "output": (Content("mlflow.spanOutputs", body_out),),
        "tools": (Content("mlflow.chat.tools", json_list),),
        "usage": (Content("mlflow.chat.tokenUsage", json_object),),
        "costs": (Content("mlflow.llm.cost", json_object),),
    },
)
