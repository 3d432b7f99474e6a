"""The views of the trace page: steps in pieces, conversation, calls, JSON; what can be copied and downloaded."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.markup import HOSTILE, Markup
from traces import critical, whole
from traces.model_call_rows import call_rows
from traces.queries.traces import trace_of

TRACE = b"\xab" * 16
PAGE = f"/p/shop/traces/{TRACE.hex()}"
DOWNLOAD = f"/p/shop/download/{TRACE.hex()}"


@pytest.fixture
def read(member_client):
    """A page as a parser sees it, with these parameters."""

    def _read(**query):
        answer = member_client.get(PAGE, query)
        assert answer.status_code == 200
        return Markup(answer)

    return _read


def span(**fields):
    return make.span(trace_id=TRACE, **fields)


def call(**fields):
    return make.call(trace_id=TRACE, **fields)


def timed(begin, *bars):
    """A root of 100 ms and spans below it: (id, parent, start and end in ms)."""
    root = span(span_id=b"r" * 8, name="root", started_at=begin, duration_us=100_000)
    return [
        root,
        *(
            span(span_id=one * 8, name=one.decode(), parent_id=parent * 8, duration_us=(end - start) * 1_000,
                 started_at=begin + timedelta(milliseconds=start))
            for one, parent, start, end in bars
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("bars", "path", "covered_ms"),
    [
        ([(b"a", b"r", 0, 40), (b"b", b"r", 40, 100)], "rab", 100),
        ([(b"a", b"r", 0, 90), (b"b", b"r", 10, 100)], "rb", 90),  # at the same time: what ended last
        ([(b"a", b"r", 0, 30), (b"b", b"r", 0, 60), (b"c", b"r", 70, 95)], "rbc", 85),
        ([(b"a", b"r", 0, 50), (b"b", b"a", 10, 20), (b"c", b"a", 20, 50), (b"d", b"r", 50, 100)], "rabcd", 90),
        ([(b"a", b"r", 0, 500)], "ra", 500),  # ends after its parent
        ([], "r", 100),
    ],
)
def test_the_critical_path_is_what_the_end_waited_for(project, bars, path, covered_ms):
    make.stored(project.pk, *timed(make.now(), *bars))
    nodes = trace_of(project.pk, TRACE.hex()).nodes
    scale = critical.scale_of([node.span for node in nodes])
    chain = critical.chain_of(nodes, scale, critical.children_of(nodes))
    names = sorted({nodes[place].span.span_id[:1].decode() for place in chain.places})
    assert names == sorted(path)
    assert chain.covered_us == covered_ms * 1_000


def test_what_bars_show_is_said_in_words_too(project, read):
    begin = make.now()
    root, first, beside, second = timed(begin, (b"a", b"r", 0, 20), (b"c", b"r", 0, 15), (b"b", b"r", 60, 100))
    second.time_to_first_token_us = 10_000
    second.kind = "llm"
    make.stored(project.pk, root, first, beside, second)
    markup = read()
    for said in (
        "begins first, on the critical path, 40 ms of it in no step",
        "begins after 60 ms, first token after 10 ms, on the critical path",
        "Critical path: 3 of 4 steps, 60 ms of 100 ms; in the other 40 ms no step ran.",
    ):
        assert said in markup.words, said
    gaps = markup.all("rect", class_="step__gap")
    assert [(gap["x"], gap["width"]) for gap in gaps] == [("20.00%", "40.00%")]
    assert not markup.all("div", class_="steps steps--path")
    alone = read(path="critical")
    assert alone.all("div", class_="steps steps--path")
    assert all("path=critical" in row["href"] for row in alone.all("a", data_row="step"))


@pytest.fixture
def large(project):
    """1,200 steps below a root; the last of them failed."""
    root = span(name="root", span_id=b"r" * 8)
    below = [
        call(name=f"step {n}", span_id=(n + 1).to_bytes(8, "big"), parent_id=root.span_id, input="x" * 500,
             started_at=root.started_at + timedelta(milliseconds=n), duration_us=500)
        for n in range(1_200)
    ]  # fmt: skip
    below[-1].status, below[-1].failure = "error", "timeout"
    make.stored(project.pk, root, *below)
    return below


def names(markup):
    return [row["href"] for row in markup.all("a", data_row="step")]


def test_a_path_of_all_steps_is_not_marked(project, read):
    make.stored(project.pk, *timed(make.now(), (b"a", b"r", 0, 50), (b"b", b"r", 50, 100)))
    markup = read()
    assert "Critical path: all 3 steps, 100 ms of 100 ms." in markup.words
    assert not markup.all("rect", class_="step__path")


NOTE = "no JSON at the start of the answer, no"


@pytest.mark.parametrize(
    ("start", "end", "place", "text"),
    [
        (0, 1, "step__note", NOTE),
        (98, 99, "step__note step__note--before", NOTE),
        (50, 52, "step__note step__note--before", NOTE[:20] + "…"),
        (10, 95, None, None),
    ],
)
def test_a_note_stands_where_there_is_room_for_it(project, read, start, end, place, text):
    *steps, last = timed(make.now(), (b"a", b"r", start, end))
    last.status, last.status_message = "error", NOTE
    make.stored(project.pk, *steps, last)
    markup = read()
    notes = [have["class"] for have in markup.all("text") if "step__note" in have.get("class", "")]
    assert notes == ([place] if place else [])
    assert text is None or text in markup.words


def test_a_large_trace_comes_in_pieces_its_failures_first(read, large, member_client):
    markup = read()
    rows = names(markup)
    assert len(rows) == 501  # the failed one stands above the first 500
    assert rows[0] == f"?span={large[-1].span_id.hex()}#step"
    assert "Failed further on" in markup.words
    assert "701 more steps" in markup.words
    seen, address = rows[1:], markup.all("a", data_row="more")[0]["hx-get"]
    while address:
        answer = member_client.get(PAGE + address, headers={"HX-Request": "true"})
        assert "<html" not in answer.content.decode()
        piece = Markup(answer)
        seen += names(piece)
        address = next((more["hx-get"] for more in piece.all("a", data_row="more")), None)
    assert len(seen) == len(set(seen)) == 1_201
    without_scripts = read(**{"from": "500"})
    assert len(names(without_scripts)) == 501
    assert "Earlier steps" in without_scripts.words


def test_a_step_far_down_opens_with_the_rows_around_it(read, large):
    markup = read(span=large[1_000].span_id.hex())
    (current,) = markup.all("a", aria_current="step")
    assert large[1_000].span_id.hex() in current["href"]
    assert "steps 1,001 to 1,201 of 1,201" in markup.words


@pytest.mark.parametrize("place", ["-1", "x", "9" * 30, "5000", "\u00b2", ""])
def test_a_place_that_there_is_not_breaks_no_view(read, large, place):
    for view in ("steps", "calls", "json"):
        read(view=view, **{"from": place})


def test_a_trace_of_32_000_spans_costs_as_many_queries_as_one_of_2(project, member_client, read):
    root = span(name="root")
    make.stored(project.pk, root, call(parent_id=root.span_id))
    counts, sizes = {}, {}
    for size in (2, 32_000):
        if size > 2:
            below = [call(parent_id=root.span_id, name=f"step {n}", input="x" * 200) for n in range(size - 2)]
            for first in range(0, len(below), 4_000):
                make.stored(project.pk, *below[first : first + 4_000])
        for view in ("steps", "conversation", "calls", "json"):
            with CaptureQueriesContext(connection) as queries:
                answer = member_client.get(PAGE, {"view": view})
            counts.setdefault(view, []).append(len(queries))
            sizes[view] = len(answer.content)
    assert all(many <= few for few, many in counts.values()), counts
    assert sizes["steps"] < 700_000
    assert max(sizes["conversation"], sizes["json"]) < 150_000
    assert sizes["calls"] < 350_000


def test_the_conversation_is_what_the_customer_wrote_and_read(project, read):
    root = span(kind="agent", input="Where is it?", output={"answer": "In Lyon."})
    history = [
        {"role": "system", "content": "SECRET INSTRUCTIONS"},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hello! What is it?", "reasoning": "HIDDEN THOUGHT"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "name": "find", "arguments": {}}]},
        {"role": "tool", "tool_call_id": "c", "content": "TOOL RESULT"},
        {"role": "user", "content": "DOCUMENTS ... Where is it?"},
    ]
    first = call(parent_id=root.span_id, input=history, output="UNREADABLE DRAFT", started_at=make.now())
    last = call(parent_id=root.span_id, input=history, output='{"answer": "In Lyon."}', started_at=make.now())
    make.stored(project.pk, root, first, last)
    talk = read(view="conversation").words.partition("What the customer wrote and read.")[2]
    places = [talk.index(said) for said in ("Hello", "Hello! What is it?", "Where is it?", "In Lyon.")]
    assert places == sorted(places)
    for hidden in ("SECRET", "HIDDEN", "TOOL RESULT", "DOCUMENTS ...", "UNREADABLE"):
        assert hidden not in talk, hidden


def test_an_answer_that_the_customer_did_not_get_is_not_in_the_conversation(project, read):
    root = span(input="Where is it?", output="In Ly", status="error", failure="timeout")
    make.stored(project.pk, root)
    talk = read(view="conversation").words.partition("What the customer wrote and read.")[2]
    assert "Where is it?" in talk
    assert "In Ly" not in talk
    assert "Answered after" not in talk


@pytest.mark.parametrize(
    "shape", [None, {}, [], 5, {"deep": [[{}]]}, [{"role": "user"}], [{"role": "x", "content": 5}]]
)
def test_a_trace_without_a_conversation_says_so(project, read, shape):
    make.stored(project.pk, span(input=shape, output=shape))
    assert "No conversation was sent" in read(view="conversation").words


def test_a_long_turn_is_folded_and_read_from_its_own_step(project, read, member_client):
    root = span(input={"question": "long " * 10_000}, output="short")
    make.stored(project.pk, root)
    (fold,) = read(view="conversation").all("details", class_="fold")
    answer = member_client.get(fold["hx-get"])
    assert answer.content.decode().count("long ") == 10_000


def test_calls_are_told_with_their_figures(project, read):
    root = span(kind="agent", input_tokens=999)
    asked = call(
        parent_id=root.span_id, name="ask", model_requested="gpt-4o", model="gpt-4o-2024-08-06", input_tokens=1_000,
        cache_read_tokens=640, output_tokens=20, cost_usd=Decimal("0.0123"), cost_source="sent", finish_reason="stop",
        time_to_first_token_us=300_000, retries=2, started_at=root.started_at + timedelta(milliseconds=200),
    )  # fmt: skip
    failed = call(parent_id=root.span_id, name="again", status="error", failure="timeout", input_tokens=None)
    make.stored(project.pk, root, asked, failed)
    words = read(view="calls").words.partition("Tries")[2]
    for said in (
        "ask", "gpt-4o", "gpt-4o-2024-08-06", "200 ms", "1.2 s", "300 ms", "1,000", "640 cached", "$0.0123", "stop",
        "again", "timeout", "not sent", "unknown", "2 calls", "at least $0.0123", "3 tries", "tries not sent",
    ):  # fmt: skip
        assert said in words, said
    assert "999" not in words


@pytest.mark.parametrize(
    ("attempt", "retries", "said"),
    [
        (None, None, None),
        (None, 0, "1 try"),
        (None, 2, "3 tries"),
        (1, None, "1st try"),
        (1, 2, "3 tries"),
        (2, None, "2nd try"),
        (2, 0, "2nd try"),
        (22, 1, "22nd try, 2 tries in it"),
    ],
)
def test_retries_and_places_among_tries_are_told_in_one_language(project, attempt, retries, said):
    make.stored(project.pk, call(attempt=attempt, retries=retries))
    (row,) = call_rows(trace_of(project.pk, TRACE.hex()), 0, "").rows
    assert row.tries == said


def test_a_trace_without_calls_says_so(project, read):
    make.stored(project.pk, span())
    assert "No model was called" in read(view="calls").words


def test_the_json_is_the_answer_of_the_api(project, member_client, read):
    root = span(request_id="req-1", input={"deep": [1, 2.5, None, "é"]})
    make.stored(project.pk, root, call(parent_id=root.span_id, attributes={"big": 10**30}))
    told = json.loads(member_client.get(f"/api/v1/traces/{TRACE.hex()}").content)
    shown = member_client.get(PAGE, {"view": "json"}).context["json_text"]
    file = member_client.get(DOWNLOAD)
    assert json.loads(shown) == json.loads(b"".join(file)) == told
    assert file.headers["Content-Disposition"] == f'attachment; filename="trace-{TRACE.hex()}.json"'
    assert file.headers["Content-Type"] == "application/json"


def test_the_json_shows_what_hides_or_turns(project, member_client):
    make.stored(project.pk, span(input="a\u202eb\x1b[31m"))
    shown = member_client.get(PAGE, {"view": "json"}).context["json_text"]
    assert "\u202e" not in shown
    assert "\\u202e" in shown


def test_the_json_of_a_large_trace_comes_span_by_span(project, member_client, read):
    steps = [call(input=f"{n} " + "x" * 2_100) for n in range(120)]
    make.stored(project.pk, *steps)
    markup = read(view="json")
    folds = [one["hx-get"] for one in markup.all("details", class_="fold") if "hx-get" in one]
    assert len(folds) == 100
    assert "x" * 2_000 not in markup.text
    one = Markup(member_client.get(folds[0]))
    assert '"input": "' in one.text
    assert len(read(view="json", **{"from": "100"}).all("details", class_="fold")) == 20


def test_the_whole_of_a_large_trace_is_read_in_short_pieces(project, member_client, monkeypatch):
    monkeypatch.setattr(whole, "_MOST_BYTES", 10_000)
    steps = [call(input="x" * 3_000) for _ in range(40)]
    make.stored(project.pk, *steps)
    with CaptureQueriesContext(connection) as queries:
        told = json.loads(b"".join(member_client.get(DOWNLOAD)))
    assert len(told["spans"]) == 40
    assert sum("traces_payload" in one["sql"] for one in queries) > 10


@pytest.mark.parametrize(("name", "word"), [("curl", "curl "), ("python", "OpenAI()"), ("body", '"messages"')])
def test_a_call_is_there_to_be_copied_and_downloaded(project, member_client, read, name, word):
    step = call(input=[{"role": "user", "content": "What? " + HOSTILE}], parameters={"temperature": 0.2})
    make.stored(project.pk, step)
    answer = member_client.get(PAGE, {"as": name})
    copy = answer.context["copy"]
    assert word in copy.text
    markup = Markup(answer)
    assert markup.inline == []
    assert " ".join(copy.text.split()) in markup.words
    file = member_client.get(f"/p/shop/reproduce/{TRACE.hex()}", {"span": step.span_id.hex(), "as": name})
    assert file.content.decode() == copy.text
    assert file.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert file.headers["Content-Disposition"].startswith('attachment; filename="call-')


def test_a_conversation_without_an_answer_says_so_in_words(project, read):
    make.stored(project.pk, span(input="Where is it?", status="error"))
    words = read(view="conversation").words
    assert "Where is it?" in words
    assert words.count("No answer") == 2  # in the head, and where the answer would stand
    assert "Piece(" not in words


def test_a_call_of_4_mb_opens_folded_and_is_copied_as_a_file(project, member_client):
    step = call(input=[{"role": "user", "content": "word " * 800_000}])
    make.stored(project.pk, step)
    sizes = {
        query: len(member_client.get(f"{PAGE}?{query}").content) for query in ("", "view=json", "view=conversation")
    }
    assert max(sizes.values()) < 40_000, sizes
    shown = member_client.get(PAGE, {"as": "curl"})
    assert len(shown.content) < 260_000
    assert "the file has all" in Markup(shown).words
    file = member_client.get(f"/p/shop/reproduce/{TRACE.hex()}", {"span": step.span_id.hex(), "as": "curl"})
    assert len(file.content) > 4_000_000


def test_what_is_no_call_offers_no_copy(project, member_client, read):
    step = span(kind="tool", input="x")
    make.stored(project.pk, step)
    assert "Open a model call to copy it" in read().words
    assert member_client.get(PAGE, {"as": "curl"}).context["copy"] is None
    for query in ({"span": step.span_id.hex(), "as": "curl"}, {"span": "none", "as": "curl"}, {}):
        assert member_client.get(f"/p/shop/reproduce/{TRACE.hex()}", query).status_code == 404


def test_a_step_brings_its_copies_along(project, member_client):
    step = call(input="What?")
    make.stored(project.pk, step)
    answer = member_client.get(PAGE, {"span": step.span_id.hex()}, headers={"HX-Request": "true"})
    (swapped,) = Markup(answer).all("div", id="trace-do")
    assert swapped["hx-swap-oob"] == "true"
    assert "as=curl" in answer.content.decode()


def test_a_name_of_a_file_holds_no_more_than_a_name(project, member_client):
    odd = '"; filename=x\r\nSet-Cookie: a=b/../é'
    make.stored(project.pk, span(trace_text=odd))
    header = member_client.get(DOWNLOAD).headers["Content-Disposition"]
    assert header == 'attachment; filename="trace-filename-x-Set-Cookie-a-b.json"'


@pytest.mark.parametrize("what", ["download", "reproduce", "span-json"])
def test_files_of_another_project_are_404(other_project, project, member_client, what):
    make.stored(other_project.pk, call(span_id=b"s" * 8, input="secret"))
    query = {"span": (b"s" * 8).hex(), "as": "curl"}
    for slug in ("shop", "bank"):
        assert member_client.get(f"/p/{slug}/{what}/{TRACE.hex()}", query).status_code == 404


def test_a_trace_knows_its_neighbours_in_the_list_that_it_was_opened_from(project, member_client):
    begin = make.now() - timedelta(minutes=5)
    keys = [bytes([number]) * 16 for number in (1, 2, 3)]
    for place, key in enumerate(keys):
        make.stored(project.pk, make.span(trace_id=key, started_at=begin + timedelta(seconds=place)))
    links = [have["href"] for have in Markup(member_client.get("/p/shop/traces")).all("a", class_="table__main")]
    assert [key.hex() in link for key, link in zip(reversed(keys), links, strict=True)] == [True] * 3
    markup = Markup(member_client.get(links[1]))
    (before,), (after,) = markup.all("a", data_key="ArrowLeft"), markup.all("a", data_key="ArrowRight")
    assert keys[2].hex() in before["href"]
    assert keys[0].hex() in after["href"]
    last = Markup(member_client.get(after["href"]))
    assert not last.all("a", data_key="ArrowRight")
    assert not Markup(member_client.get(f"/p/shop/traces/{keys[1].hex()}")).all("a", data_key="ArrowLeft")
