"""SDKs that need nothing but the lines which the chooser shows, run for real with just these: every trace is found."""

from threading import Timer

import pytest

from tests.sdks import ANSWER, model_server, python_with, running
from traces.senders import senders

pytestmark = pytest.mark.long
LANGWATCH = """
import langwatch
langwatch.setup()

@langwatch.span(type="tool", name="weather")
def weather(city):
    return {"celsius": 21}

@langwatch.trace(name="answer", metadata={"user_id": "user-77", "thread_id": "session-1", "request_id": "req-1"})
def answer(question):
    weather("Paris")
    with langwatch.span(type="llm", name="ask") as span:
        span.update(
            model="gpt-4o-mini", input=[{"role": "user", "content": question}],
            output=[{"role": "assistant", "content": "Paris."}], metrics={"prompt_tokens": 12, "completion_tokens": 3})
    return "Paris."

answer("What is the capital of France?")
from opentelemetry import trace
trace.get_tracer_provider().shutdown()
"""
PROMPTLAYER = """
from promptlayer import PromptLayer
client = PromptLayer(enable_tracing=True)

@client.traceable(name="search", attributes={"request_id": "req-1"})
def search(question):
    return ["Paris is the capital."]

@client.traceable(name="answer")
def answer(question):
    return search(question)[0]

answer("What is the capital of France?")
client.tracer_provider.shutdown()
"""
LITELLM = """
import asyncio, sys, yaml
import litellm

config = yaml.safe_load(sys.argv[1])  # what the proxy does with its file
litellm.callback_settings = config["callback_settings"]
(name,) = config["litellm_settings"]["callbacks"]

async def main():
    manager = litellm.logging_callback_manager
    manager.add_litellm_callback(manager.add_custom_callback_generic_api_str(name))
    asked = {"model": "gpt-4o-mini", "api_base": sys.argv[2], "api_key": "none", "max_retries": 0, "temperature": 0.2}
    for question in ("What is the capital of France?", "Say it [[429]]"):
        try:
            await litellm.acompletion(
                **asked, messages=[{"role": "user", "content": question}], user="user-77", litellm_trace_id="t-1",
                metadata={"tags": ["prod"]})
        except litellm.RateLimitError:
            pass
    await asyncio.sleep(float(sys.argv[3]))

asyncio.run(main())
"""


@pytest.fixture
def lines_of(door, ingest_key):
    """The lines of a client, with the address of the door and a key that works."""
    shown = {sender.slug: sender for sender in senders(door.address, ingest_key)}
    return lambda slug: shown[slug].lines[0].text


@pytest.fixture
def read(read):
    """The spans of what is asked for."""
    return lambda path: read(path)["spans"]


def ran(python, program, *arguments, home, **env):
    with running(python, program, *arguments, home=home, **env) as process:
        process.communicate(timeout=120)
    assert process.returncode == 0


def named(spans):
    return {(span["name"], span["kind"]): span for span in spans}


def variables(lines):
    return dict(line.split("=", 1) for line in lines.splitlines())


def test_langwatch_needs_its_two_variables(lines_of, read, tmp_path):
    python = python_with("langwatch-1.4.0", "langwatch==1.4.0")
    ran(python, LANGWATCH, home=tmp_path, **variables(lines_of("langwatch")))
    spans = named(read("requests/req-1"))
    assert {span["parent_id"] for span in spans.values()} == {None, spans["answer", "other"]["span_id"]}
    assert (spans["answer", "other"]["user_id"], spans["answer", "other"]["session_id"]) == ("user-77", "session-1")
    ask = spans["ask", "llm"]
    assert (ask["input_tokens"], ask["output_tokens"], ask["output"][0]["content"]) == (12, 3, "Paris.")
    assert spans["weather", "tool"]["output"] == {"celsius": 21}


def test_promptlayer_needs_its_two_variables(lines_of, read, tmp_path):
    python = python_with("promptlayer-1.5.16", "promptlayer==1.5.16")
    ran(python, PROMPTLAYER, home=tmp_path, **variables(lines_of("promptlayer")))
    spans = named(read("requests/req-1"))
    assert spans["answer", "other"]["output"] == "Paris is the capital."
    assert spans["search", "other"]["parent_id"] == spans["answer", "other"]["span_id"]


@pytest.mark.parametrize("away", ["there", "busy", "gone"])
def test_litellm_needs_its_lines_and_tries_again(lines_of, door, read, tmp_path, away):
    python = python_with("litellm-1.106.2", "litellm==1.106.2", "mcp")
    if away != "there":
        door.refuse() if away == "busy" else door.shut()
        Timer(10, door.open).start()
    with model_server() as model:
        ran(python, LITELLM, lines_of("litellm"), model, "9" if away == "there" else "45", home=tmp_path)
    answered, failed = sorted(read("traces/t-1"), key=lambda span: span["status"], reverse=True)
    for call in (answered, failed):
        assert (call["kind"], call["user_id"], call["tags"]) == ("llm", "user-77", ["prod"])
    assert answered["output"][0]["content"] == ANSWER
    assert (answered["model"], answered["parameters"]) == ("gpt-4o-mini-2024-08-06", {"temperature": 0.2})
    assert (answered["input_tokens"], answered["output_tokens"], answered["cache_read_tokens"]) == (120, 17, 64)
    assert answered["cost_source"] == "sent"
    assert (failed["status"], failed["failure"], failed["input_tokens"]) == ("error", "rate_limited", None)
