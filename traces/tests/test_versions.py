"""Versions that say when they were said: any order, grouping and repetition leaves what a plain model leaves."""

import json
from dataclasses import replace
from decimal import Decimal
from itertools import count

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.projects import create_project
from tests import make
from tests.test_random_ingest import LENGTHS, property_test
from traces import ids, merge, payload
from traces.ingest import ingest
from traces.normalise import normalise
from traces.pricing import priced
from traces.queries.spans import payload_of, spans_of
from traces.records import RawSpan, SpanRecord

_numbers = count(1)
START = int(make.now().timestamp()) * 10**9 - 60 * 10**9
TRACE, SPAN = "ab" * 16, "cd" * 8


GUESSED, SHORT = {"assumed": frozenset({"started_at"})}, {"duration_us": 5}


def version(said_at: int | None = 1, **said) -> RawSpan:
    """A version of the one span; what is no name of RawSpan's goes into its `fields`."""
    own = {name: said.pop(name) for name in list(said) if name in RawSpan.__slots__}
    raw = RawSpan(0, TRACE, SPAN, said_at_ns=said_at, start_may_change=True, **{"fields": said, **own})
    return replace(raw, attributes=dict(raw.attributes), fields=dict(raw.fields))


def record_of(raw: RawSpan) -> SpanRecord:
    return priced(normalise(raw, timezone.now()))


def together(*versions: RawSpan) -> SpanRecord:
    """The same merge in the order given and in the other one."""
    forwards, backwards = record_of(versions[0]), record_of(versions[-1])
    for one in versions[1:]:
        forwards = merge.merged(forwards, record_of(one))
    for one in reversed(versions[:-1]):
        backwards = merge.merged(backwards, record_of(one))
    assert forwards == backwards
    return forwards


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([version(1, output="a"), version(2, output="b")], {"output": "b"}),
        ([version(2, output="a", name="x"), version(1, output="b", model="m")], {"output": "a", "model": "m"}),
        ([version(1, output="a", end_ns=START), version(2, output="b")], {"output": "a", "ended": True}),
        ([version(1, output="a"), version(2)], {"output": "a"}),
        ([version(5, output="a"), version(5, output="b")], {"output": "b"}),
        ([version(1, start_ns=START), version(2, end_ns=START + 7_000)], {"duration_us": 7, "ended": True}),
        ([version(1, end_ns=START + 7_000), version(2, end_ns=START + 9_000)], {"duration_us": None}),
        ([version(1, start_ns=START, end_ns=START + 7_000), version(2, start_ns=START + 2_000)], {"duration_us": 7}),
        ([version(1, start_ns=START + 2_000, end_ns=START + 7_000), version(2, start_ns=START)], {"duration_us": 7}),
        (
            [version(1, start_ns=START + 2_000, end_ns=START + 7_000), version(2, start_ns=START, **GUESSED)],
            SHORT,
        ),
        ([version(1, start_ns=START), version(2, first_token_at=START + 5_000)], {"time_to_first_token_us": 5}),
        ([version(1, start_ns=START), version(2, first_token_at=START - 5_000)], {"time_to_first_token_us": None}),
        ([version(1, kind="agent"), version(2, model="m", input_tokens=1)], {"kind": "agent"}),
        ([version(1), version(2, model="m", input_tokens=1)], {"kind": "llm"}),
        ([version(1, attributes={"llmobs.kind": "agent"}), version(2, model="m", input_tokens=1)], {"kind": "agent"}),
        ([version(1, parent_id="p"), version(2, parent_id="q", assumed=frozenset({"parent_id"}))], {"parent": "p"}),
        ([version(1), version(2, parent_id="q", assumed=frozenset({"parent_id"}))], {"parent": "q"}),
        ([version(1, parent_id="p"), version(2, parent_id="q")], {"parent": "q"}),
        ([version(1, status="error", status_message="no"), version(2, status="ok")], {"status": "ok", "failure": None}),
        ([version(2, status="error", status_message="a 429"), version(1, status="ok")], {"failure": "rate_limited"}),
        ([version(1, tags=["b", "a"]), version(2, tags=["c", "a"])], {"tags": ["a", "b", "c"]}),
        ([version(1, attributes={"x": 1, "y": 1}), version(2, attributes={"x": 2})], {"attributes": {"x": 2, "y": 1}}),
        ([version(1, attributes={"x": 1}), version(2, attributes={"x": None})], {"attributes": {"x": 1}}),
        ([version(1, ended=True), version(2, name="n")], {"ended": True, "duration_us": None}),
        ([version(1), version(2, output="a")], {"ended": False}),
        ([version(3, name="a"), version(None, name="b", start_ns=START)], {"name": "a"}),
        ([version(3, name="a"), version(None, name="b", start_ns=START, end_ns=START)], {"name": "b"}),
        ([version(None, output="b", name="n"), version(3, model="m")], {"name": "n", "output": "b", "model": "m"}),
    ],
)
def test_of_two_versions_the_value_that_was_said_later_wins_in_either_order(versions, expected):
    found = together(*versions)
    for name, value in expected.items():
        if name == "parent":
            assert (found.parent_id, found.parent_text) == (ids.span_key(value), value)
        else:
            assert getattr(found.payload if name in ("output", "attributes") else found, name) == value


def test_a_cost_that_was_sent_beats_one_that_we_reckon():
    model = {"kind": "llm", "model": "gpt-4o-mini", "provider": "openai"}
    early, late = version(1, cost_usd=Decimal("0.5"), **model), version(2, input_tokens=100, output_tokens=20, **model)
    found = together(early, late)
    assert (found.cost_usd, found.cost_source) == (Decimal("0.5"), "sent")
    tokens = version(3, input_tokens=200)
    assert together(late, tokens).cost_usd == Decimal("0.000042")  # 200 in at $0.15 and 20 out at $0.60 a million


def test_a_span_whose_sender_tells_no_moment_costs_not_a_byte_more():
    raw = make.raw_span(**{"gen_ai.request.model": "m"})
    assert b'"said"' not in payload.encode(normalise(raw, timezone.now()).payload)
    assert merge.merged(record_of(raw), record_of(replace(raw, name="later"))).payload.said is None


@pytest.mark.django_db
def test_of_ten_versions_the_oldest_repeated_undoes_nothing(project):
    """More than a row remembers the digests of."""
    sent = [version(moment, output=f"{moment}", attributes={f"k{moment}": moment}) for moment in range(1, 11)]
    for one in sent:
        ingest(project.pk, [one], [], timezone.now())
    assert ingest(project.pk, [sent[0]], [], timezone.now()).duplicates == 1
    kept = payload_of(project.pk, bytes.fromhex(TRACE), bytes.fromhex(SPAN))
    assert (kept.output, kept.attributes) == ("10", {f"k{moment}": moment for moment in range(1, 11)})


@pytest.mark.django_db
def test_a_thousand_versions_in_one_request_become_one_span(project):
    """Merged one by one they took seconds, which a hostile key could have asked for again and again."""
    sent = [
        version(moment, output=f"{moment}", attributes={f"k{moment}": moment}, tags=[f"t{moment}"])
        for moment in range(1_000)
    ]
    receipt = ingest(project.pk, sent, [], timezone.now())
    assert receipt.accepted + receipt.updated + receipt.duplicates == 1_000
    (kept,) = spans_of(project.pk, [bytes.fromhex(TRACE)])
    assert len(kept.record.tags) == 1_000
    assert len(payload_of(project.pk, bytes.fromhex(TRACE), bytes.fromhex(SPAN)).attributes) == 1_000


def values(*of):
    return st.sampled_from(of)


VERSIONS = st.builds(
    lambda said_at, said: version(said_at, **said),
    st.integers(1, 3),
    st.fixed_dictionaries({}, optional={
        "name": values("a", "b"), "kind": values("agent", "tool"), "output": values("x", {"y": [1, "\ud800"]}, 2**70),
        "model": values("m1", "gpt-4o-mini"), "input_tokens": st.integers(1, 3), "output_tokens": st.integers(1, 3),
        "cost_usd": values(Decimal("0.1"), Decimal("0.10")), "parent_id": values("a" * 16, "b" * 16),
        "session_id": values("s", "t"), "confidence": values(0.1, 0.25), "tags": st.lists(values("t", "u"), min_size=1),
        "attributes": st.dictionaries(values("k", "l", "resource"), values(1, "1", None, [2], {"d": 1}), max_size=3),
        "start_ns": values(START, START + 1_000_500), "end_ns": values(START, START + 5_000_999),
        "first_token_at": values(START + 2_000, START - 1), "status": values("ok", "error"),
        "status_message": values("429", "odd"), "assumed": values(frozenset({"parent_id"}), frozenset({"name"})),
    }),
)  # fmt: skip


def model(versions: list[RawSpan], name: str):
    """The value of one field, by the rule as it is written."""
    said = []
    for raw in versions:
        value = raw.fields.get(name)
        if name in ("name", "parent_id", "start_ns", "end_ns"):
            value = getattr(raw, name)
        if value not in (None, ""):
            level = 0 if name in raw.assumed else 2 if raw.end_ns is not None else 1
            said.append(((level, raw.said_at_ns * (level > 0)), json.dumps(value, default=str), value))
    return max(said, key=lambda one: one[:2])[2] if said else None


@pytest.mark.django_db
@LENGTHS
def test_any_order_and_grouping_leaves_what_the_model_leaves(examples):
    @property_test(examples)
    @given(st.lists(VERSIONS, min_size=1, max_size=5), st.data())
    def check(versions, data):
        kept = []
        for _ in range(2):
            project = create_project(f"versions-{next(_numbers)}", "Versions")
            left = data.draw(st.permutations(versions)) + data.draw(st.lists(st.sampled_from(versions), max_size=4))
            while left:
                size = data.draw(st.integers(1, len(left)))
                ingest(project.pk, left[:size], [], timezone.now())
                left = left[size:]
            (span,) = spans_of(project.pk, [bytes.fromhex(TRACE)])
            kept.append(replace(span.record, payload=payload_of(project.pk, *span_keys())))
        assert kept[0] == kept[1]
        for name in ("name", "model", "input_tokens", "output_tokens", "session_id", "confidence"):
            expected = model(versions, name)
            assert getattr(kept[0], name) == (expected if name != "name" else expected or "")
        start = min((raw.start_ns for raw in versions if raw.start_ns is not None), default=None)
        end, parent = (model(versions, name) for name in ("end_ns", "parent_id"))
        length = None if start is None or end is None else end // 1000 - start // 1000
        assert kept[0].duration_us == length
        assert kept[0].parent_id == (None if parent is None else bytes.fromhex(parent))
        assert kept[0].ended == any(raw.end_ns is not None for raw in versions)
        assert {*(kept[0].tags or ())} == {tag for raw in versions for tag in raw.fields.get("tags", ())}

    check()


def span_keys() -> tuple[bytes, bytes]:
    return bytes.fromhex(TRACE), bytes.fromhex(SPAN)
