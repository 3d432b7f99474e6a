"""LangSmith's SDK, run for real against a running llmobs, with nothing changed but address and key: all is found."""

import base64
import hashlib
import json
from threading import Timer

import pytest

from tests.sdks import ANSWER, model_server, python_with, running
from tests.web import sent

pytestmark = pytest.mark.long
PHOTO = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
PROGRAM = """
import sys, time, uuid
import openai
from langsmith import Client, get_current_run_tree, traceable
from langsmith.schemas import Attachment
from langsmith.wrappers import wrap_openai

model, number, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
client = Client()
llm = wrap_openai(openai.OpenAI(base_url=model, api_key="none", max_retries=0))

@traceable(run_type="tool", client=client)
def weather(city):
    return "21C"

@traceable(run_type="retriever", client=client)
def search(query):
    return [{"page_content": "Paris is mild", "type": "Document", "metadata": {"id": "d1"}}]

@traceable(client=client, dangerously_allow_filesystem=False)
def look(x, photo: Attachment):
    return x

@traceable(client=client)
def answer(question):
    weather("Paris")
    search(question)
    messages = [{"role": "user", "content": question}]
    reply = llm.chat.completions.create(model="gpt-4o-mini", temperature=0.2, messages=messages)
    print("traced", get_current_run_tree().trace_id, flush=True)
    return reply.choices[0].message.content

def metadata(request_id):
    return {"metadata": {"thread_id": "session-1", "user_id": "user-77", "request_id": request_id}, "tags": ["prod"],
            "client": client}

for one in range(number):
    answer("What is the capital of France?", langsmith_extra=metadata(f"req-{one}"))
    time.sleep(pause)
try:
    answer("Say it [[429]]", langsmith_extra=metadata("req-failed"))
except openai.RateLimitError:
    pass
photo = bytes.fromhex("89504e470d0a1a0a") + bytes(range(256)) * 20
look(1, Attachment(mime_type="image/png", data=photo), langsmith_extra=metadata("req-photo"))
client.flush()
time.sleep(2)
client.flush()
print("flushed", flush=True)
root, child = uuid.uuid4(), uuid.uuid4()
client.create_run("manual", {"q": 1}, "chain", id=root, trace_id=root)
call = {"messages": [{"role": "user", "content": "Hi"}], "model": "gpt-4o-mini"}
client.create_run("call", call, "llm", id=child, parent_run_id=root)
usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
choice = {"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
client.update_run(child, outputs={"choices": [choice], "usage_metadata": usage})
client.update_run(root, outputs={"done": 1})
client.create_feedback(key="helpful", score=0.9, comment="nice", trace_id=root)
client.create_feedback(child, "terse", score=True)
print("manual", root, flush=True)
client.flush()
"""


@pytest.fixture(scope="module")
def python():
    return python_with("langsmith-0.14.17", "langsmith==0.14.17", "openai==3.52.0")


@pytest.fixture
def given_up(tmp_path):
    """The folder in which the SDK leaves the requests that it gave up."""
    folder = tmp_path / "failed"
    folder.mkdir()
    return folder


@pytest.fixture
def run(python, door, ingest_key, tmp_path, given_up):
    """Runs the SDK's program; gives the ids of the traces by what made them. `zstd` as the SDK has it by itself."""

    def _run(number=2, pause=0.0, **more):
        sdk = {
            "LANGSMITH_TRACING": "true", "LANGSMITH_ENDPOINT": door.address, "LANGSMITH_API_KEY": ingest_key,
            "LANGSMITH_PROJECT": "shop-bot", "LANGSMITH_FAILED_TRACES_DIR": str(given_up), **more,
        }  # fmt: skip
        with (
            model_server() as model,
            running(python, PROGRAM, model, str(number), str(pause), home=tmp_path, **sdk) as it,
        ):
            said, _ = it.communicate(timeout=150)
        assert it.returncode == 0
        made = [line.split() for line in said.splitlines() if line.startswith(("traced", "manual"))]
        return {kind: [one for what, one in made if what == kind] for kind in ("traced", "manual")}

    return _run


def assert_traced(trace):
    """What the decorator and the wrapped client say, once each, with all of it."""
    assert trace["complete"]
    spans = {span["name"]: span for span in trace["spans"]}
    assert list(spans) == ["answer", "weather", "search", "ChatOpenAI"]
    root, call = spans["answer"], spans["ChatOpenAI"]
    assert {span["parent_id"] for span in trace["spans"]} == {None, root["span_id"]}
    for span in trace["spans"]:
        assert (span["session_id"], span["user_id"], span["service"]) == ("session-1", "user-77", "shop-bot")
        assert "prod" in span["tags"]
        assert span["ended"]
    assert (root["input"], root["output"]) == ({"question": "What is the capital of France?"}, ANSWER)
    assert (call["kind"], call["provider"]) == ("llm", "openai")
    assert (call["model_requested"], call["model"]) == ("gpt-4o-mini", "gpt-4o-mini-2024-08-06")
    used = [call[name] for name in ("input_tokens", "output_tokens", "cache_read_tokens", "reasoning_tokens")]
    assert (used, call["cost_source"]) == ([120, 17, 64, 5], "priced")
    assert (call["parameters"]["temperature"], call["finish_reason"]) == (0.2, "stop")
    assert (call["input"][0]["content"], call["output"][0]["content"]) == ("What is the capital of France?", ANSWER)
    assert (spans["weather"]["kind"], spans["weather"]["output"]) == ("tool", "21C")
    assert spans["search"]["documents"] == [{"text": "Paris is mild", "metadata": {"id": "d1"}}]


def assert_manual(trace):
    assert trace["complete"]
    root, call = trace["spans"]
    assert (root["name"], root["input"], root["output"]) == ("manual", {"q": 1}, {"done": 1})
    assert (call["kind"], call["model_requested"], call["parent_id"]) == ("llm", "gpt-4o-mini", root["span_id"])
    assert (call["input"][0]["content"], call["output"][0]["content"]) == ("Hi", "Hi")
    assert (call["input_tokens"], call["output_tokens"]) == (10, 5)
    assert root["duration_ms"] >= call["duration_ms"] > 0
    assert [(one["name"], one["value"], one["comment"]) for one in trace["scores"]] == [("helpful", 0.9, "nice")]
    assert [(one["name"], one["value"]) for one in call["scores"]] == [("terse", True)]


def assert_found(read, made, number):
    assert len(made["traced"]) == number
    for trace_id in made["traced"]:
        assert_traced(read(f"traces/{trace_id}"))
    assert [read(f"requests/req-{one}")["trace_id"] for one in range(number)] == made["traced"]
    failed = read("requests/req-failed")
    (call,) = [span for span in failed["spans"] if span["kind"] == "llm"]
    assert (call["failure"], call["model_requested"], call["input_tokens"]) == ("rate_limited", "gpt-4o-mini", None)
    assert "RateLimitError" in call["status_message"]
    (look,) = read("requests/req-photo")["spans"]
    (name,) = [name for name in look["attributes"] if name.startswith("langsmith.attachment.")]
    assert look["attributes"][name]["media"] == hashlib.sha256(PHOTO).hexdigest()
    (manual,) = made["manual"]
    assert_manual(read(f"traces/{manual}"))


@pytest.mark.parametrize("more", [{}, {"LANGSMITH_DISABLE_RUN_COMPRESSION": "true"}], ids=["zstd", "plain"])
def test_every_trace_is_found_with_its_values(run, read, given_up, more):
    assert_found(read, run(number=4, **more), 4)
    assert list(given_up.iterdir()) == []


def test_every_trace_is_found_after_some_seconds_of_503(run, read, door, given_up):
    door.refuse()
    Timer(2, door.open).start()
    assert_found(read, run(number=3, pause=0.5), 3)
    assert list(given_up.iterdir()) == []


def test_every_trace_is_found_after_ten_seconds_of_absence(run, read, door, given_up, web, ingest_key):
    """What the SDK gave up is in its own folder, as requests to be sent again: then everything is here."""
    Timer(4, door.shut).start()
    Timer(14, door.open).start()
    made = run(number=12, pause=1.5)
    for file in given_up.iterdir():
        kept = json.loads(file.read_bytes())
        headers = {name.replace("-", "_"): value for name, value in kept["headers"].items()} | {"x_api_key": ingest_key}
        assert sent(web, "POST", f"/{kept['endpoint']}", base64.b64decode(kept["body_base64"]), **headers).status == 202
    assert_found(read, made, 12)
