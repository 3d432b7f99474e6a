"""The list of traces: query line, order, period, further pages."""

from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.markup import HOSTILE, Markup
from traces.search.index import index_marked

PAGE = "/p/shop/traces"


@pytest.fixture
def read(member_client):
    """The list as a parser sees it, with these parameters."""

    def _read(address=PAGE, headers=None, **query):
        answer = member_client.get(address, query, headers=headers or {})
        assert answer.status_code == 200
        return Markup(answer)

    return _read


def named(markup):
    """The names of the traces in the list, in order."""
    rows = markup.text.partition("Cost")[2]
    return [word for word in rows.split() if word.startswith("trace-")]


def store(project, number, **fields):
    make.stored(
        project.pk, make.span(name=f"trace-{number}", started_at=make.now() - timedelta(minutes=number), **fields)
    )


def test_the_newest_come_first(project, read):
    for number in (3, 1, 2):
        store(project, number)
    assert named(read()) == ["trace-1", "trace-2", "trace-3"]


def test_a_row_says_how_it_went_what_was_asked_and_what_it_cost(project, read):
    make.stored(project.pk, *make.trace(request_id="r", user_id="anna", feature="faq", input="Where is my parcel?"))
    words = read().words
    for said in ("Answered", "Where is my parcel?", "faq", "anna", "gpt-4o-mini", "100 / 20", "1.2 s"):
        assert said in words, said
    assert "1 trace in the last 24 hours, newest first" in words


@pytest.mark.parametrize(
    ("spans", "word"),
    [
        ([{"status": "error"}], "No answer"),
        ([{}, {"status": "error", "parent_id": b"p" * 8}], "A step failed"),
        ([{"fallback": "other_model"}], "Fallback"),
        ([{"retries": 1}], "2nd try"),
        ([{"parent_id": b"p" * 8}], "Not finished"),
        ([{"ended": False}], "Not finished"),
        ([{}], "Answered"),
    ],
)
def test_the_outcome_in_a_word(project, read, spans, word):
    make.stored(project.pk, *(make.span(trace_id=b"t" * 16, **fields) for fields in spans))
    assert word in read().words


def test_what_is_unknown_is_said_to_be(project, read):
    make.stored(project.pk, make.span(kind="llm", duration_us=None, ended=False))
    words = read().words
    for said in ("not ended", "not sent", "unknown"):
        assert said in words


def test_the_period_is_chosen_by_links(project, read):
    store(project, 30)
    store(project, 3 * 60)
    store(project, 3 * 24 * 60)
    assert named(read(period="1h")) == ["trace-30"]
    assert len(named(read())) == 2
    assert len(named(read(period="7d"))) == 3
    links = {link for link in read().links if link.startswith("?period=")}
    assert links == {f"?period={word}" for word in ("1h", "6h", "24h", "7d", "30d")}


def test_a_stretch_may_be_named(project, read):
    for number in (10, 20, 30):
        store(project, number)
    start, end = (make.now() - timedelta(minutes=minutes) for minutes in (25, 15))
    markup = read(**{"from": start.isoformat(), "to": end.isoformat()})
    assert named(markup) == ["trace-20"]
    assert "in the chosen stretch" in markup.words


@pytest.mark.parametrize(
    "query",
    [
        {"period": "never"},
        {"from": "x", "to": "y"},
        {"from": "2026-11-21T00:00:00Z", "to": "2026-11-20T00:00:00Z"},
        {"from": "1000-01-01", "to": "2026-01-01"},
        {"period": "\x00"},
    ],
)
def test_a_period_that_cannot_be_read_is_the_last_24_hours(project, read, query):
    store(project, 5)
    markup = read(**query)
    assert named(markup) == ["trace-5"]
    assert "in the last 24 hours" in markup.words


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"session_id": "s-1"}, [1]),
        ({"user_id": "anna"}, [2]),
        ({"feature": "faq"}, [3]),
        ({"feature": "shop-api"}, [4]),
        ({"model": "gpt-4o-mini"}, [5]),
        ({"failed": "1"}, [6]),
        ({"user_id": "anna", "failed": "1"}, []),
        ({"user_id": "nobody"}, []),
        ({"user_id": "' OR 1=1 --"}, []),
        ({"user_id": "%"}, []),
        ({"user_id": "x" * 5_000}, []),
    ],
)
def test_filters_narrow_the_list(project, read, query, numbers):
    fields = [{"session_id": "s-1"}, {"user_id": "anna"}, {"feature": "faq"}, {"service": "shop-api"}]
    fields += [
        {"kind": "llm", "model_requested": "gpt-4o-mini", "model": "gpt-4o-mini-2024-07-18"},
        {"status": "error"},
    ]
    for number, one in enumerate(fields, 1):
        store(project, number, **one)
    index_marked()
    assert named(read(**query)) == [f"trace-{number}" for number in numbers]


def test_a_condition_can_be_taken_away_and_stays_when_the_period_changes(project, read):
    store(project, 1, user_id="anna&b=c", session_id="s")
    markup = read(q="user:anna&b=c session:s")
    (removing,) = [tag["href"] for tag in markup.all("a", aria_label="Remove session:s")]
    assert parse_qs(urlsplit(removing).query)["q"] == ["user:anna&b=c"]
    periods = [parse_qs(link[1:]) for link in markup.links if link.startswith("?period=")]
    assert [one["q"] for one in periods] == [["user:anna&b=c session:s"]] * 5


def test_the_filters_of_older_addresses_become_conditions(project, read):
    markup = read(q="tag:vip", user_id="a b", failed="1", add="words")
    (line,) = [tag["value"] for tag in markup.all("input", type="hidden", name="q")]
    assert line == 'tag:vip user:"a b" has:error words'


def test_a_line_that_cannot_be_read_stays_in_the_field_with_its_mistake_marked(project, read):
    store(project, 1)
    markup = read(q="feature:faq latency:>2x")
    assert '"2x" at character 22 is not a time; write 2s, 250ms or 1.5m.' in markup.words
    (field,) = markup.all("input", id="query")
    assert (field["value"], field["aria-invalid"], field["name"]) == ("feature:faq latency:>2x", "true", "q")
    assert markup.all("mark")
    assert named(markup) == []


def test_what_is_typed_is_added_to_the_line(project, read):
    markup = read(q="feature:faq", add='-"a b" *part*')
    assert [chip["data-chip"] for chip in markup.all("span", class_="chip")] == ["feature:faq", '-"a b"', "*part*"]
    (field,) = markup.all("input", id="query")
    assert (field["value"], field["name"]) == ("", "add")


def test_columns_sort_by_links_and_say_how(project, read):
    for number, duration_us in ((1, 3_000_000), (2, 9_000_000), (3, None), (4, 1_000_000)):
        store(project, number, duration_us=duration_us, ended=duration_us is not None)
    index_marked()
    markup = read(sort="latency")
    assert named(markup) == ["trace-2", "trace-1", "trace-4", "trace-3"]
    assert "slowest first" in markup.words
    assert [head["aria-sort"] for head in markup.all("th") if "aria-sort" in head] == ["descending"]
    turned = next(link for link in markup.links if "sort=-latency" in link)
    assert named(read(turned)) == ["trace-4", "trace-1", "trace-2", "trace-3"]


@pytest.mark.parametrize("sort", ["time", "-time", "latency", "-cost", "tokens"])
def test_every_order_has_pages(project, read, sort):
    at = make.now() - timedelta(minutes=30)
    make.stored(
        project.pk,
        *(
            make.call(
                name=f"trace-{n:03}", started_at=at + timedelta(seconds=n), duration_us=n // 2, output_tokens=n // 3
            )
            for n in range(70)
        ),
    )
    index_marked()
    first = read(q="name:trace-*", sort=sort)
    second = read(first.all("a", rel="next")[0]["href"])
    assert sorted(named(first) + named(second)) == [f"trace-{n:03}" for n in range(70)]
    assert "From the start" in second.words


def test_found_text_is_shown_with_the_words_marked(project, read):
    make.stored(project.pk, make.call(output="We have sent the **parcel** to you", input="Hello"))
    index_marked()
    markup = read(q="PARCEL")
    assert "sent the **parcel** to you" in markup.text
    assert len(markup.all("mark")) == 1


def test_found_text_is_text_too(project, read):
    make.stored(project.pk, make.call(output=f"needle {HOSTILE}"))
    index_marked()
    markup = read(q="needle")
    assert not markup.all("img")
    assert markup.inline == []
    assert "<script>alert(1)" in markup.text


def test_a_row_opens_its_trace_with_the_found_step_and_knows_its_list(project, read):
    root = make.span(name="trace-1")
    hit = make.call(trace_id=root.trace_id, parent_id=root.span_id, output="needle")
    make.stored(project.pk, root, hit)
    index_marked()
    (link,) = [link for link in read(q="needle", period="7d").links if link.startswith(PAGE + "/")]
    query = parse_qs(urlsplit(link).query)
    assert query == {"span": [hit.span_id.hex()], "list": ["q=needle&period=7d"]}


def test_the_page_says_how_far_the_index_is_when_it_is_behind(project, read, time_machine):
    store(project, 1)
    index_marked()
    store(project, 2)
    assert "Searched up to" not in read(q="name:trace-1").words
    time_machine.move_to(make.now() + timedelta(minutes=1))
    assert "Searched up to" in read(q="name:trace-1").words
    assert "Searched up to" not in read().words  # the list without conditions needs no index


def test_nothing_in_the_period_says_what_to_do(project, read):
    store(project, 3 * 24 * 60)
    assert "Choose a longer period." in read().words


def test_nothing_found_says_what_was_searched_and_offers_ways_out(project, read):
    store(project, 1, feature="faq")
    markup = read(q="feature:faq model:none")
    assert "fulfils all of this" in markup.words
    assert "Searched all fields, and the text of every input and output" in markup.words
    for way in ("without feature:faq", "without model:none", "all traces"):
        assert way in markup.words


def test_older_pages_follow_one_another_without_a_gap_or_a_repetition(project, read):
    at = make.now() - timedelta(minutes=30)
    make.stored(
        project.pk,
        *(make.span(name=f"trace-{n:03}", user_id="u", started_at=at + timedelta(seconds=n // 3)) for n in range(120)),
    )
    seen, address = [], f"{PAGE}?{urlencode({'user_id': 'u', 'period': '6h'})}"
    index_marked()
    for size in (50, 50, 20):
        markup = read(address)
        assert len(named(markup)) == size
        seen += named(markup)
        address = next((link["href"] for link in markup.all("a", rel="next")), None)
    assert address is None
    assert sorted(seen) == [f"trace-{n:03}" for n in range(120)]
    assert len(seen) == len(set(seen))


def test_a_page_that_is_full_to_the_row_has_no_older_one(project, read):
    make.stored(project.pk, *(make.span(name=f"trace-{n}") for n in range(50)))
    markup = read()
    assert len(named(markup)) == 50
    assert not markup.all("a", rel="next")


@pytest.mark.parametrize(
    "after", ["", "~", "yesterday", "2026-11-21~", "9999-12-31T00:00:00+00:00~zz", "2026~\x00", "NaN~00"]
)
@pytest.mark.parametrize("sort", ["time", "-cost", "tokens"])
def test_a_page_that_nobody_linked_breaks_nothing(project, read, sort, after):
    store(project, 5)
    index_marked()
    read(sort=sort, after=after)


def test_htmx_gets_only_the_rows(project, read, member_client):
    make.stored(project.pk, *(make.span(name=f"trace-{n}") for n in range(60)))
    older = read().all("a", rel="next")[0]["hx-get"]
    content = member_client.get(older, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in content
    assert content.lstrip().startswith("<section")
    assert 'id="trace-rows"' in content


def test_a_trace_whose_root_never_came_is_listed(project, read):
    store(project, 1, parent_id=b"p" * 8)
    assert named(read()) == ["trace-1"]


def test_another_project_stays_out_of_it(project, other_project, read):
    store(other_project, 1)
    store(project, 2)
    assert named(read()) == ["trace-2"]


def test_hostile_fields_are_text(project, read):
    fields = dict.fromkeys(("name", "user_id", "session_id", "feature", "prompt_name", "prompt_version"), HOSTILE)
    make.stored(
        project.pk, make.call(**fields, model=HOSTILE, model_requested=HOSTILE, input=HOSTILE, trace_text=HOSTILE)
    )
    for markup in (read(), read(user_id=HOSTILE, session_id=HOSTILE, model=HOSTILE)):
        assert markup.inline == []
        assert not markup.all("img")
        assert HOSTILE in markup.text


def test_every_row_leads_to_a_page_whatever_its_id_is(project, read, client, ingest_key, member_client):
    for an_id in ("a/b", "..", "a?b#c", "100%", "x y", "请求", "<b>", "a\nb", "-"):
        record = {"trace_id": an_id, "span_id": f"{an_id}!", "name": f"trace-{ord(an_id[0])}", "output": an_id}
        assert (
            client.post("/api/v1/traces", record, "application/json", headers={"x-api-key": ingest_key}).status_code
            == 200
        )
    links = [link for link in read().links if link.startswith(PAGE + "/")]
    assert len(links) == 9
    for link in links:
        page = member_client.get(link)
        assert page.status_code == 200
        steps = [one["hx-get"] for one in Markup(page).all("a", data_row="step")]
        assert member_client.get(link + steps[0], headers={"HX-Request": "true"}).status_code == 200


@pytest.mark.parametrize(
    ("query", "pinned"),
    # Session, user, project with role and menu, what the member chose, views, what came last, traces, their days, rows;
    # open incidents of the frame. With conditions: the days of the index, one statement in a transaction with its
    # settings (4), the texts that were found with their days, and how far the index is.
    [({}, 10), ({"q": "user:u said", "period": "1h"}, None)],
)
def test_queries_do_not_grow_with_the_rows(project, member_client, query, pinned):
    make.stored(project.pk, make.span())
    member_client.get(PAGE)  # what is usual for a feature is read once in five minutes
    counts = []
    for size in (1, 29):
        for _ in range(size):
            make.stored(project.pk, *make.trace(user_id="u", output="What was said"))
        index_marked()
        with CaptureQueriesContext(connection) as queries:
            assert member_client.get(PAGE, query).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] == (pinned or counts[0])
    assert counts[0] <= 18
