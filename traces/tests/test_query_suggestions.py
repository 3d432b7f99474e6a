"""What is suggested while a query is typed: fields, and the values that the project has sent."""

from datetime import timedelta

import pytest

from tests import make
from tests.markup import HOSTILE, Markup
from traces.rollups import rebuild_marked
from traces.search.grammar import parse
from traces.search.index import index_marked
from traces.search.suggest import MOST, suggestions

PAGE = "/p/shop/suggestions"
VALUES = {
    "feature": ["billing", "two words", "ends*"],
    "model": ["gpt-4o", "gpt-4o-mini"],
    "score.": ["helpful", "answer relevancy"],
    "env": ["prod"],
}


def texts(line, at=None):
    found = suggestions(line, len(line) if at is None else at, lambda field, beginning: VALUES.get(field, []))
    return [one.text for one in found]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("mo", ["model:"]),
        ("MO", ["model:"]),
        ("-fea", ["-feature:"]),
        ("sco", ["score."]),
        ("version", ["release:"]),
        ("model:", ["model:gpt-4o", "model:gpt-4o-mini"]),
        ("model:mini", ["model:gpt-4o-mini"]),
        ("-model:MINI", ["-model:gpt-4o-mini"]),
        ("x feature:two", ['feature:"two words"']),
        ('feature:"two w', ['feature:"two words"']),
        ("feature:ends", ['feature:"ends*"']),
        ("status:", ["status:ok", "status:error"]),
        ("failure:time", ["failure:timeout"]),
        ("latency:", ["latency:>1s", "latency:>5s", "latency:>30s", "latency:<500ms"]),
        ("score.", ["score.helpful:", 'score."answer relevancy":']),
        ("score.help", ["score.helpful:"]),
        ("score.helpful:", ["score.helpful:<0.5", "score.helpful:>=0.5"]),
        ("bil", ["feature:billing"]),
        ("prod", ["env:prod"]),
        ("nothing:", []),
        ("https://x", []),
        ('"in a phrase model:', []),
    ],
)
def test_what_may_be_meant(line, expected):
    assert texts(line) == expected


def test_without_a_word_the_fields_are_listed():
    assert texts("") == texts("model:x ")
    assert len(texts("")) == MOST
    assert "feature:" in texts("")


def test_a_suggestion_takes_the_place_of_the_word_around_the_cursor():
    (one,) = suggestions("a model:mi tail", 9, lambda field, beginning: VALUES.get(field, []))
    assert (one.start, one.end, one.text, one.complete) == (2, 10, "model:gpt-4o-mini", True)


def test_every_complete_suggestion_can_be_read():
    for line in ("model:", "feature:", "status:", "has:", "latency:", "cost:", "tokens:", "score.x:", "env:", "kind:"):
        for text in texts(line):
            parse(text)


@pytest.fixture
def suggested(project, member_client):
    """The suggestions for a line, as texts."""

    def _suggested(line, **query):
        answer = member_client.get(PAGE, {"line": line, **query})
        assert answer.status_code == 200
        return [tag["data-text"] for tag in Markup(answer).all("li", role="option")]

    return _suggested


@pytest.mark.parametrize(
    ("fields", "line", "expected"),
    [
        ({"environment": "prod"}, "env:", "env:prod"),
        ({"release": "1.4.2"}, "release:1", "release:1.4.2"),
        ({"user_id": "u_9"}, "user:", "user:u_9"),
        ({"user_id": "u_9"}, "user:u_", "user:u_9"),
        ({"session_id": "s 1"}, "session:s", 'session:"s 1"'),
        ({"request_id": "r-1"}, "request:", "request:r-1"),
        ({"prompt_name": "refund", "prompt_version": "12"}, "prompt:ref", "prompt:refund@12"),
        ({"tool_name": "search"}, "tool:", "tool:search"),
        ({"tags": ["vip"]}, "tag:", "tag:vip"),
        ({"feature": "faq"}, "feature:", "feature:faq"),
    ],
)
def test_values_are_those_that_the_project_sent(project, suggested, fields, line, expected):
    make.stored(project.pk, make.span(**fields))
    rebuild_marked()
    assert expected in suggested(line)


def test_models_are_those_of_its_calls(project, suggested):
    make.stored(project.pk, make.call())
    rebuild_marked()
    assert suggested("model:") == ["model:gpt-4o-mini"]


def test_names_of_scores_and_keys_of_metadata_are_those_that_came(project, suggested, client, ingest_key):
    score = {"request_id": "r-1", "name": "helpful", "value": True}
    answer = client.post("/api/v1/scores", score, "application/json", headers={"x-api-key": ingest_key})
    assert answer.status_code == 200
    make.stored(project.pk, make.span(attributes={"metadata.order id": "NW-7", "metadata.tier": "gold"}))
    index_marked()
    assert suggested("score.") == ["score.helpful:"]
    assert suggested("metadata.") == ['metadata."order id":', "metadata.tier:"]
    assert suggested("metadata.tier:g") == ["metadata.tier:gold"]


def test_another_project_s_values_stay_there(project, other_project, suggested, stranger_client):
    make.stored(
        other_project.pk, make.span(user_id="u_9", environment="prod", started_at=make.now() - timedelta(days=1))
    )
    for line in ("user:", "user:u", "env:", "tool:"):
        assert suggested(line) == []
    assert stranger_client.get(PAGE, {"line": "user:"}).status_code == 404


@pytest.mark.parametrize("query", [{"at": "x"}, {"at": "-1"}, {"at": "99999"}, {"at": "²"}, {"line": "\0model:\0"}, {}])
def test_nothing_that_is_asked_breaks_it(suggested, query):
    suggested(**{"line": "user:\0", **query})


def test_hostile_values_are_text(project, member_client):
    make.stored(project.pk, make.span(environment=HOSTILE))
    markup = Markup(member_client.get(PAGE, {"line": "env:"}))
    assert not markup.all("img")
    assert markup.inline == []
