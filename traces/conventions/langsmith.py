"""LangSmith's runs: the names under which `traces.wire.langsmith` hands them on.

Where LangSmith's SDK speaks OpenTelemetry these are its own names, so that both ways mean the same. What applications
agree on stands in the metadata. https://docs.langchain.com/langsmith/ls-metadata-parameters
"""

from typing import Final

from traces.conventions.contents import json_object, json_settings
from traces.conventions.run_contents import run_inputs, run_outputs
from traces.conventions.table import Content, Convention

METADATA: Final = "langsmith.metadata."
KIND: Final = "langsmith.span.kind"
PROJECT: Final = "langsmith.trace.session_name"
INPUTS: Final = "langsmith.inputs"
OUTPUTS: Final = "langsmith.outputs"
USAGE: Final = "usage_metadata"
# Langchain's own parameters of a call.
SETTINGS: Final = "langsmith.extra.invocation_params"
RUN_TYPES: Final = {
    "llm": "llm",
    "chain": "chain",
    "tool": "tool",
    "retriever": "retrieval",
    "embedding": "embedding",
    "parser": "parser",
    "prompt": "chain",
}

LANGSMITH = Convention(
    name="langsmith",
    kinds={KIND: RUN_TYPES},
    fields={
        "provider": (f"{METADATA}ls_provider",),
        "model_requested": (f"{METADATA}ls_model_name",),
        "cache_read_tokens": ("usage.input_token_details.cache_read",),
        "cache_write_tokens": ("usage.input_token_details.cache_creation",),
        "reasoning_tokens": ("usage.output_token_details.reasoning",),
        "cost_usd": ("usage.total_cost",),
        "session_id": (f"{METADATA}session_id", f"{METADATA}thread_id", f"{METADATA}conversation_id"),
        "user_id": (f"{METADATA}user_id", f"{METADATA}userId"),
        "prompt_name": (f"{METADATA}prompt_name", f"{METADATA}lc_hub_repo"),
        "prompt_version": (f"{METADATA}prompt_version", f"{METADATA}lc_hub_commit_hash"),
        "retriever_name": (f"{METADATA}ls_retriever_name",),
        "release": (f"{METADATA}revision_id",),
        "service": (PROJECT,),
        "tags": ("langsmith.span.tags",),
    },
    parameters={
        "temperature": (f"{METADATA}ls_temperature",),
        "max_tokens": (f"{METADATA}ls_max_tokens",),
        "stop": (f"{METADATA}ls_stop",),
    },
    contents={
        "settings": (Content(f"{METADATA}ls_invocation_params", json_settings), Content(SETTINGS, json_settings)),
        "usage": (Content(f"{METADATA}{USAGE}", json_object),),
        "input": (Content(INPUTS, run_inputs),),
        "output": (Content(OUTPUTS, run_outputs),),
    },
)
