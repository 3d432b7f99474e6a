"""Langfuse's SDKs, run for real against a running llmobs, nothing changed but host and key: every trace is found.

Version 2 speaks Langfuse's own protocol, version 5 OpenTelemetry with scores and media beside it.
"""

import re
from threading import Timer

import pytest

from tests.sdks import ANSWER, model_server, python_with, running

pytestmark = pytest.mark.long
OPENAI = "openai==3.52.0"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(3_000)
QUESTION = "What is the capital of France?"
# Of both: one call with tools of its own, one that fails, one with a picture.
SAME = """
def asked(question, **more):
    picture = [{"type": "text", "text": question}]
    if more.pop("pictured", False):
        url = "data:image/png;base64," + base64.b64encode(b"\\x89PNG\\r\\n\\x1a\\n" + bytes(3_000)).decode()
        picture.append({"type": "image_url", "image_url": {"url": url}})
    content = picture if len(picture) > 1 else question
    messages = [{"role": "user", "content": content}]
    reply = llm.chat.completions.create(model="gpt-4o-mini", temperature=0.2, messages=messages, **more)
    return reply.choices[0].message.content

@observe()
def weather(city):
    return "21C"
"""
VERSION_2 = f"""
import base64, logging, sys, time
logging.basicConfig(stream=sys.stdout, format="log %(message)s")
from langfuse import Langfuse
from langfuse.decorators import langfuse_context, observe
from langfuse.openai import OpenAI

model, number, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
llm = OpenAI(base_url=model, api_key="none", max_retries=0)
low = Langfuse()
{SAME}
@observe()
def answer(request_id, question, **more):
    langfuse_context.update_current_trace(
        session_id="session-1", user_id="user-77", tags=["prod"], metadata={{"request_id": request_id}})
    weather("Paris")
    print("traced", langfuse_context.get_current_trace_id(), flush=True)
    langfuse_context.score_current_trace(name="helpful", value=0.9, comment="nice")
    return asked(question, **more)

print("auth", low.auth_check(), flush=True)
print("prompt", low.get_prompt("missing", fallback="Say it").prompt, flush=True)
for one in range(number):
    answer(f"req-{{one}}", "{QUESTION}")
    time.sleep(pause)
try:
    answer("req-failed", "Say it [[429]]")
except Exception:
    pass
answer("req-picture", "{QUESTION}", pictured=True)
trace = low.trace(name="manual", input={{"q": 1}}, session_id="session-1")
span = trace.generation(name="call", model="gpt-4o-mini", input={{"m": 1}})
low.flush()
span.end(output={{"o": 1}}, usage_details={{"input": 10, "output": 5}})
trace.event(name="seen", metadata={{"k": 1}})
trace.update(output={{"done": 1}})
trace.score(name="helpful", value=0.9, comment="nice")
print("manual", trace.id, flush=True)
low.flush()
langfuse_context.flush()
"""
VERSION_5 = f"""
import base64, logging, sys, time
logging.basicConfig(stream=sys.stdout, format="log %(message)s")
from langfuse import get_client, observe, propagate_attributes
from langfuse.openai import OpenAI

model, number, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
llm = OpenAI(base_url=model, api_key="none", max_retries=0)
low = get_client()
logging.getLogger("langfuse").setLevel(logging.DEBUG)  # says how many scores it sends, and how many it got rid of
{SAME}
@observe()
def answer(request_id, question, **more):
    metadata = {{"request_id": request_id}}
    with propagate_attributes(session_id="session-1", user_id="user-77", tags=["prod"], metadata=metadata):
        weather("Paris")
        print("traced", low.get_current_trace_id(), flush=True)
        low.score_current_trace(name="helpful", value=0.9, comment="nice")
        return asked(question, **more)

print("auth", low.auth_check(), flush=True)
print("prompt", low.get_prompt("missing", fallback="Say it").prompt, flush=True)
for one in range(number):
    answer(f"req-{{one}}", "{QUESTION}")
    time.sleep(pause)
try:
    answer("req-failed", "Say it [[429]]")
except Exception:
    pass
answer("req-picture", "{QUESTION}", pictured=True)
with low.start_as_current_observation(name="manual", input={{"q": 1}}) as span:
    span.update(output={{"done": 1}})
    call = {{"name": "call", "as_type": "generation", "model": "gpt-4o-mini", "input": {{"m": 1}}}}
    with low.start_as_current_observation(**call) as one:
        one.update(output={{"o": 1}}, usage_details={{"input": 10, "output": 5}})
    span.score_trace(name="helpful", value=0.9, comment="nice")
    print("manual", span.trace_id, flush=True)
low.flush()
low.shutdown()
"""
PROGRAMS = {"2.60.10": VERSION_2, "5.0.4": VERSION_5}


@pytest.fixture(params=PROGRAMS)
def version(request):
    return request.param


@pytest.fixture
def run(version, door, ingest_key, tmp_path):
    """Runs the SDK's program; gives what it printed, by its first words."""

    def _run(number=2, pause=0.0, **more):
        python = python_with(f"langfuse-{version}", f"langfuse=={version}", OPENAI)
        sdk = {
            "LANGFUSE_HOST": door.address, "LANGFUSE_BASE_URL": door.address, "LANGFUSE_PUBLIC_KEY": "llmobs",
            "LANGFUSE_SECRET_KEY": ingest_key, **more,
        }  # fmt: skip
        with model_server() as model:
            words = (model, str(number), str(pause))
            with running(python, PROGRAMS[version], *words, home=tmp_path, **sdk) as process:
                said, _ = process.communicate(timeout=170)
        assert process.returncode == 0
        made = [line.split(maxsplit=1) for line in said.splitlines()]
        kinds = ("auth", "prompt", "traced", "manual", "log")
        return {kind: [line[-1] for line in made if line and line[0] == kind] for kind in kinds}

    return _run


def assert_traced(trace):
    """What the decorators and the wrapped client say, once each, with all of it."""
    assert trace["complete"]
    (root,) = [span for span in trace["spans"] if span["parent_id"] is None]
    spans = {span["name"]: span for span in trace["spans"]}
    assert sorted(spans) == ["OpenAI-generation", "answer", "weather"]
    assert len(trace["spans"]) == 3
    assert {span["parent_id"] for span in trace["spans"]} == {None, root["span_id"]}
    assert all(span["ended"] for span in trace["spans"])
    assert (root["session_id"], root["user_id"], root["tags"]) == ("session-1", "user-77", ["prod"])
    assert (root["output"], spans["weather"]["output"]) == (ANSWER, "21C")
    call = spans["OpenAI-generation"]
    assert (call["kind"], call["model"]) == ("llm", "gpt-4o-mini-2024-08-06")
    used = [call[name] for name in ("input_tokens", "output_tokens", "cache_read_tokens", "reasoning_tokens")]
    assert (used, call["cost_source"]) == ([120, 17, 64, 5], "priced")
    assert (call["parameters"]["temperature"], call["output"][0]["content"]) == (0.2, ANSWER)


def assert_failed(trace):
    (call,) = [span for span in trace["spans"] if span["kind"] == "llm"]
    assert (call["status"], call["failure"]) == ("error", "rate_limited")
    assert (call["model_requested"], call["input_tokens"]) == ("gpt-4o-mini", None)
    assert trace["totals"]["errors"] >= 1


def assert_manual(trace):
    assert trace["complete"]
    by_name = {span["name"]: span for span in trace["spans"]}
    root, call = by_name["manual"], by_name["call"]
    assert (root["input"], root["output"], root["parent_id"]) == ({"q": 1}, {"done": 1}, None)
    assert (call["kind"], call["input"], call["output"]) == ("llm", {"m": 1}, {"o": 1})
    assert (call["input_tokens"], call["output_tokens"], call["parent_id"]) == (10, 5, root["span_id"])
    assert "gpt-4o-mini" in (call["model"], call["model_requested"])
    assert call["duration_ms"] > 0


def assert_found(read, made, number):
    assert len(made["traced"]) == number + 2
    for trace_id in made["traced"][:number]:
        assert_traced(read(f"traces/{trace_id}"))
    assert [read(f"requests/req-{one}")["trace_id"] for one in range(number)] == made["traced"][:number]
    assert_failed(read("requests/req-failed"))
    assert_manual(read(f"traces/{made['manual'][0]}"))
    assert_scored(read, made)


def assert_scored(read, made):
    """Each trace once, but for those scores that the SDK gave up: version 5 tries three times within three seconds."""
    traces = [*made["traced"], *made["manual"]]
    scores = [one for trace_id in traces for one in read(f"traces/{trace_id}")["scores"]]
    sent, taken = (
        sum(int(number) for line in made["log"] for number in re.findall(f"API: {did} ([0-9]+) scores", line))
        for did in ("Sending batch of", "Successfully sent")
    )
    lost = sent - taken
    assert sent in (0, len(traces))  # version 2 says nothing of it
    assert len({one["trace_id"] for one in scores}) == len(scores) == len(traces) - lost
    assert {(one["name"], one["value"], one["comment"]) for one in scores} == {("helpful", 0.9, "nice")}


def test_every_trace_is_found_with_its_values_and_its_picture(run, read, member_client):
    made = run(number=4)
    assert (made["auth"], made["prompt"]) == (["True"], ["Say it"])
    assert_found(read, made, 4)
    (call,) = [span for span in read("requests/req-picture")["spans"] if span["kind"] == "llm"]
    part = call["input"][0]["content"][1]
    assert (part["type"], part["media_type"]) == ("image", "image/png")
    assert b"".join(member_client.get(part["url"]).streaming_content) == PICTURE


def test_every_trace_is_found_after_some_seconds_of_503(run, read, door):
    Timer(3, door.refuse).start()
    Timer(5, door.open).start()
    assert_found(read, run(number=6, pause=0.7, LANGFUSE_TIMEOUT="30", LANGFUSE_MAX_RETRIES="9"), 6)


def test_every_trace_is_found_after_ten_seconds_of_absence(run, read, door):
    """The SDKs are told to try longer than they do by themselves, so that they give no trace up."""
    Timer(5, door.shut).start()
    Timer(15, door.open).start()
    assert_found(read, run(number=14, pause=1.2, LANGFUSE_TIMEOUT="60", LANGFUSE_MAX_RETRIES="12"), 14)
