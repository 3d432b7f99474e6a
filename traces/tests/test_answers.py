"""`GET /api/v1/requests/<id>` and `GET /api/v1/traces/<id>`: what scripts may rely on."""

import random
import re
import uuid
from datetime import timedelta
from decimal import Decimal
from urllib.parse import quote

import pytest
from django.test import Client

from accounts.models import Membership
from tests import make
from tests.web import sent

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
MONEY = re.compile(r"\d+(\.\d+)?")
# Every field of a span, and what it may hold where it is known. What is unknown is null.
SPAN_TYPES = {
    **dict.fromkeys(("span_id", "trace_id", "kind", "name", "status"), str),
    **dict.fromkeys(("parent_id", "failure", "fallback", "status_message", "finish_reason"), (str, type(None))),
    **dict.fromkeys(("provider", "model", "model_requested", "response_id"), (str, type(None))),
    **dict.fromkeys(("prompt_name", "prompt_version", "template_name", "template_version"), (str, type(None))),
    **dict.fromkeys(("retriever_name", "retriever_version", "parser_name", "parser_version"), (str, type(None))),
    **dict.fromkeys(("tool_name", "tool_version", "cost_source", "cost_usd"), (str, type(None))),
    **dict.fromkeys(("request_id", "session_id", "user_id", "feature"), (str, type(None))),
    **dict.fromkeys(("service", "environment", "release"), (str, type(None))),
    **dict.fromkeys(("input_tokens", "output_tokens", "cache_read_tokens"), (int, type(None))),
    **dict.fromkeys(("cache_write_tokens", "reasoning_tokens", "attempt", "retries"), (int, type(None))),
    **dict.fromkeys(("duration_ms", "time_to_first_token_ms", "confidence"), (float, type(None))),
    **dict.fromkeys(("cache_hit", "refused", "format_valid"), (bool, type(None))),
    **dict.fromkeys(("tags", "tools", "documents", "events", "links", "scores"), (list, type(None))),
    **dict.fromkeys(("parameters", "attributes"), dict),
    **dict.fromkeys(("ended", "is_call"), bool),
    **dict.fromkeys(("started_at", "received_at"), str),
    "dropped_attributes": int,
    **dict.fromkeys(("input", "output", "parsed_output"), object),
}
TOTALS_TYPES = {
    **dict.fromkeys(("spans", "calls", "errors", "calls_without_price"), int),
    **dict.fromkeys(("input_tokens", "output_tokens"), (int, type(None))),
    "cost_usd": (str, type(None)),
    "duration_ms": (float, type(None)),
}


@pytest.fixture
def ask(client, read_key):
    """The JSON of a trace or of a request id, as a script with a read key sees it."""

    def _ask(what, an_id, status=200):
        answer = client.get(f"/api/v1/{what}/{quote(an_id, safe='')}", headers={"Authorization": f"Bearer {read_key}"})
        assert answer.status_code == status
        return answer.json()

    return _ask


def checked(answer):
    """`answer`, once every field of it has the type it should."""
    assert set(answer) == {"request_id", "trace_id", "traces", "complete", "notes", "totals", "scores", "spans"}
    assert isinstance(answer["complete"], bool)
    assert all(set(note) == {"code", "text"} for note in answer["notes"])
    assert set(answer["totals"]) == set(TOTALS_TYPES)
    for name, kind in TOTALS_TYPES.items():
        assert isinstance(answer["totals"][name], kind), name
    for span in answer["spans"]:
        assert set(span) == set(SPAN_TYPES)
        for name, kind in SPAN_TYPES.items():
            assert isinstance(span[name], kind), name
        assert MOMENT.fullmatch(span["started_at"])
        assert MOMENT.fullmatch(span["received_at"])
        assert span["cost_usd"] is None or MONEY.fullmatch(span["cost_usd"])
    return answer


def test_every_field_has_its_shape_and_its_type(project, ask):
    root, call = make.trace(request_id="req-1", session_id="s", user_id="u", feature="faq", tags=["a"])
    make.stored(project.pk, root, call)
    answer = checked(ask("requests", "req-1"))
    assert answer["request_id"] == "req-1"
    assert answer["trace_id"] == root.trace_id.hex()
    assert answer["traces"] == [root.trace_id.hex()]
    assert answer["complete"] is True
    assert [span["is_call"] for span in answer["spans"]] == [False, True]
    assert answer["spans"][1]["duration_ms"] == 1200.0


def test_both_addresses_tell_the_same(project, ask):
    spans = make.trace(request_id="req-1")
    make.stored(project.pk, *spans)
    assert ask("traces", spans[0].trace_id.hex()) == ask("requests", "req-1")


def test_what_is_unknown_is_null_and_never_0(project, ask):
    make.stored(
        project.pk, make.span(trace_id=b"t" * 16, kind="llm", duration_us=None, ended=False, model="nobodys-model")
    )
    answer = checked(ask("traces", (b"t" * 16).hex()))
    (span,) = answer["spans"]
    unknown = {name for name in SPAN_TYPES if span[name] is None}
    assert {"input_tokens", "output_tokens", "cost_usd", "duration_ms", "retries", "request_id", "input"} <= unknown
    totals = answer["totals"]
    assert (totals["input_tokens"], totals["cost_usd"], totals["duration_ms"]) == (None, None, None)
    assert answer["request_id"] is None


def test_zero_is_told_where_it_was_sent(project, ask):
    make.stored(project.pk, make.call(trace_id=b"t" * 16, input_tokens=0, output_tokens=0, retries=0, duration_us=0))
    answer = ask("traces", (b"t" * 16).hex())
    assert (answer["spans"][0]["input_tokens"], answer["spans"][0]["retries"]) == (0, 0)
    assert (answer["totals"]["input_tokens"], answer["totals"]["duration_ms"]) == (0, 0.0)


def test_money_is_decimal_text_without_an_exponent(project, ask):
    spans = [
        make.call(request_id="r", trace_id=b"t" * 16, cost_usd=Decimal("0.00000001"), cost_source="sent") for _ in "ab"
    ]
    make.stored(project.pk, *spans)
    answer = checked(ask("requests", "r"))
    assert Decimal(answer["totals"]["cost_usd"]) == Decimal("0.00000002")
    assert [Decimal(span["cost_usd"]) for span in answer["spans"]] == [Decimal("0.00000001")] * 2


def test_spans_come_in_pre_order_whatever_order_they_arrived_in(project, ask):
    begin = make.now() - timedelta(minutes=1)
    trace = b"t" * 16
    root = make.span(trace_id=trace, name="0", started_at=begin)
    spans = [root]
    for first in (1, 2):
        child = make.span(
            trace_id=trace, parent_id=root.span_id, name=f"0{first}", started_at=begin + first * timedelta(seconds=1)
        )
        spans.append(child)
        for second in (1, 2):
            at = begin + timedelta(milliseconds=second)  # a clock that is off: before its parent
            spans.append(make.span(trace_id=trace, parent_id=child.span_id, name=f"0{first}{second}", started_at=at))
    twins = [
        make.span(trace_id=trace, parent_id=root.span_id, name="03", started_at=begin + timedelta(seconds=9))
        for _ in "ab"
    ]
    random.Random(7).shuffle(shuffled := spans + twins)
    for span in shuffled:
        make.stored(project.pk, span)
    told = ask("traces", trace.hex())["spans"]
    assert [span["name"] for span in told] == ["0", "01", "011", "012", "02", "021", "022", "03", "03"]
    assert [span["span_id"] for span in told[-2:]] == sorted(span["span_id"] for span in told[-2:])


def test_spans_that_point_at_each_other_are_told_once(project, ask):
    trace, a, b = b"t" * 16, b"a" * 8, b"b" * 8
    make.stored(
        project.pk, make.span(trace_id=trace, span_id=a, parent_id=b), make.span(trace_id=trace, span_id=b, parent_id=a)
    )
    make.stored(project.pk, make.span(trace_id=trace, span_id=b"c" * 8, parent_id=b"c" * 8))
    answer = checked(ask("traces", trace.hex()))
    assert sorted(span["span_id"] for span in answer["spans"]) == [a.hex(), b.hex(), (b"c" * 8).hex()]
    assert answer["complete"] is False


def test_totals_leave_out_wrappers_that_repeat_their_calls(project, ask):
    trace = b"t" * 16
    agent = make.span(
        trace_id=trace, kind="agent", input_tokens=300, output_tokens=60, cost_usd=Decimal(3), cost_source="sent"
    )
    outer = make.call(trace_id=trace, parent_id=agent.span_id, input_tokens=200, output_tokens=40)
    inner = [
        make.call(trace_id=trace, parent_id=outer.span_id, cost_usd=Decimal("0.5"), cost_source="sent") for _ in "ab"
    ]
    alone = make.call(trace_id=trace, parent_id=agent.span_id, cost_usd=Decimal("0.25"), cost_source="sent")
    make.stored(project.pk, agent, outer, *inner, alone)
    answer = checked(ask("traces", trace.hex()))
    totals = answer["totals"]
    assert (totals["calls"], totals["input_tokens"], totals["output_tokens"]) == (3, 300, 60)
    assert Decimal(totals["cost_usd"]) == Decimal("1.25")
    assert totals["calls_without_price"] == 0
    told = {span["span_id"]: span for span in answer["spans"]}
    assert told[agent.span_id.hex()]["input_tokens"] == 300
    assert not told[agent.span_id.hex()]["is_call"]
    assert not told[outer.span_id.hex()]["is_call"]


def test_a_call_without_a_price_is_counted_and_noted(project, ask):
    make.stored(project.pk, make.call(request_id="r", cost_source="unknown"))
    answer = ask("requests", "r")
    assert answer["totals"]["calls_without_price"] == 1
    assert "price_unknown" in {note["code"] for note in answer["notes"]}
    assert answer["complete"] is True


def test_several_traces_of_one_request_id_come_together_newest_first(project, ask):
    begin = make.now() - timedelta(minutes=9)
    traces = []
    for minutes in (0, 5, 2):
        spans = make.trace(request_id="req-1", started_at=begin + timedelta(minutes=minutes))
        make.stored(project.pk, *spans)
        traces.append(spans[0].trace_id.hex())
    answer = checked(ask("requests", "req-1"))
    assert answer["traces"] == [traces[1], traces[2], traces[0]]
    assert answer["trace_id"] == traces[1]
    assert answer["totals"]["spans"] == 6
    assert [span["trace_id"] for span in answer["spans"]] == [t for t in answer["traces"] for _ in "ab"]
    assert ask("traces", traces[0])["traces"] == [traces[0]]


def test_what_one_span_says_of_the_request_holds_for_the_whole_trace(project, ask):
    trace = b"t" * 16
    root = make.span(trace_id=trace, service="api")
    make.stored(project.pk, root)
    make.stored(
        project.pk, make.call(trace_id=trace, parent_id=root.span_id, request_id="r", user_id="u", session_id="s")
    )
    for span in ask("requests", "r")["spans"]:
        assert (span["request_id"], span["user_id"], span["session_id"], span["feature"]) == ("r", "u", "s", "api")


@pytest.mark.parametrize(
    ("spans", "codes"),
    [
        ([{"parent_id": b"p" * 8}], {"root_missing", "parent_missing"}),
        ([{}, {"parent_id": b"p" * 8}], {"parent_missing"}),
        ([{"ended": False, "duration_us": None}], {"not_ended"}),
        ([{}], set()),
    ],
)
def test_a_trace_of_which_something_is_missing_says_what(project, ask, spans, codes):
    make.stored(project.pk, *(make.span(trace_id=b"t" * 16, **fields) for fields in spans))
    answer = checked(ask("traces", (b"t" * 16).hex()))
    assert {note["code"] for note in answer["notes"]} == codes
    assert answer["complete"] is not bool(codes)


STRANGE_IDS = [
    "a/b/c", "/a", "a//b", "a?b=c&d", "a#b", "100%", "%2F", "..", "../..", "a b", "ümläut", "请求-7", "😀", "a+b",
    "a;b", "'\"<>", "\\", "a\nb", "tab\t", "{}", "traces", "-", "r" * 1_000,
]  # fmt: skip


@pytest.mark.parametrize("strange", STRANGE_IDS)
def test_ids_may_hold_any_character(client, project, ask, ingest_key, strange):
    record = {"request_id": strange, "trace_id": f"t {strange}", "span_id": f"s {strange}", "output": "x"}
    sent_to = client.post("/api/v1/traces", record, "application/json", headers={"x-api-key": ingest_key})
    assert sent_to.status_code == 200
    by_request = ask("requests", strange)
    assert by_request["request_id"] == strange
    assert by_request["trace_id"].strip() == f"t {strange}".strip()
    assert ask("traces", by_request["trace_id"])["spans"] == by_request["spans"]


def test_ids_pass_through_a_real_server_as_they_are(web, client, ingest_key, read_key):
    for strange in STRANGE_IDS:
        record = {"request_id": strange, "output": "x"}
        assert (
            client.post("/api/v1/traces", record, "application/json", headers={"x-api-key": ingest_key}).status_code
            == 200
        )
        answer = sent(web, "GET", f"/api/v1/requests/{quote(strange, safe='')}", Authorization=f"Bearer {read_key}")
        assert answer.status == 200, strange


@pytest.mark.parametrize("path", ["%00", "a%00b", "none", "%ff%fe", "%2F", "..", "a/../b", "%E2%80%AE", "x" * 5_000])
def test_an_id_that_nobody_sent_is_404_and_never_500(client, read_key, path):
    for what in ("requests", "traces"):
        answer = client.get(f"/api/v1/{what}/{path}", headers={"x-api-key": read_key})
        assert answer.status_code == 404
        assert answer.json()["message"]


def test_every_spelling_of_a_hex_id_or_uuid_finds_its_trace(project, ask):
    an_id = uuid.UUID("5b8efff7-9803-8103-d269-b633813fc60c")
    make.stored(project.pk, make.span(trace_id=an_id.bytes, request_id="r"))
    for spelling in (an_id.hex, str(an_id), an_id.hex.upper(), str(an_id).upper(), f" {an_id} "):
        assert ask("traces", spelling)["trace_id"] == an_id.hex


def test_a_trace_is_shown_by_the_spelling_of_its_sender(client, ask, ingest_key):
    dashed = "5b8efff7-9803-8103-d269-b633813fc60c"
    record = {"trace_id": dashed, "span_id": "Step One", "output": "x"}
    client.post("/api/v1/traces", record, "application/json", headers={"x-api-key": ingest_key})
    answer = ask("traces", dashed.replace("-", ""))
    assert (answer["trace_id"], answer["spans"][0]["span_id"]) == (dashed, "Step One")


def test_who_may_read(project, other_project, member_client, stranger_client, ingest_key, read_key):
    spans = make.trace(request_id="req-1")
    make.stored(project.pk, *spans)
    for path in ("/api/v1/requests/req-1", f"/api/v1/traces/{spans[0].trace_id.hex()}"):
        assert Client().get(path).status_code == 401
        assert Client().get(path, headers={"x-api-key": "nobodys"}).status_code == 401
        assert Client().get(path, headers={"x-api-key": ingest_key}).status_code == 403
        assert Client().get(path, headers={"x-api-key": read_key}).status_code == 200
        assert member_client.get(path).status_code == 200
        assert stranger_client.get(path).status_code == 404
        assert stranger_client.get(path + "?project=shop").status_code == 404
        assert member_client.get(path, headers={"x-api-key": "nobodys"}).status_code == 401


def test_a_refusal_to_one_without_a_key_says_how_to_send_one(client):
    answer = client.get("/api/v1/requests/req-1")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "Authorization: Bearer KEY" in answer.json()["message"]


def test_a_key_reads_only_its_own_project(project, other_project, read_key):
    make.stored(other_project.pk, *make.trace(request_id="theirs"))
    assert Client().get("/api/v1/requests/theirs", headers={"x-api-key": read_key}).status_code == 404


def test_a_member_of_two_projects_may_say_which(project, other_project, member, member_client):
    Membership.objects.create(user=member, project=other_project)
    make.stored(project.pk, make.span(request_id="r", name="ours"))
    make.stored(other_project.pk, make.span(request_id="r", name="theirs"))
    for slug, name in (("shop", "ours"), ("bank", "theirs")):
        answer = member_client.get(f"/api/v1/requests/r?project={slug}").json()
        assert [span["name"] for span in answer["spans"]] == [name]


def test_answers_are_read_by_get_only(client, read_key):
    for method in ("post", "put", "delete"):
        answer = getattr(client, method)("/api/v1/requests/req-1", headers={"x-api-key": read_key})
        assert answer.status_code == 405
        assert answer.json()["message"]


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html,application/xhtml+xml,*/*;q=0.8"])
def test_clients_may_ask_for_json_or_anything(client, project, read_key, accept):
    make.stored(project.pk, make.span(request_id="r"))
    answer = client.get("/api/v1/requests/r", headers={"x-api-key": read_key, "Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")


def test_queries_do_not_grow_with_the_spans(client, project, read_key, django_assert_max_num_queries):
    root = make.span(request_id="r")
    make.stored(project.pk, root, *(make.call(trace_id=root.trace_id, parent_id=root.span_id) for _ in range(200)))
    with django_assert_max_num_queries(
        9
    ):  # key, its use, the request's traces, summary, spans, payloads, their days (2), scores
        assert client.get("/api/v1/requests/r", headers={"x-api-key": read_key}).status_code == 200
