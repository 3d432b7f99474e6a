"""Traceloop's SDK, run for real against a running llmobs: with its address and key changed, every trace is found."""

import base64
import struct
import zlib
from pathlib import Path
from threading import Timer

import pytest

from tests.sdks import ANSWER, model_server, python_with, running

pytestmark = pytest.mark.long
PROGRAM = """
import sys, time
import openai
from opentelemetry import trace
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import task, tool, workflow

model, number, pause, image = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
more = {"endpoint_is_traceloop": True, "traceloop_sync_enabled": True} if image else {}
Traceloop.init(app_name="shop-bot", telemetry_enabled=False, **more)
client = openai.OpenAI(base_url=model, api_key="none", max_retries=0)

@tool(name="weather")
def weather(city):
    return "21C"

@workflow(name="answer")
def answer(request_id, content):
    Traceloop.set_association_properties(
        {"user_id": "user-77", "session_id": "session-1", "request_id": request_id})
    print("answered", format(trace.get_current_span().get_span_context().trace_id, "032x"), flush=True)
    weather("Paris")
    reply = client.chat.completions.create(
        model="gpt-4o-mini", temperature=0.2, messages=[{"role": "user", "content": content}])
    return reply.choices[0].message.content

for one in range(number):
    answer(f"req-{one}", "What is the capital of France?")
    time.sleep(pause)
try:
    answer("req-failed", "Say it [[429]]")
except openai.RateLimitError:
    pass
if image:
    answer("req-image", [{"type": "text", "text": "See"}, {"type": "image_url", "image_url": {"url": image}}])
    Traceloop.get().user_feedback.create(
        annotation_task="task_1", entity_id="session-1", tags={"sentiment": "positive", "score": 0.9})
trace.get_tracer_provider().force_flush(60000)
"""


def png() -> bytes:
    """A picture of one red point."""
    head, dots = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0), zlib.compress(b"\0\xff\0\0")
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", head), (b"IDAT", dots), (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.fixture(scope="module")
def python():
    pinned = Path(__file__).parent / "requirements" / "traceloop.txt"
    wanted = ("traceloop-sdk==0.62.4", "openai==3.52.0", "httpx")
    return python_with("traceloop-sdk-0.62.4", *wanted, constraints=pinned)


@pytest.fixture
def run(python, door, ingest_key, tmp_path):
    """Runs the SDK's program; gives the ids of its traces."""

    def _run(number, pause=0.0, image=""):
        sdk = {"TRACELOOP_BASE_URL": door.address, "TRACELOOP_API_KEY": ingest_key, "TRACELOOP_TRACE_CONTENT": "true"}
        sdk |= {"OTEL_EXPORTER_OTLP_TIMEOUT": "40", "OTEL_BSP_EXPORT_TIMEOUT": "60000"}  # time to go on trying
        words = (str(number), str(pause), image)
        with model_server() as model, running(python, PROGRAM, model, *words, home=tmp_path, **sdk) as process:
            said, _ = process.communicate(timeout=150)
        assert process.returncode == 0
        return [line.split()[1] for line in said.splitlines() if line.startswith("answered")]

    return _run


def the_call(trace):
    (call,) = [span for span in trace["spans"] if span["kind"] == "llm"]
    return call


def assert_found(read, traces, number):
    assert len(traces) == number + 1
    for place, trace_id in enumerate(traces[:-1]):
        trace = read(f"traces/{trace_id}")
        assert (trace["complete"], trace["request_id"], len(trace["spans"])) == (True, f"req-{place}", 3)
        call = the_call(trace)
        assert (call["model_requested"], call["model"]) == ("gpt-4o-mini", "gpt-4o-mini-2024-08-06")
        assert (call["input_tokens"], call["output_tokens"], call["cache_read_tokens"]) == (120, 17, 64)
        assert (call["user_id"], call["session_id"], call["service"]) == ("user-77", "session-1", "shop-bot")
        assert (call["cost_source"], call["output"][0]["content"]) == ("priced", ANSWER)
        assert {span["kind"] for span in trace["spans"]} == {"chain", "tool", "llm"}
    call = the_call(read(f"traces/{traces[-1]}"))
    assert (call["status"], call["failure"], call["input_tokens"]) == ("error", "rate_limited", None)


def test_every_trace_is_found_with_its_scores_and_images(run, read, member_client):
    picture = png()
    traces = run(3, image=f"data:image/png;base64,{base64.b64encode(picture).decode()}")
    assert_found(read, traces[:-1], 3)
    trace = read(f"traces/{traces[-1]}")
    (message,) = the_call(trace)["input"]
    text, image = message["content"]
    assert (text, image["type"]) == ({"type": "text", "text": "See"}, "image")
    assert b"".join(member_client.get(f"/p/shop/media/{image['media']}").streaming_content) == picture
    scores = {one["name"]: (one["value"], one["source"]) for one in trace["scores"]}
    assert scores == {"sentiment": ("positive", "user"), "score": (0.9, "user")}


def test_every_trace_is_found_after_some_seconds_of_503(run, read, door):
    door.refuse()
    Timer(6, door.open).start()
    assert_found(read, run(3, pause=0.5), 3)


def test_every_trace_is_found_after_ten_seconds_of_absence(run, read, door):
    Timer(6, door.shut).start()
    Timer(16, door.open).start()
    assert_found(read, run(10, pause=1.5), 10)
