"""Opik's SDK, run for real against a running llmobs: with nothing changed but address and key, every trace is found."""

import time
from threading import Timer

import pytest

from tests.sdks import ANSWER, model_server, python_with, running

pytestmark = pytest.mark.long
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(200_000)
PROGRAM = """
import base64, sys, time
from datetime import datetime, timezone
import openai, opik
from opik import opik_context
from opik.integrations.openai import track_openai

model, number, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
client = track_openai(openai.OpenAI(base_url=model, api_key="none", max_retries=0))

@opik.track(type="tool")
def weather(city):
    return "21C"

@opik.track
def answer(request_id, question):
    opik_context.update_current_trace(
        thread_id="session-1", tags=["prod"], metadata={"user_id": "user-77", "request_id": request_id})
    weather("Paris")
    messages = [{"role": "user", "content": question}]
    reply = client.chat.completions.create(model="gpt-4o-mini", temperature=0.2, messages=messages)
    print("tracked", opik_context.get_current_trace_data().id, flush=True)
    return reply.choices[0].message.content

for one in range(number):
    answer(f"req-{one}", "What is the capital of France?")
    time.sleep(pause)
try:
    answer("req-failed", "Say it [[429]]")
except openai.RateLimitError:
    pass
low = opik.Opik()
trace = low.trace(name="manual", input={"q": 1}, thread_id="session-1")
span = trace.span(name="call", type="llm", model="gpt-4o-mini", provider="openai", input={"m": 1})
low.flush()
span.end(output={"o": 1}, usage={"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15})
trace.end(output={"done": 1})
trace.log_feedback_score(name="helpful", value=0.9, reason="nice")
print("manual", trace.id, flush=True)
picture = b"\\x89PNG\\r\\n\\x1a\\n" + bytes(200_000)
plan = opik.Attachment(data=picture, file_name="plan.png", content_type="image/png")
url = "data:image/png;base64," + base64.b64encode(picture).decode()
trace = low.trace(name="pictured", input={"image": url}, end_time=datetime.now(timezone.utc), attachments=[plan])
trace.span(name="drawn", end_time=datetime.now(timezone.utc), attachments=[plan])
print("pictured", trace.id, flush=True)
for _ in range(int(sys.argv[4])):
    low.flush()
    opik.flush_tracker()
    time.sleep(2)
low.end()
opik.flush_tracker()
"""


@pytest.fixture(scope="module")
def python():
    return python_with("opik-2.2.122", "opik==2.2.122", "openai==2.54.0", "litellm==1.105.3")


@pytest.fixture
def run(python, door, ingest_key, tmp_path):
    """Runs the SDK's program; gives the ids of the traces by what made them."""

    def _run(number=2, pause=0.0, flushes=1):
        sdk = {
            "OPIK_URL_OVERRIDE": f"{door.address}/opik", "OPIK_API_KEY": ingest_key, "OPIK_WORKSPACE": "default",
            "OPIK_PROJECT_NAME": "shop-bot", "OPIK_SENTRY_ENABLE": "false", "OPIK_ANALYTICS_ENABLE": "false",
        }  # fmt: skip
        with model_server() as model:
            words = (model, str(number), str(pause), str(flushes))
            with running(python, PROGRAM, *words, home=tmp_path, **sdk) as process:
                said, _ = process.communicate(timeout=150)
        assert process.returncode == 0
        made = [line.split() for line in said.splitlines() if line.startswith(("tracked", "manual", "pictured"))]
        return {kind: [one for what, one in made if what == kind] for kind in ("tracked", "manual", "pictured")}

    return _run


def assert_tracked(trace):
    """What the decorators and the wrapped client say, once each, with all of it."""
    assert trace["complete"]
    spans = {(span["name"], span["kind"]): span for span in trace["spans"]}
    assert len(trace["spans"]) == len(spans) + 1 == 4  # the trace and its first span have one name
    (root,) = [span for span in trace["spans"] if span["parent_id"] is None]
    assert (root["span_id"], root["session_id"], root["user_id"]) == (trace["trace_id"], "session-1", "user-77")
    assert (root["tags"], root["service"], root["output"]) == (["prod"], "shop-bot", ANSWER)
    call = spans["chat_completion_create", "llm"]
    assert (call["model_requested"] or "gpt-4o-mini", call["model"]) == ("gpt-4o-mini", "gpt-4o-mini-2024-08-06")
    assert (call["input_tokens"], call["output_tokens"], call["cache_read_tokens"]) == (120, 17, 64)
    assert (call["cost_source"], call["parameters"]["temperature"]) == ("priced", 0.2)
    assert (call["input"][0]["content"], call["output"][0]["content"]) == ("What is the capital of France?", ANSWER)
    assert spans["weather", "tool"]["output"] == "21C"


def assert_manual(trace):
    assert trace["complete"]
    root, call = sorted(trace["spans"], key=lambda span: span["parent_id"] is not None)
    assert (root["name"], root["input"], root["output"]) == ("manual", {"q": 1}, {"done": 1})
    assert (call["kind"], call["model"], call["input"], call["output"]) == ("llm", "gpt-4o-mini", {"m": 1}, {"o": 1})
    assert (call["input_tokens"], call["output_tokens"], call["parent_id"]) == (10, 5, root["span_id"])
    assert root["duration_ms"] >= call["duration_ms"] > 0
    assert [(one["name"], one["value"], one["comment"]) for one in trace["scores"]] == [("helpful", 0.9, "nice")]


def assert_failed(trace):
    (call,) = [span for span in trace["spans"] if span["kind"] == "llm"]
    assert (call["failure"], call["model_requested"], call["input_tokens"]) == ("rate_limited", "gpt-4o-mini", None)
    assert {span["status"] for span in trace["spans"] if span["kind"] == "chain"} == {"error"}


def assert_found(read, made, number):
    assert len(made["tracked"]) == number
    for trace_id in made["tracked"]:
        assert_tracked(read(f"traces/{trace_id}"))
    assert [read(f"requests/req-{one}")["trace_id"] for one in range(number)] == made["tracked"]
    assert_failed(read("requests/req-failed"))
    (manual,) = made["manual"]
    assert_manual(read(f"traces/{manual}"))


def test_every_trace_is_found_with_its_values_and_files(run, read, member_client):
    made = run(number=5)
    assert_found(read, made, 5)
    root, step = sorted(read(f"traces/{made['pictured'][0]}")["spans"], key=lambda span: span["parent_id"] is not None)
    files = [one["attributes"]["opik.attachment.plan.png"] for one in (root, step)] + [root["input"]["image"]]
    for file in files:
        stored = b"".join(member_client.get(f"/p/shop/media/{file['media']}").streaming_content)
        assert (file["type"], stored) == ("image", PICTURE)


def test_every_trace_is_found_after_some_seconds_of_503(run, read, door):
    """The SDK keeps on disk what met a 503, and sends it again when its ping is answered: the program must live on."""
    door.refuse()
    Timer(4, door.open).start()
    assert_found(read, run(number=3, pause=0.5, flushes=8), 3)


def test_every_trace_is_found_after_ten_seconds_of_absence(run, read, door):
    Timer(7, door.shut).start()
    Timer(17, door.open).start()
    began = time.monotonic()
    assert_found(read, run(number=12, pause=1.5, flushes=12), 12)
    assert time.monotonic() - began > 17
