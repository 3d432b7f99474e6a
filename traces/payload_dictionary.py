"""The dictionary that payloads are compressed with: what their JSON says again and again.

zstd finds repetitions inside a payload of 2 KB badly, because the first time is never a repetition. Measured on the
benchmark's load: 877 bytes a payload without it, 760 with it, for 1.5 µs. It belongs to codec 2 for ever: a change makes
everything that is stored unreadable, so another dictionary gets another codec.
"""

from typing import Final

# Later text is found at a shorter distance, so the commonest stands last.
DICTIONARY: Final = (
    b'{"links":[{"attributes":{},"span_id":"","trace_id":""}],"parsed_output":{},"tools":[{"function":{"description":"",'
    b'"name":"","parameters":{"additionalProperties":false,"properties":{"":{"description":"","type":"string"}},'
    b'"required":[""],"type":"object"}},"type":"function"}]'
    b'"events":[{"at":"2026-11-21T05:00:00.000000Z","attributes":{"exception.message":"","exception.stacktrace":'
    b'"Traceback (most recent call last):\\n  File \\"/usr/lib/python3/site-packages/","exception.type":"RateLimitError"},'
    b'"name":"exception","offset_us":1}],"parameters":{"frequency_penalty":0,"max_tokens":800,"presence_penalty":0,'
    b'"seed":1,"stream":true,"temperature":0.2,"top_p":1},"metadata":{},"server.address":"api.openai.com",'
    b'"server.port":443,"llm.token_count.total":100,'
    b'{"attributes":{"openinference.span.kind":"CHAIN","otel.scope.name":"opentelemetry.instrumentation.",'
    b'"resource":{"deployment.environment.name":"production","openinference.project.name":"default","service.name":"",'
    b'"service.version":"","telemetry.sdk.language":"python","telemetry.sdk.name":"opentelemetry",'
    b'"telemetry.sdk.version":"1.4"}},"documents":[{"score":0.5,"text":""},{"id":"","metadata":{},"score":0.9,"text":""}],'
    b'"input":[{"content":"You are a helpful assistant. ","role":"system"},{"content":null,"role":"assistant",'
    b'"tool_calls":[{"arguments":{"query":""},"id":"call_","name":""}]},{"content":"","role":"tool",'
    b'"tool_call_id":"call_"},{"content":"","role":"user"}],"output":[{"content":"I am sorry, the ",'
    b'"finish_reason":"stop","role":"assistant"}]} that you with your was are can the of to and in is for '
)
