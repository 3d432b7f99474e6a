"""Vercel's AI SDK 4 to 6, and the legacy form of 7. Its `ai.generateText` wraps one `.doGenerate` per step and try.

https://ai-sdk.dev/docs/ai-sdk-core/telemetry
"""

from traces.conventions.contents import ai_sdk_answer, body_in, json_list, json_or_text, messages
from traces.conventions.table import Content, Convention
from traces.conventions.values import milliseconds

_METADATA = "ai.telemetry.metadata"

VERCEL = Convention(
    name="vercel",
    kinds={
        "ai.operationId": {
            "ai.generatetext": "chain",
            "ai.streamtext": "chain",
            "ai.generateobject": "chain",
            "ai.streamobject": "chain",
            "ai.embed": "chain",
            "ai.embedmany": "chain",
            "ai.rerank": "chain",
            "ai.generatetext.dogenerate": "llm",
            "ai.streamtext.dostream": "llm",
            "ai.generateobject.dogenerate": "llm",
            "ai.streamobject.dostream": "llm",
            "ai.embed.doembed": "embedding",
            "ai.embedmany.doembed": "embedding",
            "ai.rerank.dorerank": "rerank",
            "ai.toolcall": "tool",
        }
    },
    fields={
        "provider": ("ai.model.provider",),
        "model_requested": ("ai.model.id",),
        "model": ("ai.response.model",),
        "response_id": ("ai.response.id",),
        "finish_reason": ("ai.response.finishReason",),
        "input_tokens": ("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
        "output_tokens": ("ai.usage.outputTokens", "ai.usage.completionTokens"),
        "cache_read_tokens": ("ai.usage.cachedInputTokens", "ai.usage.inputTokenDetails.cacheReadTokens"),
        "cache_write_tokens": ("ai.usage.inputTokenDetails.cacheWriteTokens",),
        "reasoning_tokens": ("ai.usage.reasoningTokens", "ai.usage.outputTokenDetails.reasoningTokens"),
        "time_to_first_token_us": (("ai.response.msToFirstChunk", milliseconds),),
        "user_id": (f"{_METADATA}.userId", f"{_METADATA}.user_id"),
        "session_id": (f"{_METADATA}.sessionId", f"{_METADATA}.session_id"),
        "tags": (f"{_METADATA}.tags",),
        "prompt_name": (f"{_METADATA}.promptName", f"{_METADATA}.prompt_name"),
        "prompt_version": (f"{_METADATA}.promptVersion", f"{_METADATA}.prompt_version"),
        "tool_name": ("ai.toolCall.name",),
    },
    parameters={
        "temperature": ("ai.settings.temperature",),
        "top_p": ("ai.settings.topP",),
        "top_k": ("ai.settings.topK",),
        "max_tokens": ("ai.settings.maxOutputTokens", "ai.settings.maxTokens"),
        "stop": ("ai.settings.stopSequences",),
        "seed": ("ai.settings.seed",),
        "presence_penalty": ("ai.settings.presencePenalty",),
        "frequency_penalty": ("ai.settings.frequencyPenalty",),
    },
    contents={
        "input": (
            Content("ai.prompt.messages", messages),
            Content("ai.prompt", body_in),
            Content("ai.toolCall.args", json_or_text),
            Content("ai.values", json_list),
            Content("ai.value", json_or_text),
        ),
        "output": (
            Content("ai.response.text", ai_sdk_answer),
            Content("ai.response.toolCalls", ai_sdk_answer),
            Content("ai.response.object", json_or_text),
            Content("ai.toolCall.result", json_or_text),
            Content("ai.embeddings", json_list),
            Content("ai.embedding", json_or_text),
        ),
        "tools": (Content("ai.prompt.tools", json_list),),
    },
)
