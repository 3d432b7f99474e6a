"""The page of one trace: what support and engineers read, and what hostile or broken traces do to it."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.markup import HOSTILE, Markup
from traces.records import Payload, SpanRecord

TRACE = b"\xab" * 16
PAGE = f"/p/shop/traces/{TRACE.hex()}"


@pytest.fixture
def read(member_client):
    """The page of TRACE as a parser sees it, with these parameters."""

    def _read(path=PAGE, **query):
        answer = member_client.get(path, query)
        assert answer.status_code == 200
        return Markup(answer)

    return _read


def span(**fields):
    return make.span(trace_id=TRACE, **fields)


def call(**fields):
    return make.call(trace_id=TRACE, **fields)


def test_the_account_says_what_was_asked_what_was_got_and_how_it_went(project, read):
    root = span(name="answer", input="Where is my parcel?", output="In Lyon.", request_id="req-1", user_id="anna")
    make.stored(project.pk, root, call(parent_id=root.span_id))
    words = read().words
    for said in (
        "Answered by gpt-4o-mini in 1.2 s",
        "Where is my parcel?",
        "In Lyon.",
        "req-1",
        "anna",
        "1 of a model",
    ):
        assert said in words, said


@pytest.mark.parametrize(
    ("spans", "headline"),
    [
        ([{"status": "error", "failure": "timeout"}], "No answer: it took too long"),
        ([{}, {"status": "error", "failure": "tool_failed", "parent_id": b"r" * 8}], "Answered, though a tool failed"),
        ([{}, {"fallback": "other_model", "parent_id": b"r" * 8}], "Answered by another model"),
        ([{}, {"retries": 2, "parent_id": b"r" * 8}], "Answered after another try"),
        ([{"refused": True}], "The model refused to answer"),
        ([{"finish_reason": "content_filter"}], "Stopped by the provider's content filter"),
        ([{"ended": False}], "Not finished, as far as its spans tell"),
        ([{"name": "nightly"}], "nightly, finished in 1.2 s"),
    ],
)
def test_the_headline_is_the_outcome_for_the_customer(project, read, spans, headline):
    make.stored(project.pk, *(span(span_id=bytes([114 - n]) * 8, **fields) for n, fields in enumerate(spans)))
    assert headline in read().words


def test_a_step_shows_its_conversation_its_figures_and_all_the_rest(project, read):
    step = call(
        span_id=b"s" * 8, name="chat", kind="llm", model_requested="gpt-4o", model="gpt-4o-2024-08-06",
        input=[{"role": "system", "content": "Be kind."}, {"role": "user", "content": "What?"}],
        output=[{"role": "assistant", "content": "This.", "reasoning": "Because.",
                 "tool_calls": [{"id": "c1", "name": "search", "arguments": {"q": "parcel"}}]}],
        tools=[{"name": "search", "description": "Finds things"}], parameters={"temperature": 0.2},
        input_tokens=1000, cache_read_tokens=640, output_tokens=200, reasoning_tokens=50, cost_usd=Decimal("0.0123"),
        cost_source="sent", time_to_first_token_us=300_000, finish_reason="stop", retries=1, prompt_name="faq",
        prompt_version="7", release="2026.11", environment="prod", response_id="chatcmpl-9", tags=["vip"],
        parser_name="json", parser_version="2", parsed_output={"answer": 42}, attributes={"tenant": "acme"},
        events=[{"name": "retry", "offset_us": 5000}], dropped_attributes=3, confidence=0.5, format_valid=True,
    )  # fmt: skip
    make.stored(project.pk, step)
    words = read().words
    for said in (
        "Be kind.", "What?", "This.", "Because.", "search", '"q": "parcel"', "Finds things", "temperature 0.2",
        "gpt-4o", "answered by gpt-4o-2024-08-06", "1,000 in", "640 cached", "200 out", "50 reasoning", "$0.0123",
        "as sent",
        "first token after 300 ms", "stop", "faq 7", "2026.11", "prod", "chatcmpl-9", "vip", "json 2", '"answer": 42',
        "tenant", "acme", "1 event", "after 5 ms", "left out 3 attributes", "0.5", "readable",
    ):  # fmt: skip
        assert said in words, said
    assert "System" in words
    assert "Customer" in words
    assert "Assistant" in words


def test_a_text_to_a_model_is_one_message_and_a_step_without_a_name_is_called_by_its_kind(project, member_client):
    make.stored(project.pk, call(name="", input="What?", output="This."))
    step = Markup(member_client.get(PAGE, headers={"HX-Request": "true"})).words
    assert step.startswith("Step 1 of 1, llm llm ")
    assert "Customer What?" in step
    assert "Assistant This." in step


def test_documents_that_were_found_are_shown_with_their_scores(project, read):
    documents = [{"id": "d1", "title": "Parcels", "text": "They take a week.", "score": 0.91234}, "only text", {"n": 1}]
    make.stored(project.pk, span(kind="retrieval", input="parcel", documents=documents))
    words = read().words
    for said in ("3 found", "Parcels", "They take a week.", "score 0.912", "only text"):
        assert said in words, said


def test_images_are_placeholders_and_never_fetched(project, read):
    parts = [
        {"type": "text", "text": "Look:"},
        {"type": "image", "url": "https://evil.example/pixel.png"},
        {"type": "image", "media_type": "image/png", "data": "iVBORw0KGgo="},
        {"type": "file", "url": "data:application/pdf;base64,AAAA"},
    ]
    make.stored(project.pk, call(input=[{"role": "user", "content": parts}]))
    markup = read()
    assert not markup.all("img")
    assert "https://evil.example/pixel.png" in markup.words
    assert "Image image/png" in markup.words
    assert "iVBORw0KGgo=" not in markup.words
    assert all(one.startswith("/static/") for one in markup.loaded)


def test_an_unknown_price_is_said_and_never_0(project, read):
    make.stored(project.pk, call(model="nobodys-model", cost_source="unknown"))
    words = read().words
    assert "price unknown" in words
    assert "$0" not in words


def test_what_was_not_sent_is_said_not_to_be(project, read):
    make.stored(project.pk, span(kind="llm", duration_us=None, ended=False))
    words = read().words
    for said in ("input not sent", "output not sent", "not ended", "not sent"):
        assert said in words, said


def test_a_parser_that_could_not_read_the_answer_is_told_at_the_answer(project, read):
    root = span()
    begin = root.started_at
    answer = call(parent_id=root.span_id, output="{broken", started_at=begin, duration_us=1_000)
    parser = span(
        parent_id=root.span_id, kind="parser", status="error", failure="parser_failed", parser_name="json",
        status_message="Expecting value", started_at=begin + timedelta(milliseconds=2),
    )  # fmt: skip
    make.stored(project.pk, root, answer, parser)
    assert "json: Expecting value" in read(span=answer.span_id.hex()).words


def test_the_step_that_failed_is_open_and_the_address_can_name_another(project, read):
    root = span(name="root")
    first, second = (
        call(name="first", parent_id=root.span_id),
        call(name="second", parent_id=root.span_id, status="error"),
    )
    make.stored(project.pk, root, first, second)
    assert _current(read()) == second.span_id.hex()
    assert _current(read(span=first.span_id.hex())) == first.span_id.hex()
    assert _current(read(span=first.span_id.hex().upper())) == first.span_id.hex()


@pytest.mark.parametrize("named", ["none", "", "\x00", "../..", "x" * 5_000, HOSTILE])
def test_a_step_that_there_is_not_opens_the_first(project, read, named):
    root = span()
    make.stored(project.pk, root)
    assert _current(read(span=named)) == root.span_id.hex()


def _current(markup):
    (row,) = markup.all("a", aria_current="step")
    return row["hx-get"].removeprefix("?span=")


def test_htmx_gets_only_the_step(project, member_client):
    root = span()
    make.stored(project.pk, root)
    answer = member_client.get(PAGE, {"span": root.span_id.hex()}, headers={"HX-Request": "true"})
    assert answer.content.decode().lstrip().startswith('<section class="case__step" id="step"')
    assert "HX-Request" in answer.headers["Vary"]


def test_steps_stand_in_the_order_of_the_tree(project, read):
    root = span(name="step-0")
    late = span(name="step-3", parent_id=root.span_id, started_at=make.now())
    early = span(name="step-1", parent_id=root.span_id)
    below = span(name="step-2", parent_id=early.span_id)
    make.stored(project.pk, late, below, early, root)
    text = read().text
    places = [text.index(f"step-{number}") for number in range(4)]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"parent_id": b"p" * 8}, "The first step has not arrived"),
        ({"parent_id": b"p" * 8}, "1 step names a parent that has not arrived."),
        ({"ended": False, "duration_us": None}, "1 step has not ended"),
        ({"started_at": None}, "1 step was sent without a start."),
        ({"duration_us": -5_000_000}, "1 step ends before it starts: a clock is off."),
    ],
)
def test_what_is_missing_is_said(project, read, fields, sentence):
    make.stored(project.pk, span(**fields))
    assert sentence in read().words


def test_spans_that_are_each_others_parents_are_shown_once(project, read):
    a, b = b"a" * 8, b"b" * 8
    make.stored(
        project.pk,
        span(span_id=a, parent_id=b),
        span(span_id=b, parent_id=a),
        span(parent_id=b"c" * 8, span_id=b"c" * 8),
    )
    assert len(read().all("a", data_row="step")) == 3


def test_a_trace_of_2_000_steps_opens_and_stays_small(project, member_client):
    root = span()
    children = [call(parent_id=root.span_id, name=f"step {n}", input="x" * 500) for n in range(1_999)]
    make.stored(project.pk, root, *children)
    answer = member_client.get(PAGE)
    markup = Markup(answer)
    assert "1,500 more steps" in markup.words
    assert "Steps 2,000" in markup.words
    last = member_client.get(PAGE, {"span": children[-1].span_id.hex()})
    assert "Step 2,000 of 2,000" in Markup(last).words


def test_a_trace_as_deep_as_2_000_steps_opens(project, read):
    parent, spans = None, []
    for _ in range(2_000):
        spans.append(span(parent_id=parent))
        parent = spans[-1].span_id
    make.stored(project.pk, *spans)
    assert len(read().all("a", data_row="step")) == 500


def test_times_at_the_edges_break_no_bar(project, read):
    for started_at, duration_us in ((make.now(), 2**62), (make.now(), -(2**62)), (make.now(), 0)):
        make.stored(project.pk, span(started_at=started_at, duration_us=duration_us))
    assert len(read().all("a", data_row="step")) == 3


LONG = "".join(f"line {n} of a very long prompt <b>bold</b>\n" for n in range(13_000))  # 550 KB


def test_a_long_prompt_is_folded_and_comes_when_it_is_opened(project, member_client):
    step = call(input=[{"role": "user", "content": LONG}], output="short")
    make.stored(project.pk, step)
    answer = member_client.get(PAGE)
    assert len(answer.content) < 200_000
    (fold,) = Markup(answer).all("details", class_="fold", hx_trigger="toggle once")
    assert Markup(answer).links.count(fold["hx-get"]) == 1  # without scripts the link does the same
    text, address, sizes = "", fold["hx-get"], []
    while address:
        part = member_client.get(address)
        assert part.status_code == 200
        assert "<html" not in part.content.decode()
        sizes.append(len(part.content))
        text += _code(part)
        address = next((link for link in Markup(part).links), None)
    assert text == LONG
    assert max(sizes) < 400_000


def _code(answer):
    """The text between the first <pre> and its end."""
    inside = answer.content.decode().partition("<pre")[2].partition(">")[2].partition("</pre>")[0]
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#x27;", "'"), ("&amp;", "&")):
        inside = inside.replace(entity, letter)
    return inside


def test_many_messages_together_make_no_page_slow(project, member_client):
    messages = [{"role": "user", "content": f"message {n} " + "x" * 15_000} for n in range(60)]
    make.stored(project.pk, call(input=messages))
    answer = member_client.get(PAGE)
    assert len(answer.content) < 300_000
    assert "message 59" in Markup(answer).words


@pytest.mark.parametrize(
    "fields",
    [
        {"attributes": {f"name.{n}": "x" * 2_500 for n in range(400)}},
        {"documents": [{"text": "x" * 15_000} for _ in range(60)]},
        {"tools": [{"name": f"tool {n}", "parameters": {"a": "x" * 15_000}} for n in range(60)]},
        {"parsed_output": ["x" * 1_000_000]},
        {"parameters": {f"p{n}": "x" * 10_000 for n in range(60)}},
        {"events": [{"name": "token", "attributes": {"text": "x" * 5_000}} for _ in range(100)]},
        {"tags": ["x" * 100] * 5_000},
    ],
)
def test_much_of_anything_makes_no_page_slow(project, member_client, fields):
    make.stored(project.pk, call(**fields))
    assert len(member_client.get(PAGE).content) < 300_000


@pytest.mark.parametrize(
    "query",
    [
        "part=input.0.content",
        "span=none&part=input.0.content",
        "span={span}&part=input.7.content",
        "span={span}&part=input.0.content.0.text",
        "span={span}&part=attributes.__class__",
        "span={span}&part=",
        "span={span}",
        "",
    ],
)
def test_a_text_that_there_is_not_is_404(project, member_client, query):
    step = call(input=[{"role": "user", "content": "What?"}])
    make.stored(project.pk, step)
    path = f"/p/shop/payload/{TRACE.hex()}?{query.format(span=step.span_id.hex())}"
    assert member_client.get(path).status_code == 404


@pytest.mark.parametrize("start", ["-1", "x", "", "9" * 5_000, "99999", "\u00b2", "1e3"])
def test_a_place_in_a_text_that_there_is_not_breaks_nothing(project, member_client, start):
    step = call(input=[{"role": "user", "content": "What?"}])
    make.stored(project.pk, step)
    query = {"span": step.span_id.hex(), "part": "input.0.content", "from": start}
    assert member_client.get(f"/p/shop/payload/{TRACE.hex()}", query).status_code == 200


def test_hostile_text_is_text_in_every_field(project, read):
    """Every field of the record and of the payload at once, on the page and in the fragment of a long text."""
    texts = [
        name for name, kind in SpanRecord.__annotations__.items() if kind in (str, "str", str | None, "str | None")
    ]
    closed = {"kind", "status", "failure", "fallback", "cost_source"}
    fields = dict.fromkeys(set(texts) - closed, HOSTILE)
    part = {"type": "text", "text": HOSTILE}
    odd = [{"type": HOSTILE, "value": HOSTILE}, {"type": "image", "url": HOSTILE, "media_type": HOSTILE}, HOSTILE, part]
    message = {"role": HOSTILE, "name": HOSTILE, "content": HOSTILE, "reasoning": HOSTILE, "tool_call_id": HOSTILE}
    tool_call = {"id": HOSTILE, "name": HOSTILE, "arguments": {HOSTILE: HOSTILE}}
    payload = {
        "input": [message, {"role": "tool", "name": HOSTILE, "content": odd}],
        "output": [{"role": "assistant", "content": None, "tool_calls": [tool_call]}],
        "parsed_output": {HOSTILE: [HOSTILE]},
        "parameters": {HOSTILE: HOSTILE},
        "tools": [{"name": HOSTILE, "description": HOSTILE}, HOSTILE],
        "documents": [{"id": HOSTILE, "title": HOSTILE, "text": HOSTILE, "score": HOSTILE}, HOSTILE],
        "events": [{"name": HOSTILE, "attributes": {HOSTILE: HOSTILE}}],
        "links": [{"trace_id": HOSTILE}],
        "attributes": {HOSTILE: HOSTILE, "list": [HOSTILE, {HOSTILE: None}]},
    }
    logged = {name: payload.pop(name) for name in ("input", "output", "tools")}
    by_logs = {**payload, "logged": [{"at": 0, "place": 0, "whole": True, **logged}]}
    payload |= logged
    assert set(payload) | {"dropped_attributes", "logged", "finish_reason_logged", "said"} == set(Payload.__slots__)
    steps = [
        make.span(trace_id=TRACE, kind=kind, status=status, tags=[HOSTILE], **fields, **payload)
        for kind in ("llm", "retrieval", "tool")
        for status in ("error", "ok")
    ]
    steps.append(make.span(trace_id=TRACE, kind="llm", tags=[HOSTILE], **fields, **by_logs))
    make.stored(project.pk, *steps)
    for step in steps:
        markup = read(span=step.span_id.hex())
        assert markup.inline == []
        assert not markup.all("img")
        assert markup.text.count(HOSTILE) > 30
        assert all(link.startswith(("/", "?", "#")) for link in markup.links)


def test_a_long_hostile_text_is_text_when_it_is_opened(project, member_client):
    make.stored(project.pk, call(input=[{"role": "user", "content": HOSTILE * 2_000}]))
    (fold,) = Markup(member_client.get(PAGE)).all("details", class_="fold", hx_trigger="toggle once")
    markup = Markup(member_client.get(fold["hx-get"]))
    assert markup.inline == []
    assert not markup.all("img")
    assert HOSTILE * 100 in markup.text


def test_input_of_any_shape_is_shown(project, read):
    shapes = [
        "text", 0, False, 17, 2.5, {}, {"a": None}, [], [1, "two", None], [[]], [{"role": "user"}], [{"role": None}],
        [{"role": "user", "content": 5}], [{"role": "user", "content": [None, 5, {}, [], {"type": None}]}],
        [{"role": "user", "content": {}, "tool_calls": "none", "reasoning": {"a": 1}}],
        [{"role": ["x"], "content": "odd", "tool_calls": [None, {}, {"name": 5, "arguments": None}]}],
        [{"role": "user", "content": [{"type": "image"}, {"type": "image", "data": 5}, {"type": "text"}]}],
        10**400, "\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace"), {"deep": [[[[[{}]]]]]},
    ]  # fmt: skip
    for shape in shapes:
        step = call(input=shape, output=shape, parsed_output=shape)
        make.stored(project.pk, step)
        read(span=step.span_id.hex())


def test_documents_tools_and_events_of_any_shape_are_shown(project, read):
    odd = [
        None,
        5,
        "text",
        [],
        {},
        {"text": None},
        {"text": {"a": 1}, "score": "high", "title": 5},
        {"function": {"name": 7}},
    ]
    step = call(
        documents=odd, tools=odd, events=[{}, {"name": 5, "attributes": [1]}], parameters={"a": [1, {"b": None}]}
    )
    make.stored(project.pk, step)
    read(span=step.span_id.hex())


def test_any_spelling_of_an_id_opens_the_page(project, read):
    make.stored(project.pk, span(name="the one"))
    for spelling in (TRACE.hex(), TRACE.hex().upper(), "abababab-abab-abab-abab-abababababab"):
        assert "the one" in read(f"/p/shop/traces/{spelling}").words


@pytest.mark.parametrize("path", ["none", "%00", "a/b/c", "..%2F..", "%FF", "x" * 3_000, "a%0Ab"])
def test_a_trace_that_there_is_not_is_404(project, member_client, path):
    for what in ("traces", "payload"):
        answer = member_client.get(f"/p/shop/{what}/{path}")
        assert answer.status_code == 404
        assert "<html" in answer.content.decode()


def test_a_trace_of_another_project_is_404(other_project, member_client, project):
    make.stored(other_project.pk, span(span_id=b"s" * 8, input="secret"))
    assert member_client.get(PAGE).status_code == 404
    fragment = f"/p/shop/payload/{TRACE.hex()}?span={(b's' * 8).hex()}&part=input"
    assert member_client.get(fragment).status_code == 404
    assert member_client.get(fragment.replace("shop", "bank")).status_code == 404


def test_the_request_id_leads_back_to_the_json(project, member_client, read):
    make.stored(project.pk, span(request_id="req-1", name="same"))
    told = json.loads(member_client.get("/api/v1/requests/req-1").content)
    assert told["spans"][0]["name"] == "same"
    assert told["trace_id"] in read().words


def test_a_request_id_that_everybody_sends_makes_no_page_slow(project, member_client):
    """Such as "None" or "test"."""
    make.stored(
        project.pk, *(make.call(request_id="None", input="x" * 100) for _ in range(300)), span(request_id="None")
    )
    answer = member_client.get(PAGE)
    others = [link for link in Markup(answer).links if link.startswith("/p/shop/traces/")]
    assert len(others) == len(set(others)) == 10
    assert PAGE not in others
    assert "and older ones" in Markup(answer).words
    assert len(answer.content) < 60_000


def test_queries_do_not_grow_with_the_spans(project, member_client):
    root = span(request_id="r")
    make.stored(project.pk, root)
    counts = []
    for size in (1, 200):
        make.stored(project.pk, *(call(parent_id=root.span_id) for _ in range(size)))
        with CaptureQueriesContext(connection) as queries:
            assert member_client.get(PAGE).status_code == 200
        counts.append(len(queries))
    # session, user, projects; summary; spans, what is usual of a sample, the request's traces; what is usual of all, as
    # the sample holds too little; payloads, scores, what was refused; open incidents, cases
    assert counts == [13, 13]
