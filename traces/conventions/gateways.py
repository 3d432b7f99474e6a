"""OTel GenAI with a few names of their own: LiteLLM, OpenLIT, Portkey and PromptLayer.

OpenLIT says a cost of 0 where it knows no price.
Portkey: https://portkey.ai/docs/product/enterprise-offering/otel/complete-logs
PromptLayer: https://docs.promptlayer.com/features/opentelemetry, and its Python SDK 1.5.16
"""

from traces.conventions.contents import json_or_text
from traces.conventions.table import Content, Convention
from traces.conventions.values import some_dollars

LITELLM = Convention(
    name="litellm",
    fields={"cost_usd": ("gen_ai.cost.total_cost",)},
    parameters={"stream": ("llm.is_streaming",)},
)

OPENLIT = Convention(
    name="openlit",
    fields={
        "cost_usd": (("gen_ai.usage.cost", some_dollars),),
        "user_id": ("gen_ai.request.user",),
    },
    contents={"input": (Content("gen_ai.tool.args", json_or_text),)},
)

PORTKEY = Convention(
    name="portkey",
    fields={
        "input_tokens": ("gen_ai.response.input_tokens",),
        "output_tokens": ("gen_ai.response.output_tokens",),
    },
)

PROMPTLAYER = Convention(
    name="promptlayer",
    kinds={"node_type": {"llm_call": "llm"}},
    fields={
        "prompt_name": ("promptlayer.prompt.name",),
        "prompt_version": ("promptlayer.prompt.version",),
    },
    # What a traced function was called with and returned: Python's own spelling of it.
    contents={
        "input": (Content("function_input", json_or_text),),
        "output": (Content("function_output", json_or_text),),
    },
)
