"""A model call as text to paste: what it says to the API, and that any text of a trace survives shells and Python."""

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from traces.records import Payload, SpanRecord
from traces.reproduce import request_of
from traces.snippets import as_curl, as_json, as_python

HOSTILE = (
    'it\'s "quoted" `id` $(id) $HOME ${HOME} \\ \\n !! # % \r\n\ttab \0 NUL \x1b[31mred\x1b[0m\n'
    "END_OF_BODY\n'''\n\"\"\"\n{{ 7|add:1 }} <script>alert(1)</script> \u202egnp.exe\u2066 \u2028 \ufeff 你好 "
    "\U0001f600 \ud800 -- 'EOF'\n<<EOF\nEOF\n"
)


def request(payload, **fields):
    record = SpanRecord(b"t" * 16, b"s" * 8, **{"kind": "llm", "model_requested": "gpt-4o", **fields})
    return request_of(record, Payload(**payload))


def body(payload, **fields):
    return request(payload, **fields).body


def messages(*said):
    return body({"input": list(said)})["messages"]


USER = {"role": "user", "content": "What?"}


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ([USER], [USER]),
        ([{"role": "developer", "content": "Be kind."}, USER], [{"role": "developer", "content": "Be kind."}, USER]),
        ([{"role": "documents", "content": "d"}], [{"role": "user", "content": "d"}]),
        ([{"role": None, "content": None}, {"role": ["x"]}], [{"role": "user", "content": ""}] * 2),
        ([{"role": "user", "content": {"a": 1}}], [{"role": "user", "content": '{"a":1}'}]),
        ([{"role": "user", "name": "anna", "content": "Hi"}], [{"role": "user", "name": "anna", "content": "Hi"}]),
        (
            [{"role": "assistant", "content": None, "tool_calls": [{"id": "c", "name": "f", "arguments": {"é": 1}}]},
             {"role": "tool", "tool_call_id": "c", "content": "found"}],
            [{"role": "assistant", "content": None,
              "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"é":1}'}}]},
             {"role": "tool", "tool_call_id": "c", "content": "found"}],
        ),
        (
            [{"role": "assistant", "content": "So", "reasoning": "Hm", "finish_reason": "x",
              "tool_calls": [{"name": "f"}, {"name": "g", "arguments": "not json"}, "odd"]},
             {"role": "tool", "content": [{"type": "text", "text": "a"}]}, {"role": "tool", "content": "b"}],
            [{"role": "assistant", "content": "So", "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": "not json"}}]},
             {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "a"}]},
             {"role": "tool", "tool_call_id": "call_2", "content": "b"}],
        ),
        (
            [{"role": "user", "content": [
                {"type": "text", "text": "Look:"}, {"type": "image", "url": "https://x.example/i.png"},
                {"type": "image", "media_type": "image/gif", "data": "R0lG"},
                {"type": "image", "media_type": "image/png", "media": "ab" * 32}, {"type": "audio"},
                {"type": "other", "value": {"a": 1}}, 5]}],
            [{"role": "user", "content": [
                {"type": "text", "text": "Look:"},
                {"type": "image_url", "image_url": {"url": "https://x.example/i.png"}},
                {"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0lG"}},
                {"type": "text", "text": "[image/png, left out]"}, {"type": "text", "text": "[audio, left out]"},
                {"type": "text", "text": '{"a":1}'}, {"type": "text", "text": "5"}]}],
        ),
    ],
)  # fmt: skip
def test_messages_of_our_shape_are_said_as_the_api_takes_them(said, sent):
    assert messages(*said) == sent


@pytest.mark.parametrize(
    ("parameters", "sent"),
    [
        ({"temperature": 0, "top_p": 0.5, "stop": ["x"]}, {"temperature": 0, "top_p": 0.5, "stop": ["x"]}),
        ({"max_output_tokens": 5, "stop_sequences": ["x"]}, {"max_tokens": 5, "stop": ["x"]}),
        ({"response_format": "json"}, {"response_format": {"type": "json_object"}}),
        ({"response_format": {"type": "json_schema"}}, {"response_format": {"type": "json_schema"}}),
        ({"response_format": "image"}, {}),
        ({"response_format": ["odd"]}, {}),
        ({"stream": True, "api_key": "sk-1", "headers": {"a": "b"}, "timeout": 5, "_type": "x", "n": None}, {}),
        ({"top_k": 40, "dimensions": 5}, {"top_k": 40}),
        ({"odd": float("inf")}, {"odd": "inf"}),
    ],
)  # fmt: skip
def test_parameters_are_sent_where_they_belong_to_the_body(parameters, sent):
    told = body({"input": "What?", "parameters": parameters})
    del told["model"], told["messages"]
    assert told == sent


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}},
        {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}},
        {"name": "f", "description": "d", "input_schema": {"type": "object"}},
        {"name": "f", "description": "d", "inputSchema": {"type": "object"}},
    ],
)
def test_tools_are_offered_again_whoever_described_them(tool):
    told = body({"input": "What?", "tools": [tool, "odd", {}, {"name": 5}]})["tools"]
    assert told == [
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
    ]


def test_an_embedding_is_asked_for_again():
    asked = request({"input": ["a", {"text": "b"}], "parameters": {"dimensions": 256}}, kind="embedding")
    assert (asked.path, asked.body) == ("embeddings", {"model": "gpt-4o", "input": ["a", "b"], "dimensions": 256})
    assert body({"input": [1, 2]}, kind="embedding")["input"] == [1, 2]


@pytest.mark.parametrize(
    ("payload", "fields"),
    [({}, {}), ({"input": ""}, {}), ({"input": "x"}, {"kind": "rerank"}), ({"input": "x"}, {"kind": "tool"})],
)
def test_what_is_no_call_or_has_no_input_is_not_offered(payload, fields):
    assert request(payload, **fields) is None


@pytest.mark.parametrize(
    ("payload", "fields", "remark"),
    [
        ({}, {"model_requested": None}, "write its name in place of MODEL"),
        ({}, {"provider": "anthropic"}, "It went to anthropic"),
        ({"parameters": {"stream": True}}, {}, "It was streamed"),
        ({"input": {"a": 1}}, {}, "no list of messages"),
        ({"input": [{"role": "user", "content": [{"type": "image", "media": "ab" * 32}]}]}, {}, "1 medium is left out"),
    ],
)
def test_what_differs_is_said(payload, fields, remark):
    (said,) = request({"input": "What?", **payload}, **fields).remarks
    assert remark in said
    assert request({"input": "What?"}, provider="openai").remarks == []


def test_a_result_without_its_call_gets_one_before_it():
    results = [{"role": "tool", "name": "find", "content": "a"}, {"role": "tool", "tool_call_id": "c9", "content": "b"}]
    told = messages(USER, *results)
    assert [one["role"] for one in told] == ["user", "assistant", "tool", "assistant", "tool"]
    for call, result in ((told[1], told[2]), (told[3], told[4])):
        assert call["tool_calls"][0]["id"] == result["tool_call_id"]
    assert told[1]["tool_calls"][0]["function"] == {"name": "find", "arguments": "{}"}


def test_the_json_shows_what_would_hide_or_command():
    text = as_json(request({"input": HOSTILE}))
    assert not set("\x1b\0\u202e\u2066\u2028\ufeff\r\t") & set(text)
    assert "你好" in text
    assert json.loads(text)["messages"][0]["content"] == HOSTILE.replace("\ud800", "?")


class _Fake(BaseHTTPRequestHandler):
    """A server that understands OpenAI's API as far as to keep what it was sent."""

    def do_POST(self):
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers["Authorization"], json.loads(sent)))
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "This."}}
        answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        if self.path.endswith("embeddings"):
            one = {"object": "embedding", "index": 0, "embedding": [0.5]}
            answer = {"object": "list", "model": "m", "data": [one], "usage": {"prompt_tokens": 1, "total_tokens": 1}}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextmanager
def fake_server():
    server = HTTPServer(("127.0.0.1", 0), _Fake)
    server.got = []
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(server, program, script, folder):
    """Run the text as a member would: pasted into a file, with the key and the address in the environment."""
    file = folder / "pasted"
    file.write_text(script, encoding="utf-8", newline="")
    env = os.environ | {
        "OPENAI_API_KEY": "sk-of the member's",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{server.server_port}/v1",
        "HOME": str(folder),
        "NO_PROXY": "127.0.0.1",
    }
    return subprocess.run([*program, str(file)], env=env, cwd=folder, capture_output=True, text=True, timeout=60)


def everything():
    """A call with hostile text in each of its places, and an argument that is longer than a command may be."""
    call = {"id": HOSTILE, "name": HOSTILE, "arguments": {HOSTILE: [HOSTILE, None, True, 1.5, 2**60]}}
    parts = [{"type": "text", "text": HOSTILE}, {"type": "image", "url": f"https://x.example/{HOSTILE}"}]
    deep = HOSTILE
    for _ in range(150):
        deep = [deep]
    return {
        "input": [
            {"role": "system", "content": HOSTILE * 2_000},
            {"role": "user", "content": parts, "name": HOSTILE},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": HOSTILE, "content": HOSTILE},
        ],
        "tools": [{"name": HOSTILE, "description": HOSTILE, "parameters": {HOSTILE: {HOSTILE: []}}}],
        "parameters": {"temperature": 0.2, HOSTILE: HOSTILE, "stop": [HOSTILE], "metadata": {"deep": deep}},
    }


CASES = {
    "everything": lambda: request(everything(), model_requested=HOSTILE),
    "a plain text": lambda: request({"input": "What?"}),
    "an embedding": lambda: request({"input": [HOSTILE]}, kind="embedding"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_copied_command_sends_the_same_by_real_curl(tmp_path, case, shell):
    asked = CASES[case]()
    with fake_server() as server:
        done = run(server, [shell], as_curl(asked), tmp_path)
    assert done.returncode == 0, done.stderr
    assert server.got == [(f"/v1/{asked.path}", "Bearer sk-of the member's", asked.body)]
    assert [one.name for one in tmp_path.iterdir()] == ["pasted"]


@pytest.mark.parametrize("case", CASES)
def test_the_copied_program_sends_the_same_by_the_openai_package(tmp_path, case):
    asked = CASES[case]()
    with fake_server() as server:
        done = run(server, [sys.executable], as_python(asked), tmp_path)
    assert done.returncode == 0, done.stderr
    ((path, key, sent),) = server.got
    if asked.path == "embeddings":  # the package asks for bytes unless it is told otherwise
        sent.pop("encoding_format")
    assert (path, key, sent) == (f"/v1/{asked.path}", "Bearer sk-of the member's", asked.body)
    assert '"This."' in done.stdout or "embedding" in done.stdout


def test_the_key_is_never_part_of_the_text():
    asked = request(
        {"input": "What?", "parameters": {"api_key": "sk-secret", "headers": {"Authorization": "sk-secret"}}}
    )
    for text in (as_curl(asked), as_python(asked), as_json(asked)):
        assert "sk-secret" not in text
    assert "$OPENAI_API_KEY" in as_curl(asked)
    assert "$OPENAI_API_KEY" in as_python(asked)
