"""OpenTelemetry's GenAI conventions: the newest names, and those of 1.27 to 1.36 that clients still send.

https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
"""

from traces.conventions.contents import documents, json_list, json_or_text, messages
from traces.conventions.table import Content, Convention
from traces.conventions.values import seconds

OTEL_GENAI = Convention(
    name="otel_genai",
    kinds={
        "gen_ai.operation.name": {
            "chat": "llm",
            "text_completion": "llm",
            "generate_content": "llm",
            "completion": "llm",
            "responses": "llm",
            "embeddings": "embedding",
            "retrieval": "retrieval",
            "rerank": "rerank",
            "execute_tool": "tool",
            "invoke_agent": "agent",
            "create_agent": "agent",
            "invoke_workflow": "chain",
            "agent_step": "chain",
            "guardrail": "guardrail",
            "evaluation": "evaluator",
        }
    },
    signs={
        "gen_ai.agent.name": "agent",
        "gen_ai.workflow.name": "chain",
        "gen_ai.tool.name": "tool",
        "gen_ai.retrieval.documents": "retrieval",
    },
    fields={
        "provider": ("gen_ai.provider.name", "gen_ai.system"),
        "model_requested": ("gen_ai.request.model",),
        "model": ("gen_ai.response.model",),
        "response_id": ("gen_ai.response.id",),
        "finish_reason": ("gen_ai.response.finish_reasons", "gen_ai.response.finish_reason"),
        "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        "cache_read_tokens": (
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.input_tokens.cached",
        ),
        "cache_write_tokens": (
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
        ),
        "reasoning_tokens": (
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "gen_ai.usage.output_tokens.reasoning",
        ),
        "time_to_first_token_us": (
            ("gen_ai.response.time_to_first_chunk", seconds),
            ("gen_ai.client.operation.time_to_first_chunk", seconds),
            ("gen_ai.server.time_to_first_token", seconds),
        ),
        "session_id": ("gen_ai.conversation.id", "session.id"),
        "user_id": ("user.id",),
        "prompt_name": ("gen_ai.prompt.name",),
        "prompt_version": ("gen_ai.prompt.version",),
        "tool_name": ("gen_ai.tool.name",),
        "retriever_name": ("gen_ai.data_source.id",),
    },
    parameters={
        "temperature": ("gen_ai.request.temperature",),
        "top_p": ("gen_ai.request.top_p",),
        "top_k": ("gen_ai.request.top_k",),
        "max_tokens": ("gen_ai.request.max_tokens",),
        "stop": ("gen_ai.request.stop_sequences",),
        "presence_penalty": ("gen_ai.request.presence_penalty",),
        "frequency_penalty": ("gen_ai.request.frequency_penalty",),
        "seed": ("gen_ai.request.seed", "gen_ai.openai.request.seed"),
        "n": ("gen_ai.request.choice.count",),
        "stream": ("gen_ai.request.stream",),
        "response_format": ("gen_ai.output.type", "gen_ai.openai.request.response_format"),
        "service_tier": (
            "openai.response.service_tier",
            "gen_ai.openai.response.service_tier",
            "openai.request.service_tier",
            "gen_ai.openai.request.service_tier",
        ),
        "encoding_format": ("gen_ai.request.encoding_formats",),
        "dimensions": ("gen_ai.embeddings.dimension.count",),
    },
    contents={
        "input": (
            Content("gen_ai.input.messages", messages),
            Content("gen_ai.tool.call.arguments", json_or_text),
            Content("gen_ai.retrieval.query.text", json_or_text),
        ),
        "output": (
            Content("gen_ai.output.messages", messages),
            Content("gen_ai.tool.call.result", json_or_text),
        ),
        "system": (Content("gen_ai.system_instructions", json_or_text),),
        "tools": (Content("gen_ai.tool.definitions", json_list),),
        "documents": (Content("gen_ai.retrieval.documents", documents),),
    },
)
