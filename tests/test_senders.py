"""The lines that the chooser and the docs pages show: the same in both, and working when they are pasted."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from accounts.keys import make_key
from tests.web import sent
from traces.senders import SENDERS, senders

DOCS = Path(__file__).parent.parent / "docs"
BLOCK = re.compile(r"^```\w*\n(.*?)\n```$", re.DOTALL | re.MULTILINE)
ON_PAGES = {sender.slug: sender for sender in senders("http://127.0.0.1:8000", "KEY")}
SPAN = """
from opentelemetry import trace
with trace.get_tracer("shop").start_as_current_span("chat gpt-4o-mini") as span:
    span.set_attributes({"app.request_id": "hello-3", "gen_ai.request.model": "gpt-4o-mini"})
trace.get_tracer_provider().shutdown()
"""
PROVIDER = """
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
"""


@pytest.mark.parametrize("slug", ON_PAGES)
def test_the_docs_page_of_a_client_says_the_same_lines(slug):
    page = (DOCS / "clients" / f"{slug}.md").read_text()
    assert BLOCK.findall(page)[: len(ON_PAGES[slug].lines)] == [lines.text for lines in ON_PAGES[slug].lines]


def test_every_docs_page_of_a_client_is_in_the_table():
    table = (DOCS / "clients.md").read_text()
    assert sorted(set(re.findall(r"\(clients/([\w-]+)\.md\)", table))) == sorted(
        p.stem for p in (DOCS / "clients").glob("*.md")
    )


def test_every_line_is_filled_in_and_no_brace_of_another_language_is_lost():
    for sender, shown in zip(SENDERS, senders("https://a.example", "k-1"), strict=True):
        for template, lines in zip(sender.lines, shown.lines, strict=True):
            assert lines.text == template.text.replace("{url}", "https://a.example").replace("{key}", "k-1")
            assert not re.search(r"\{(url|key)\}", lines.text)


@pytest.fixture
def lines_of(web, project):
    """The lines of a client, with the address of a running server and a key that works."""
    shown = {sender.slug: sender for sender in senders(f"http://{web}", make_key(project))}
    return lambda slug: [lines.text for lines in shown[slug].lines]


def ran(command, **environment):
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=os.environ | environment, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "Failed to export" not in result.stderr
    return result.stdout


def traced(web, read_key, request_id):
    return sent(web, "GET", f"/api/v1/requests/{request_id}", Authorization=f"Bearer {read_key}").status == 200


def test_the_curl_command_works_when_pasted(web, read_key, lines_of):
    assert '"accepted":1' in ran(["bash", "-c", lines_of("curl")[0]])
    assert traced(web, read_key, "hello-1")


def test_the_plain_python_works_when_pasted(web, read_key, lines_of):
    assert '"accepted":1' in ran([sys.executable, "-c", lines_of("python")[0]])
    assert traced(web, read_key, "hello-2")


def test_the_variables_work_with_an_exporter_that_is_told_nothing_else(web, read_key, lines_of):
    variables = dict(line.split("=", 1) for line in lines_of("opentelemetry")[0].splitlines())
    ran([sys.executable, "-c", PROVIDER + SPAN], **variables)
    assert traced(web, read_key, "hello-3")


def test_the_python_set_up_works_when_pasted(web, read_key, lines_of):
    ran([sys.executable, "-c", lines_of("opentelemetry-python")[0] + "\n" + SPAN])
    assert traced(web, read_key, "hello-3")
