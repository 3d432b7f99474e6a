"""LiteLLM and OpenLIT: OTel GenAI with a cost and a few names of their own. OpenLIT says 0 where it knows no price."""

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
