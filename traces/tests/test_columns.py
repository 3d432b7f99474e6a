"""The columns of the list of traces: what an address may ask for, and what stands in them."""

from urllib.parse import quote

import pytest

from tests import make
from tests.markup import HOSTILE, Markup
from traces import scores
from traces.columns import COLUMNS, MOST, MOST_METADATA, NARROWEST, PREVIEW_WIDTH, USUAL, WIDEST, layout_of, moved
from traces.search.index import index_marked
from traces.wire.scores import Score

PAGE = "/p/shop/traces"
KEYS = [one.key for one in USUAL]
USER_WIDTH = COLUMNS["user"].width


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ("", KEYS),
        ("nothing,of,this", KEYS),
        ("\0,%,:,::,time:", ["time", "asked"]),
        ("time,outcome", ["time", "outcome", "asked"]),
        ("cost,time", ["cost", "asked", "time"]),
        ("cost,feature", ["asked", "cost", "feature"]),
        ("feature,asked", ["feature", "asked"]),
        ("asked,asked,asked", ["asked"]),
        ("asked,metadata.order_id", ["asked", "metadata.order_id"]),
        ("asked,metadata.a%2Cb%3Ac", ["asked", "metadata.a,b:c"]),
        ("asked,metadata.,metadata.%00,metadata." + "x" * 101, ["asked"]),
    ],
)
def test_an_address_names_columns_and_what_is_none_is_left_out(words, keys):
    assert [one.key for one in layout_of(words, "").columns] == keys


def test_there_is_an_end_to_columns_and_to_keys_of_metadata():
    assert len(layout_of(",".join([*COLUMNS, *(f"metadata.k{n}" for n in range(99))]), "").columns) <= MOST + 1
    named = layout_of(",".join(f"metadata.k{n}" for n in range(99)), "")
    assert len(named.metadata_keys) == MOST_METADATA


@pytest.mark.parametrize(
    ("said", "width"),
    [
        ("120", 120),
        ("1", NARROWEST),
        ("99999", WIDEST),
        ("999999", USER_WIDTH),
        ("-5", USER_WIDTH),
        ("x", USER_WIDTH),
        ("", USER_WIDTH),
        ("٣", USER_WIDTH),
    ],
)
def test_a_width_is_within_limits(said, width):
    assert layout_of(f"user:{said}", "").columns[1].width == width


@pytest.mark.parametrize("words", ["time,asked:400,user", "asked,metadata.a%2Cb%3Ac:90", "cost,asked,time:60", "asked"])
def test_a_layout_is_said_as_it_was_asked_for(words):
    assert layout_of(words, "").words == layout_of(layout_of(words, "").words, "").words == words


def test_the_usual_columns_need_no_words():
    assert layout_of(",".join(KEYS), "").words == layout_of("", "").words == ""


@pytest.mark.parametrize(
    ("said", "density"), [("compact", "compact"), ("roomy", "roomy"), ("", "normal"), ("x", "normal")]
)
def test_a_density_is_one_of_three(said, density):
    assert layout_of("", said).density == layout_of("asked", said).density == density


@pytest.mark.parametrize(
    ("key", "by", "order"),
    [
        ("time", 1, "asked,time,cost"),
        ("cost", -1, "time,cost,asked"),
        ("time", -1, "time,asked,cost"),
        ("cost", 9, "time,asked,cost"),
        ("none", 1, "time,asked,cost"),
    ],
)
def test_a_column_moves_by_places_and_stops_at_the_ends(key, by, order):
    assert moved(layout_of("time,asked,cost", ""), key, by).words == order


@pytest.fixture
def read(member_client):
    def _read(**query):
        answer = member_client.get(PAGE, query)
        assert answer.status_code == 200
        return Markup(answer)

    return _read


def heads(markup):
    return [one["data-column"] for one in markup.all("col") if "data-column" in one]


def test_the_list_has_the_columns_and_the_density_of_its_address(project, read):
    make.stored(project.pk, *make.trace(request_id="req-1", release="2026.11", environment="prod", input="Where?"))
    markup = read(columns="request,asked,release,environment:90", density="compact")
    assert heads(markup) == ["request", "asked", "release", "environment"]
    assert [one.get("width") for one in markup.all("col")] == ["144", None, "120", "90", str(PREVIEW_WIDTH)]
    assert markup.all("table", width=str(144 + 240 + 120 + 90 + PREVIEW_WIDTH))
    assert "trace-table--compact" in markup.all("table")[0]["class"]
    for said in ("req-1", "Where?", "2026.11", "prod"):
        assert said in markup.words


def test_an_order_and_a_period_keep_the_columns(project, read):
    make.stored(project.pk, *make.trace())
    markup = read(columns="asked,cost", density="roomy", view="7")
    kept = [link for link in markup.links if "columns=asked%2Ccost&density=roomy&view=7" in link]
    assert any("sort=cost" in link for link in kept)
    assert any("period=7d" in link for link in kept)


def test_further_columns_say_what_spans_scores_and_metadata_tell(project, read):
    root, call = make.trace(tags=["vip", "eu"], attributes={"metadata.order_id": "NW-77", "metadata.a,b": "c"})
    call.provider, call.failure, call.retries, call.time_to_first_token_us = "openai", "timeout", 2, 350_000
    make.stored(project.pk, root, call)
    given = Score(0, b"s" * 16, "helpful", "numeric", number=0.5, source="code", trace_id=root.trace_id)
    scores.write(project.pk, [given], make.now())
    index_marked()
    said = read(columns="asked,provider,failure,retries,first_token,tags,scores,metadata.order_id,metadata.a%2Cb").words
    for words in ("openai", "timeout", "2", "350 ms", "vip, eu", "helpful 0.5", "nw-77", "c"):
        assert words in said, words


def test_a_feature_or_the_service_in_its_place_leads_to_its_page(project, read):
    make.stored(project.pk, *make.trace(feature="refund / return"), *make.trace(service="shop-api"))
    markup = read(columns="asked,feature")
    links = [one["href"] for one in markup.all("a", class_="cut")]
    assert sorted(links) == ["/p/shop/features/refund%20%2F%20return", "/p/shop/features/shop-api"]


def test_what_a_column_does_not_know_is_said(project, read):
    make.stored(project.pk, make.span())
    words = read(columns="asked,provider,failure,first_token,tags,scores,user,request,metadata.order_id").words
    for said in ("no calls", "none", "not sent"):
        assert said in words


def test_hostile_values_are_text_in_every_column(project, read):
    texts = ("provider", "failure", "release", "environment", "request_id", "session_id", "user_id")
    fields = dict.fromkeys(texts, HOSTILE)
    make.stored(project.pk, make.call(**fields, tags=[HOSTILE], attributes={f"metadata.{HOSTILE[:60]}": HOSTILE}))
    index_marked()
    key = f"metadata.{quote(HOSTILE[:60], safe='')}"
    markup = read(columns=",".join([*[one for one in COLUMNS if one not in KEYS[3:8]], key]))
    assert markup.inline == []
    assert not markup.all("img")
    assert HOSTILE in markup.text


@pytest.mark.parametrize("columns", ["a" * 20_000, "\0", "asked:" + "9" * 5_000, "," * 3_000, "metadata.%ff", "٣"])
def test_columns_that_nobody_named_break_nothing(project, read, columns):
    make.stored(project.pk, *make.trace())
    assert "asked" in heads(read(columns=columns, density=columns, view=columns))
