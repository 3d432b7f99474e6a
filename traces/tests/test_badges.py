"""What is known of a record: each badge with what it means, and when it is not shown."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from tests import make
from tests.markup import Markup
from traces.badges import Cuts, Refused, badges
from traces.queries.cuts import cuts_in
from traces.tests.told import BEGAN, call, step, trace

PAGE = "/p/shop/traces/"


def marks(*spans, cuts=None, refused=()):
    return badges(spans, trace(*spans).notes, cuts or Cuts(), refused)


def shown(*spans):
    return {one.text: one.meaning.replace("\u00a0", " ") for one in marks(*spans)}


@pytest.mark.parametrize(
    ("spans", "text", "meaning"),
    [
        ([step(2, 1)], "Root missing", "The first step has not arrived: it may still run, or its sender lost it."),
        ([step(1), step(3, 2), step(4, 2)], "Parent missing", "2 steps name a parent that has not arrived."),
        ([step(1, ended=False, duration_us=None)], "Still open", "1 step has not ended, as far as its sender told."),
        (
            [step(1), step(2, 1, at_ms=-320)],
            "Clock skew",
            "A step begins 320 ms before the step that called it: the clocks of two machines differ.",
        ),
        (
            [step(1), step(2, 1, at_ms=100, duration_us=2_400_000)],
            "Clock skew",
            "A step ends 2 s after the step that called it: it went on alone, or a clock is off.",
        ),
        (
            [step(1, arrived=timedelta(seconds=-30))],
            "Clock ahead",
            "The sender's clock is at least 30 s ahead of ours: steps came before they ended.",
        ),
        ([step(1, duration_us=-5_000_000)], "Clock is off", "1 step ends before it starts: a clock is off."),
        (
            [step(1, started_at=datetime(1970, 1, 1, tzinfo=UTC))],
            "Start not believed",
            "1 step was sent with a start that cannot be; it is shown at the moment when it came in.",
        ),
        ([step(1, started_at=None)], "Start not sent", "1 step was sent without a start."),
        (
            [step(1, arrived=timedelta(hours=3))],
            "Received late",
            "It came in up to 3 h after it ended: until then, charts and rules were without it.",
        ),
        ([call(1)], "Price unknown", "1 call has no known price; the cost is a lower limit."),
        ([step(1, retries=2)], "2 retries", "A step was done again, as a try was no good."),
        (
            [step(1, fallback="cached")],
            "Fallback: cached",
            "No new answer came; one that was kept from before was given.",
        ),
        ([step(1, cache_hit=True)], "From a cache", "A step took its answer from a cache instead of asking again."),
    ],
)
def test_a_badge_says_what_it_means_in_one_sentence(spans, text, meaning):
    assert shown(*spans)[text] == meaning


@pytest.mark.parametrize(
    "spans",
    [
        pytest.param([step(1), step(2, 1, at_ms=10, duration_us=400_000)], id="well"),
        pytest.param([step(1), step(2, 1, at_ms=-40)], id="clocks that differ as clocks do"),
        pytest.param([step(1), step(2, 1, at_ms=400, duration_us=900_000)], id="a little background work"),
        pytest.param([step(1), step(2, 1, at_ms=-250)], id="starts in whole seconds"),
        pytest.param([step(1), step(2, 1, at_ms=-9_000, start_assumed=True)], id="a start that we assumed"),
        pytest.param([step(1, arrived=timedelta(minutes=59))], id="an exporter's queue"),
        pytest.param([step(1, arrived=timedelta(seconds=-1))], id="a clock a second ahead"),
    ],
)
def test_what_is_as_usual_has_no_badge(spans):
    assert BEGAN.microsecond == 250_000
    assert shown(*spans) == {}


@pytest.mark.parametrize(
    ("payload", "cuts"),
    [
        ({"dropped_attributes": 3}, Cuts(1, attributes=3)),
        ({"attributes": {"otel.dropped_events_count": 2, "otel.dropped_links_count": "4"}}, Cuts(1, 0, 2, 4)),
        ({"attributes": {"otel.dropped_events_count": "many"}}, Cuts()),
        ({"input": "A long question…[truncated]"}, Cuts(1, texts=1)),
        ({"input": {"a": "x ... [truncated, 3412 more]", "b": "y <truncated>"}}, Cuts(1, texts=2)),
        ({"output": '{"json": "inside (truncated)"}'}, Cuts(1, texts=1)),
        ({"input": "Why does it say [truncated] here?"}, Cuts()),
        ({"input": "hello", "attributes": {"dropped_attributes": 9}}, Cuts()),
        ({}, Cuts()),
    ],
)
def test_what_a_client_cut_is_seen_in_the_payload(payload, cuts):
    assert cuts_in(orjson.dumps(payload)) == cuts


def test_what_was_cut_and_refused_is_counted_in_words():
    cuts = Cuts(steps=2, attributes=3, texts=1)
    refused = [Refused("/p/shop/inbox/7", "spans[3]: …", 1)]
    by_text = {one.text: one for one in marks(step(1), cuts=cuts, refused=refused)}
    truncated, refusal = by_text["Truncated by the client"], by_text["Refused parts"]
    assert truncated.meaning == (
        "The sender left out 3 attributes, 1 end of a text in 2 steps: its own limits are set so."
    )
    assert refusal.meaning == "1 request that names this trace was refused in part: what it held may be missing here."
    assert refusal.url == "/p/shop/inbox/7"
    assert truncated.is_gap
    assert refusal.is_gap


def test_the_page_says_what_was_cut(project, member_client):
    root = make.span(dropped_attributes=2, input="long…[truncated]", attributes={"otel.dropped_links_count": 1})
    make.stored(project.pk, root)
    words = Markup(member_client.get(f"{PAGE}{root.trace_id.hex()}")).words
    assert "The sender left out 2 attributes, 1 link, 1 end of a text in 1 step" in words


def test_a_refused_part_of_a_trace_leads_to_the_inbox(project, ingest_key, client, member_client, other_project):
    body = [
        {"trace_id": "order-7781", "name": "answer", "input": "Where?"},
        {"trace_id": "order-7781", "name": "look-up", "input_tokens": "many"},
    ]
    sent = {"content_type": "application/json", "headers": {"Authorization": f"Bearer {ingest_key}"}}
    assert client.post("/api/v1/traces", orjson.dumps(body), **sent).status_code == 207
    assert (
        client.post("/api/v1/traces", orjson.dumps([{"trace_id": "order-9", "name": "a"}]), **sent).status_code == 200
    )
    page = Markup(member_client.get(f"{PAGE}order-7781"))
    assert "1 request that names this trace was refused in part" in page.words
    assert any(link.startswith("/p/shop/inbox/") for link in page.links)
    assert "refused" not in Markup(member_client.get(f"{PAGE}order-9")).words
