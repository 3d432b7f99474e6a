"""The benchmarks run, their load is what it says, and their figures are put where they belong."""

import gzip
import json
import os
import random
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks import answers, load, report, sending, wanted
from benchmarks.application import traces
from benchmarks.asking import Times
from tests.servers import STARTED

ROOT = Path(__file__).absolute().parent.parent
END = 1_800_000_000 * 10**9
OURS = ("DATA_DIR", "SECRET_KEY", "DATABASE_URL", "BROKER_URL", STARTED)


def some(spans=2000, seed=1, **options):
    return list(traces(spans, seed, end=END, **options))


def exported(body):
    request = ExportTraceServiceRequest.FromString(body)
    return [span for of_scope in request.resource_spans[0].scope_spans for span in of_scope.spans]


def attributes_of(span):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


@pytest.mark.up
@pytest.mark.long
def test_it_measures_every_load_and_the_limit():
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    done = subprocess.run(
        [sys.executable, "benchmarks/ingest.py", "--quick", "--limit"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for line in (
        "100 spans a request",
        "512 spans a request",
        "1 trace a request",
        "at 60 %",
        "KB a span",
        "of raw COPY",
    ):
        assert line in done.stdout


@pytest.mark.up
@pytest.mark.long
def test_it_finds_ids_lists_words_and_the_page_far_behind_while_spans_come_in():
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    done = subprocess.run(
        [sys.executable, "benchmarks/lookup.py", "--quick", "--grow", "60"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for line in (
        "request id → trace page of 10 spans",
        "look-up statement, beginning of a request id",
        "list with 3 filters",
        "two Chinese characters",
        "against the first page",
        "spans/s came in",
        "hot rows × 2 in 60 partitions",
    ):
        assert line in done.stdout


def test_the_same_seed_gives_the_same_bytes():
    assert list(load.bodies(some(300), 100, zipped=True)) == list(load.bodies(some(300), 100, zipped=True))
    assert some(300) != some(300, seed=2)


def test_a_trace_is_five_spans_of_two_kilobytes():
    found = some()
    spans = sum(len(trace.spans) for trace in found)
    assert 4.6 < spans / len(found) < 5.2
    assert 1_850 < sum(len(body) for body, _ in load.bodies(found, 100, zipped=False)) / spans < 2_150
    assert 0.01 < sum(step.failure != "" for trace in found for step in trace.spans[:-1]) / spans < 0.03


def test_traces_are_spread_over_the_hours_before_the_end():
    starts = [trace.spans[-1].start for trace in some(hours=2)]
    assert starts == sorted(starts)
    assert END - 2.1 * 3600e9 < starts[0] < END - 1.9 * 3600e9
    assert END - 60e9 < starts[-1] <= END


@pytest.mark.parametrize(
    ("dialect", "there", "absent"),
    [
        ("genai", "gen_ai.input.messages", "input.value"),
        ("openinference", "input.value", "gen_ai.input.messages"),
        ("both", "gen_ai.input.messages", None),
        ("both", "input.value", None),
    ],
)
def test_a_dialect_carries_messages_its_own_way(dialect, there, absent):
    calls = [span for span in exported(load.encode(pairs(some(20)), dialect)) if span.name.startswith("chat ")]
    for found in map(attributes_of, calls):
        assert there in found
        assert absent not in found


def test_every_span_says_whose_it_is():
    for span in exported(load.encode(pairs(some(50)))):
        assert {"app.request_id", "user.id", "session.id", "app.feature"} <= set(attributes_of(span))


def test_a_batch_is_one_trace_or_a_number_of_spans():
    found = some(500)
    spans = sum(len(trace.spans) for trace in found)
    assert [count for _, count in load.bodies(found, None, zipped=False)] == [len(trace.spans) for trace in found]
    counts = [count for _, count in load.bodies(found, 64, zipped=False)]
    assert set(counts[:-1]) == {64}
    assert sum(counts) == spans


def test_messages_are_what_was_asked_and_answered():
    (trace, *_) = some(20)
    call = next(step for step in trace.spans if step.kind == "llm")
    found = load.attributes(trace, call, "genai")
    assert json.loads(str(found["gen_ai.input.messages"]))[0]["parts"] == [{"type": "text", "content": call.input}]


def test_every_request_is_answered_once_though_connections_are_few():
    with Answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as port:
        requests = [sending.request_of(gzip.compress(b"x" * 50_000, 0), port, {}, zipped=True) for _ in range(20)]
        assert len(sending.send(port, requests, 3).latencies) == 20


def test_a_refusal_ends_the_run():
    with (
        Answering(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n") as port,
        pytest.raises(sending.Refused, match="503"),
    ):
        sending.send(port, [sending.request_of(b"", port, {}, zipped=False)], 1)


def test_a_pace_is_kept():
    with Answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as port:
        sent = sending.send(port, [sending.request_of(b"", port, {}, zipped=False)] * 11, 2, per_second=50)
    assert 0.2 <= sent.seconds < 1


@pytest.mark.parametrize(
    ("value", "most", "reached"),
    [
        (15, False, "goal"),
        (10, False, "must"),
        (9, False, "no"),
        (5, True, "goal"),
        (10, True, "must"),
        (16, True, "no"),
    ],
)
def test_a_bar_is_reached_from_its_own_side(value, most, reached):
    bar = report.Bar(10, 5, most) if most else report.Bar(10, 15)
    assert bar.reached(value) == reached


def test_a_table_replaces_the_one_before(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write(page, "new")
    assert page.read_text() == f"before\n{report.BEGIN}\nnew\n{report.END}\nafter\n"


@pytest.mark.parametrize("mark", [report.BEGIN, answers.MARK])
def test_the_page_has_a_place_for_each_table(mark):
    page = (ROOT / "docs" / "performance.md").read_text()
    assert report.END in page.partition(mark)[2]


def test_what_is_looked_up_has_ten_spans_and_each_trace_is_asked_for_once():
    found = wanted.wanted(10 * wanted.KINDS, seed=1, days=30)
    assert {len(trace.spans) for trace in found} == {10}
    ids = wanted.ids(found, random.Random(1))
    assert len(ids) == wanted.KINDS
    assert len({len(texts) for texts in ids.values()}) == 1
    asked = [trace_of(text, found) for texts in ids.values() for text in texts]
    assert len(set(asked)) == len(asked) > 8 * wanted.KINDS


def trace_of(text, found):
    """The place of the one trace that has this id, or one that begins so."""
    (place,) = [
        place
        for place, trace in enumerate(found)
        if text in (trace.trace_id.hex(), trace.session_id)
        or trace.request_id.startswith(text)
        or any(text in (span.span_id.hex(), span.response_id) for span in trace.spans)
    ]
    return place


def test_p95_is_held_to_its_bar_and_peers_are_beside_it():
    times, theirs = Times([0.010] * 90 + [0.050] * 10), Times([0.1])
    row = answers.Row("lists", times, report.Bar(100, 60, most=True), {"Slow": theirs, "Blind": None})
    assert row.text(["Slow", "Blind", "Mute"]) == (
        "| lists | 10 / 50 | 100 | 60 | goal | 100 / 100 (2.0 ×) | finds nothing |  |"
    )
    factor = answers.Factor("growth", Times([0.013]), Times([0.010]), report.Bar(1.5, 1.2, most=True))
    assert factor.text([]) == "| growth | × 1.30 / × 1.30 | × 1.5 | × 1.2 | must |"


def pairs(found):
    return [(trace, span) for trace in found for span in trace.spans]


class Answering:
    """A server that gives the same answer to every request, on as many connections as there come."""

    def __init__(self, answer):
        self.answer = answer

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()
        return self.listener.getsockname()[1]

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as lines:
            while lines.readline():
                length = 0
                while (line := lines.readline().strip()) != b"":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.partition(b":")[2])
                lines.read(length)
                connection.sendall(self.answer)
