"""Random bodies, valid and broken, for each format: never a 500, never a lost good span, the same rows in any order."""

import json
import os
import time
from itertools import count

import psycopg
import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.keys import make_key
from accounts.projects import create_project
from tests.otlp import JSON, PROTOBUF, export, post
from tests.otlp import span as otlp_span
from traces import arrays, payload
from traces.summaries_rebuilt import rebuild

pytestmark = pytest.mark.django_db
EXAMPLES = 25
MANY = 1_000
_numbers = count(1)
# One for all examples: a new one builds all middleware anew at its first request, which took 100 of 140 ms.
CLIENT = Client(raise_request_exception=False)

TEXTS = st.text(max_size=20)
WHOLE_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.one_of(st.integers(), st.integers(-(2**70), 2**70), st.floats(), st.sampled_from([2**63, -(2**63) - 1]))
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=8
)
KNOWN = st.sampled_from([
    "gen_ai.request.model", "gen_ai.usage.input_tokens", "gen_ai.input.messages", "gen_ai.output.messages",
    "llm.input_messages.0.message.content", "input.value", "gen_ai.prompt.0.content", "session.id", "user.id",
    "langfuse.observation.type", "langfuse.trace.tags", "gen_ai.operation.name", "openinference.span.kind",
    "gen_ai.response.finish_reasons", "gen_ai.usage.cost", "ai.prompt.messages", "mlflow.spanInputs",
    "gen_ai.response.time_to_first_chunk", "retrieval.documents.0.document.content", "llmobs.request_id",
])  # fmt: skip
# What a string attribute may hold in JSON, told as such or broken off.
SPELLED = VALUES.map(json.dumps) | VALUES.map(lambda value: json.dumps(value)[:-1])
OTLP_VALUES = st.one_of(
    WHOLE_TEXTS,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    SPELLED,
    st.lists(WHOLE_TEXTS, max_size=3),
)
OTLP_ATTRIBUTES = st.dictionaries(WHOLE_TEXTS | KNOWN, OTLP_VALUES, max_size=6)
MOMENTS = st.one_of(
    st.integers(0, 2**64 - 1), st.integers(-(10**10), 10**10).map(lambda off: max(0, time.time_ns() + off))
)

PLAIN_NAMES = st.one_of(
    TEXTS,
    st.sampled_from([
        "name", "kind", "status", "model", "input", "output", "input_tokens", "cost_usd", "started_at", "ended_at",
        "duration_ms", "tags", "parameters", "tools", "documents", "attributes", "messages", "session_id", "spans",
        "confidence", "cache_hit", "fallback", "parent_id", "request_id", "trace_id", "span_id", "retries",
    ]),
)  # fmt: skip
# What the plain record takes, whatever stands in it.
FREE = st.fixed_dictionaries(
    {},
    optional={
        "name": TEXTS, "input": VALUES, "output": VALUES, "parsed_output": VALUES, "kind": TEXTS, "status": TEXTS,
        "attributes": st.dictionaries(TEXTS, VALUES, max_size=3), "model": TEXTS, "session_id": TEXTS,
        "input_tokens": st.integers(0, 2**62), "duration_ms": st.floats(0, 1e9), "tags": st.lists(TEXTS, max_size=3),
        "app.made_up": VALUES,
    },
)  # fmt: skip
BAD_PLAIN = st.one_of(
    st.none(), NUMBERS, TEXTS, st.just([]), st.just({}), st.just({"input_tokens": "many", "name": "x"}),
    st.just({"spans": []}), st.just({"trace_id": "x" * 3_000}),
)  # fmt: skip


def property_test(examples: int):
    """Hypothesis' settings: the database outlives an example, so each makes what it needs anew."""
    return settings(
        max_examples=examples, deadline=None, derandomize="CI" in os.environ and examples == EXAMPLES,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip


LENGTHS = pytest.mark.parametrize("examples", [EXAMPLES, pytest.param(MANY, marks=pytest.mark.long)])


class Sender:
    """A project of its own, and a key to send to it."""

    def __init__(self) -> None:
        self.project = create_project(f"random-{next(_numbers)}", "Random")
        self.key = make_key(self.project)

    def send(self, body: bytes, content_type: str, path: str = "/v1/traces"):
        answer = post(CLIENT, body, self.key, content_type, path)
        assert answer.status_code in (200, 207, 400), (answer.status_code, answer.content[:500], body[:2_000])
        return answer

    def plain(self, items: list[object], lines: bool = False):
        """A list of records, or one per line."""
        body = "\n".join(map(json.dumps, items)) if lines else json.dumps(items)
        content_type = "application/x-ndjson" if lines else JSON
        return self.send(body.encode(), content_type, "/api/v1/traces")

    def span_ids(self) -> set[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT encode(span_id, 'hex') FROM traces_span WHERE project_id = %s", [self.project.pk])
            return {span_id for (span_id,) in cursor.fetchall()}

    def rows(self) -> dict[str, list[dict[str, object]]]:
        """All that is kept, without what says when and how often it came."""
        return {
            "spans": self._table("traces_span", "revision", "digest", "received_at", "payload_bytes"),
            "payloads": [
                {**row, "body": payload.decode(payload.decompress(row.pop("codec"), row["body"]))}
                for row in self._table("traces_payload")
            ],
            "summaries": self._table("traces_summary", "revision", "was_happened_at", "feature_changed"),
        }

    def _table(self, name: str, *without: str) -> list[dict[str, object]]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {name} WHERE project_id = %s", [self.project.pk])
            names = [column.name for column in cursor.description]
            left_out = {"project_id", *without}
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        kept = [{name: _plain(value) for name, value in row.items() if name not in left_out} for row in rows]
        return sorted(kept, key=lambda row: (row["trace_id"], row.get("span_id", b"")))


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


def new_id(size: int) -> str:
    return f"{next(_numbers):0{2 * size}x}"


@st.composite
def otlp_spans(draw):
    """A good span with an id of its own."""
    one = otlp_span(**draw(OTLP_ATTRIBUTES))
    one.trace_id, one.span_id = bytes.fromhex(new_id(16)), bytes.fromhex(new_id(8))
    one.name = draw(WHOLE_TEXTS)
    one.start_time_unix_nano, one.end_time_unix_nano = draw(MOMENTS), draw(MOMENTS)
    one.status.code, one.status.message = draw(st.integers(0, 3)), draw(WHOLE_TEXTS)
    one.parent_span_id = draw(st.binary(max_size=9))
    for _ in range(draw(st.integers(0, 2))):
        event = one.events.add(name=draw(WHOLE_TEXTS | st.just("exception")), time_unix_nano=draw(MOMENTS))
        event.attributes.extend(otlp_span(**draw(OTLP_ATTRIBUTES)).attributes)
    return one


@st.composite
def bad_otlp_spans(draw):
    one = draw(otlp_spans())
    if draw(st.booleans()):
        one.trace_id = draw(st.sampled_from([b"", b"short", bytes(16), bytes(17)]))
    else:
        one.span_id = draw(st.sampled_from([b"", bytes(8), bytes(7)]))
    return one


def json_body(spans) -> bytes:
    """The JSON encoding, written by hand: protobuf's own cannot say NaN as many senders do."""
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [_json_span(one) for one in spans]}]}]}).encode()


def _json_span(one) -> dict[str, object]:
    return {
        "traceId": one.trace_id.hex(), "spanId": one.span_id.hex(), "parentSpanId": one.parent_span_id.hex(),
        "name": one.name, "startTimeUnixNano": str(one.start_time_unix_nano), "endTimeUnixNano": one.end_time_unix_nano,
        "attributes": _json_attributes(one.attributes), "status": {"code": one.status.code},
        "events": [{"name": event.name, "attributes": _json_attributes(event.attributes)} for event in one.events],
    }  # fmt: skip


def _json_attributes(pairs) -> list[dict[str, object]]:
    return [{"key": pair.key, "value": _json_value(pair.value)} for pair in pairs]


def _json_value(value) -> dict[str, object]:
    which = value.WhichOneof("value")
    if which == "array_value":
        return {"arrayValue": {"values": [_json_value(one) for one in value.array_value.values]}}
    name = {"string_value": "stringValue", "int_value": "intValue", "double_value": "doubleValue"}.get(
        which, "boolValue"
    )
    return {name: getattr(value, which)}


ENCODED = {PROTOBUF: lambda spans: export(*spans).SerializeToString(), JSON: json_body}


@LENGTHS
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_a_good_otlp_span_is_stored_whatever_is_in_it_and_beside_it(content_type, examples):
    @property_test(examples)
    @given(st.data())
    def check(data):
        good = data.draw(st.lists(otlp_spans(), max_size=4))
        bad = data.draw(st.lists(bad_otlp_spans(), max_size=2))
        sender = Sender()
        spans = data.draw(st.permutations([*good, *bad]))
        answer = sender.send(ENCODED[content_type](spans), content_type)
        assert answer.status_code == 200
        assert sender.span_ids() == {one.span_id.hex() for one in good}
        if content_type == JSON:
            refused = int(json.loads(answer.content).get("partialSuccess", {}).get("rejectedSpans", 0))
            assert refused == len(bad)

    check()


@LENGTHS
@pytest.mark.parametrize("lines", [False, True])
def test_a_good_plain_record_is_stored_whatever_is_in_it_and_beside_it(lines, examples):
    @property_test(examples)
    @given(st.lists(FREE, max_size=4), st.lists(BAD_PLAIN, max_size=2), st.data())
    def check(free, bad, data):
        good = [{**one, "trace_id": new_id(16), "span_id": new_id(8)} for one in free]
        sender = Sender()
        sent = data.draw(st.permutations([*good, *bad]))
        if not sent:
            return
        answer = sender.plain(sent, lines)
        receipt = json.loads(answer.content)
        assert sender.span_ids() == {one["span_id"] for one in good}
        assert receipt["accepted"] == len(good)
        assert len(receipt["rejected"]) == len(bad)
        assert answer.status_code == (200 if not bad else 207 if good else 400)
        again = json.loads(sender.plain(sent, lines).content)
        assert (again["duplicates"], again["accepted"], again["updated"]) == (len(good), 0, 0)

    check()


@LENGTHS
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON, "application/x-ndjson", "text/plain"])
def test_a_broken_body_is_never_a_500(content_type, examples):
    path = "/v1/traces" if content_type == PROTOBUF else "/api/v1/traces"

    @property_test(examples)
    @given(st.lists(otlp_spans(), max_size=2), st.lists(st.dictionaries(PLAIN_NAMES, VALUES), max_size=3), st.data())
    def check(spans, records, data):
        sender = Sender()
        lines = "\n".join(map(json.dumps, records)).encode()
        body = ENCODED[PROTOBUF](spans) if content_type == PROTOBUF else lines
        at = data.draw(st.integers(0, len(body)))
        noise = data.draw(st.binary(max_size=4))
        broken = data.draw(st.sampled_from([body[:at] + noise + body[at + len(noise) :], body[:at], noise, body]))
        sender.send(broken, content_type, path)

    check()


@LENGTHS
def test_any_json_at_all_is_never_a_500(examples):
    """Each part of an OTLP request in turn is something else than it should be."""
    whole = json.loads(json_body([otlp_span(gen_ai__request__model="m")]))

    @property_test(examples)
    @given(st.integers(0, 30), VALUES)
    def check(place, value):
        places = list(_places(whole))
        sender = Sender()
        sender.send(json.dumps(_replaced(whole, places[place % len(places)], value)).encode(), JSON)

    check()


def _places(value, path=()):
    """The path of every value in a JSON value."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _places(child, (*path, key))


def _replaced(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(copy[path[0]], path[1:], new)
    return copy


FIELDS = {
    "name": "answer", "kind": "llm", "status": "ok", "model": "gpt-4o-mini", "input_tokens": 7, "output_tokens": 3,
    "input": "hi", "output": "yes", "session_id": "s", "user_id": "u", "feature": "f", "request_id": "r",
    "duration_ms": 12.5, "tags": ["a", "b"], "attributes": {"x": 1}, "finish_reason": "stop", "environment": "prod",
}  # fmt: skip


@st.composite
def versions(draw, place_told):
    """Versions of a few spans of up to two traces that never contradict each other; some have ended, some have not.

    With `place_told` each says when its span began and what its parent is, else one of each span's does.
    """
    traces = [new_id(16) for _ in range(draw(st.integers(1, 2)))]
    today = time.time_ns() // 86_400_000_000_000 * 86_400_000
    now = max(time.time_ns() // 1_000_000, today + 200_000)  # what came without its start is of the day that it came on
    found, ids = [], []
    for number in range(draw(st.integers(1, 4))):
        trace_id = draw(st.sampled_from(traces))
        above = [span_id for of_trace, span_id in ids if of_trace == trace_id]
        span_id = new_id(8)
        told = {
            "trace_id": trace_id, "span_id": span_id, "started_at": now - draw(st.sampled_from(AGES_MS)),
            "parent_id": draw(st.sampled_from([None, *above])),
        }  # fmt: skip
        ids.append((trace_id, span_id))
        fields = {name: f"{value} {number}" if name in OWN else value for name, value in FIELDS.items()}
        found.append(told)
        for _ in range(draw(st.integers(0, 3))):
            names = draw(st.lists(st.sampled_from(sorted({**told, **fields})), unique=True))
            always = ("trace_id", "span_id", *["started_at", "parent_id"] * place_told)
            told_again = {name: told[name] for name in always}
            found.append({**told_again, **{name: {**told, **fields}[name] for name in names}})
    return found


OWN = ("name", "input", "output")
AGES_MS = [0, 1, 1_000, 200_000]  # few, so that spans begin at one moment


@LENGTHS
@pytest.mark.parametrize("place_told", [True, False])
def test_any_order_split_and_repetition_give_the_same_rows(place_told, examples):
    @property_test(examples)
    @given(versions(place_told), st.data())
    def check(sent, data):
        straight, mixed = Sender(), Sender()
        straight.plain(sent)
        shuffled = data.draw(st.permutations(sent)) + data.draw(st.lists(st.sampled_from(sent), max_size=4))
        while shuffled:
            size = data.draw(st.integers(1, len(shuffled)))
            mixed.plain(shuffled[:size], lines=data.draw(st.booleans()))
            shuffled = shuffled[size:]
        assert mixed.rows() == straight.rows()
        again = json.loads(mixed.plain(sent).content)
        assert again["accepted"] == 0
        assert mixed.rows() == straight.rows()

    check()


@LENGTHS
def test_the_summary_is_what_the_spans_say_whatever_was_said_before(examples):
    """Versions that contradict each other in all that a summary takes from them."""

    @property_test(examples)
    @given(st.data())
    def check(data):
        now = time.time_ns() // 1_000_000
        sender = Sender()
        trace_id, spans = new_id(16), [new_id(8) for _ in range(data.draw(st.integers(1, 3)))]
        for _ in range(data.draw(st.integers(2, 5))):
            said = st.fixed_dictionaries({"span_id": st.sampled_from(spans)}, optional={
                "started_at": st.sampled_from([now - age for age in AGES_MS]), "kind": st.sampled_from(["llm", "tool"]),
                "parent_id": st.sampled_from([None, *spans]), "duration_ms": st.sampled_from([1, 1_000, 500_000]),
                **dict.fromkeys(OWN_WORDS, st.sampled_from(["a", "b"])),
            })  # fmt: skip
            sender.plain([{"trace_id": trace_id, **data.draw(said)}])
        before = sender.rows()["summaries"]
        with connection.cursor() as cursor:
            arrays.teach(cursor.connection)
            rebuild(psycopg.Cursor(cursor.connection), sender.project.pk, {bytes.fromhex(trace_id)})
        assert sender.rows()["summaries"] == before

    check()


OWN_WORDS = (*OWN, "session_id", "feature", "request_id")


@LENGTHS
def test_a_resent_old_version_undoes_nothing(examples):
    """Versions that contradict each other come in order; old ones come again at any time, alone or beside new ones."""

    @property_test(examples)
    @given(st.integers(1, 4), st.data())
    def check(newest, data):
        told = {"trace_id": new_id(16), "span_id": new_id(8), "started_at": time.time_ns() // 1_000_000}
        sent = [{**told, "name": f"version {n}", "output": f"{n}", "duration_ms": n} for n in range(newest + 1)]
        straight, mixed = Sender(), Sender()
        for one in sent:
            straight.plain([one])
        arrivals = []
        for number in range(newest + 1):
            arrivals += [number, *data.draw(st.lists(st.integers(0, number), max_size=2))]
        while arrivals:
            size = data.draw(st.integers(1, len(arrivals)))
            mixed.plain([sent[number] for number in arrivals[:size]])
            arrivals = arrivals[size:]
        assert mixed.rows() == straight.rows()

    check()


def test_the_bodies_mean_what_they_should():
    """Both encodings made here are the same span to the server."""
    one = otlp_span(a=1, b="x", c=0.5, d=True, e=["y"])
    rows = []
    for content_type, encode in ENCODED.items():
        sender = Sender()
        sender.send(encode([one]), content_type)
        rows.append(sender.rows())
    assert rows[0] == rows[1]
