import pytest

from traces.messages import messages, shaped, with_system
from traces.model_calls import request, response

PIXEL = "iVBORw0KGgo="


def user(content):
    return {"role": "user", "content": content}


@pytest.mark.parametrize(
    ("sent", "shape"),
    [
        # OpenTelemetry
        ({"role": "user", "parts": [{"type": "text", "content": "Hi"}], "name": None}, [user("Hi")]),
        (
            {"role": "user", "parts": [{"type": "text", "content": "a"}, {"type": "text", "content": "b"}]},
            [user("a\nb")],
        ),
        (
            {
                "role": "assistant",
                "finish_reason": "tool_call",
                "parts": [
                    {"type": "reasoning", "content": "hm"},
                    {"type": "tool_call", "id": "c1", "name": "get", "arguments": {"a": 1}},
                ],
            },
            [
                {
                    "role": "assistant",
                    "content": None,
                    "reasoning": "hm",
                    "finish_reason": "tool_call",
                    "tool_calls": [{"id": "c1", "name": "get", "arguments": {"a": 1}}],
                }
            ],
        ),
        (
            {
                "role": "tool",
                "parts": [
                    {"type": "tool_call_response", "id": "c1", "response": "21C"},
                    {"type": "tool_call_response", "id": "c2", "result": {"t": 4}},
                ],
            },
            [
                {"role": "tool", "content": "21C", "tool_call_id": "c1"},
                {"role": "tool", "content": [{"type": "other", "value": {"t": 4}}], "tool_call_id": "c2"},
            ],
        ),
        (
            {
                "role": "user",
                "parts": [{"type": "blob", "mime_type": "image/png", "modality": "image", "content": PIXEL}],
            },
            [user([{"type": "image", "media_type": "image/png", "data": PIXEL}])],
        ),
        (
            {"role": "user", "parts": [{"type": "uri", "modality": "video", "uri": "https://x/y.mp4"}]},
            [user([{"type": "video", "url": "https://x/y.mp4"}])],
        ),
        (
            {"role": "user", "parts": [{"type": "from_the_future", "a": 1}]},
            [user([{"type": "other", "value": {"type": "from_the_future", "a": 1}}])],
        ),
        # OpenAI's chat
        ({"role": "user", "content": "Hi"}, [user("Hi")]),
        (
            {
                "role": "assistant",
                "content": None,
                "refusal": None,
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}],
            },
            [{"role": "assistant", "content": None, "tool_calls": [{"id": "c", "name": "f", "arguments": {"a": 1}}]}],
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": '{"a": '}}]},
            [{"role": "assistant", "content": None, "tool_calls": [{"id": "c", "name": "f", "arguments": '{"a": '}]}],
        ),
        (
            {"role": "tool", "tool_call_id": "c", "content": "21C"},
            [{"role": "tool", "content": "21C", "tool_call_id": "c"}],
        ),
        (
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
                    {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
                ],
            },
            [
                user(
                    [
                        {"type": "text", "text": "What?"},
                        {"type": "image", "media_type": "image/png", "data": PIXEL},
                        {"type": "audio", "media_type": "wav", "data": "UklG"},
                    ]
                )
            ],
        ),
        (
            {"role": "assistant", "content": "", "refusal": "No."},
            [{"role": "assistant", "content": "", "refusal": "No."}],
        ),
        # Anthropic
        (
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "x"},
                    {"type": "text", "text": "Wait."},
                    {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
                ],
            },
            [
                {
                    "role": "assistant",
                    "content": "Wait.",
                    "reasoning": "hm",
                    "tool_calls": [{"id": "t", "name": "f", "arguments": {"a": 1}}],
                }
            ],
        ),
        (
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "4"}]}],
            },
            [{"role": "tool", "content": "4", "tool_call_id": "t"}],
        ),
        (
            {
                "role": "user",
                "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "x"}}],
            },
            [user([{"type": "image", "media_type": "image/jpeg", "data": "x"}])],
        ),
        # Gemini
        (
            {"role": "model", "parts": [{"text": "Hi"}, {"functionCall": {"name": "f", "args": {"a": 1}}}]},
            [{"role": "assistant", "content": "Hi", "tool_calls": [{"id": None, "name": "f", "arguments": {"a": 1}}]}],
        ),
        # LangChain
        (
            {"lc": 1, "type": "constructor", "id": ["x", "HumanMessage"], "kwargs": {"content": "Hi", "type": "human"}},
            [user("Hi")],
        ),
        (
            {"lc": 1, "id": ["x", "AIMessageChunk"], "kwargs": {"content": "Hi"}},
            [{"role": "assistant", "content": "Hi"}],
        ),
        (
            {
                "type": "ai",
                "data": {
                    "content": "",
                    "tool_calls": [{"name": "f", "args": {"a": 1}, "id": "c", "type": "tool_call"}],
                },
            },
            [{"role": "assistant", "content": "", "tool_calls": [{"id": "c", "name": "f", "arguments": {"a": 1}}]}],
        ),
        (["user", "Hi"], [user("Hi")]),
        # The AI SDK
        (
            {
                "role": "assistant",
                "content": [{"type": "tool-call", "toolCallId": "c", "toolName": "f", "input": {"a": 1}}],
            },
            [{"role": "assistant", "content": None, "tool_calls": [{"id": "c", "name": "f", "arguments": {"a": 1}}]}],
        ),
        # OpenInference, unflattened
        (
            {
                "message": {
                    "role": "user",
                    "contents": [
                        {"message_content": {"type": "image", "image": {"image": {"url": "https://x/y.png"}}}}
                    ],
                }
            },
            [user([{"type": "image", "url": "https://x/y.png"}])],
        ),
        # OpenAI's responses
        (
            {"type": "function_call", "call_id": "c", "id": "fc_1", "name": "f", "arguments": '{"a": 1}'},
            [{"role": "assistant", "content": None, "tool_calls": [{"id": "c", "name": "f", "arguments": {"a": 1}}]}],
        ),
        (
            {"type": "function_call_output", "call_id": "c", "output": "4"},
            [{"role": "tool", "content": "4", "tool_call_id": "c"}],
        ),
        # Cut by a client
        ({"content": "no role"}, [{"role": "", "content": "no role"}]),
    ],
)
def test_a_message_of_any_sender_comes_out_in_one_shape(sent, shape):
    assert messages([sent]) == shape
    assert messages(shape) == shape


@pytest.mark.parametrize("value", [None, "text", 5, [], [5], {}, [{"a": 1}], [{"role": "user", "content": "x"}, 7]])
def test_what_is_no_list_of_messages_is_none(value):
    assert messages(value) is None


@pytest.mark.parametrize("value", ["text", {"role": "user", "content": "x"}, [1, 2], [{"text": "document"}], None])
def test_what_is_no_list_of_messages_is_kept_as_sent(value):
    assert shaped(value) == value


@pytest.mark.parametrize(
    ("system", "spoken", "whole"),
    [
        (
            [{"type": "text", "content": "Be brief."}],
            [user("Hi")],
            [{"role": "system", "content": "Be brief."}, user("Hi")],
        ),
        ("Be brief.", "Hi", [{"role": "system", "content": "Be brief."}, user("Hi")]),
        ("Be brief.", None, [{"role": "system", "content": "Be brief."}]),
        ("Be brief.", [{"role": "system", "content": "Be brief."}], [{"role": "system", "content": "Be brief."}]),
        ("", [user("Hi")], [user("Hi")]),
        ("Be brief.", {"a": 1}, {"a": 1}),
    ],
)
def test_a_system_prompt_stands_in_front_once(system, spoken, whole):
    assert with_system(system, spoken) == whole


@pytest.mark.parametrize(
    ("body", "spoken", "rest"),
    [
        ({"model": "m", "messages": [user("Hi")]}, [user("Hi")], {"model": "m"}),
        (
            {"model": "m", "input": "Hi", "instructions": "Brief."},
            [{"role": "system", "content": "Brief."}, user("Hi")],
            {"model": "m"},
        ),
        ({"prompt": ["a", "b"]}, [user("a"), user("b")], {}),
        ({"messages": [["user", "Hi"]]}, [user("Hi")], {}),
        ({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}, [user("Hi")], {}),
    ],
)
def test_a_request_is_its_messages_and_the_rest(body, spoken, rest):
    found = request(body)
    assert (found.spoken, found.rest) == (spoken, rest)


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ({"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}]}, "Hi"),
        ({"choices": [{"text": "Hi", "finish_reason": "stop"}]}, "Hi"),
        (
            {"output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}]},
            "Hi",
        ),
        ({"role": "assistant", "content": [{"type": "text", "text": "Hi"}]}, "Hi"),
        ({"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}, "Hi"),
        ({"generations": [[{"text": "Hi"}]]}, "Hi"),
        ({"generations": [[{"text": "Hi", "message": {"lc": 1, "kwargs": {"content": "Hi", "type": "ai"}}}]]}, "Hi"),
    ],
)
def test_a_response_of_any_provider_is_its_messages(body, content):
    (spoken,) = response(body).spoken
    assert (spoken["role"], spoken["content"]) == ("assistant", content)


@pytest.mark.parametrize(
    "value", [None, "x", [], {}, {"messages": 5}, {"choices": 5}, {"input": {"a": 1}}, {"output": "x"}]
)
def test_a_body_without_messages_is_none(value):
    assert request(value) is None
    assert response(value) is None
