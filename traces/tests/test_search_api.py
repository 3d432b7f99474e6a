"""`GET /api/v1/traces`: the query line for machines."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from accounts.models import Membership, Role
from accounts.projects import create_project
from tests import make
from traces.search.index import index_marked

ADDRESS = "/api/v1/traces"


@pytest.fixture
def ask(client, read_key):
    """The answer to these parameters with a read key."""

    def _ask(address=ADDRESS, status=200, **query):
        answer = client.get(address, query, headers={"Authorization": f"Bearer {read_key}"})
        assert answer.status_code == status, answer.content
        return answer.json()

    return _ask


def names(answer):
    return [row["name"] for row in answer["traces"]]


def store(project, number, **fields):
    started_at = make.now() - timedelta(minutes=number)
    make.stored(project.pk, make.span(name=f"trace-{number}", started_at=started_at, **fields))


def test_conditions_hold_together(project, ask):
    store(project, 1, user_id="anna", feature="faq")
    store(project, 2, user_id="anna")
    store(project, 3, user_id="ben", feature="faq")
    index_marked()
    answer = ask(q="user:anna feature:faq")
    assert names(answer) == ["trace-1"]
    assert (answer["next"], answer["next_url"]) == (None, None)
    assert answer["searched_up_to"].endswith("Z")


def test_text_names_the_step_that_it_was_found_in(project, ask):
    root = make.span()
    hit = make.call(trace_id=root.trace_id, parent_id=root.span_id, output="needle")
    make.stored(project.pk, root, hit)
    index_marked()
    (row,) = ask(q="needle")["traces"]
    assert row["found_span_id"] == hit.span_id.hex()


def test_pages_follow_one_another(project, ask):
    for number in range(1, 8):
        store(project, number, duration_us=number * 1_000)
    index_marked()
    seen, query = [], {"sort": "latency", "limit": 3, "q": "name:trace-*"}
    for _ in range(3):
        answer = ask(**query)
        seen += names(answer)
        query["after"] = answer["next"]
    assert seen == [f"trace-{number}" for number in range(7, 0, -1)]
    assert answer["next"] is None


def test_the_next_page_has_an_address(project, ask):
    for number in range(1, 4):
        store(project, number)
    url = urlsplit(ask(limit=2)["next_url"])
    assert names(ask(f"{url.path}?{url.query}")) == ["trace-3"]


def test_a_period_may_be_named_and_is_30_days_without(project, ask):
    store(project, 10)
    store(project, 29 * 24 * 60)
    assert len(names(ask())) == 2
    assert names(ask(**{"from": (make.now() - timedelta(hours=1)).isoformat()})) == ["trace-10"]


@pytest.mark.parametrize(
    ("query", "said", "position"),
    [
        ({"q": "model:x latency:>2x"}, "not a time", 17),
        ({"q": "nope:1"}, 'no field "nope"', 0),
        ({"sort": "size"}, "sort is time, latency, cost, tokens", None),
        ({"limit": "0"}, "1 to 1,000", None),
        ({"limit": "many"}, "1 to 1,000", None),
        ({"limit": "²"}, "1 to 1,000", None),
        ({"after": "yesterday"}, "after is what next was", None),
        ({"from": "yesterday"}, "RFC 3339", None),
        ({"to": "2026-01-01T00:00:00Z"}, "RFC 3339", None),
        ({"format": "xml"}, "format is csv or ndjson", None),
    ],
)
def test_a_mistake_is_said_with_its_place(project, ask, query, said, position):
    answer = ask(status=400, **query)
    assert said in answer["message"]
    assert answer.get("position") == position


def test_all_of_them_come_as_a_stream(project, client, read_key):
    store(project, 1)
    answer = client.get(ADDRESS, {"format": "ndjson"}, headers={"x-api-key": read_key})
    assert answer["Content-Type"] == "application/x-ndjson"
    assert b"".join(answer.streaming_content).count(b"\n") == 1


def test_another_project_stays_out_of_it(project, other_project, ask):
    store(other_project, 1, user_id="anna")
    index_marked()
    assert names(ask()) == []
    assert names(ask(q="user:anna")) == []


def test_who_may_read(project, client, ingest_key, member_client):
    assert client.get(ADDRESS).status_code == 401
    assert client.get(ADDRESS, headers={"x-api-key": ingest_key}).status_code == 403
    assert member_client.get(ADDRESS).status_code == 200
    assert member_client.get(ADDRESS, {"project": "bank"}).status_code == 404


def test_a_member_of_several_projects_says_which(project, member, member_client):
    Membership.objects.create(user=member, project=create_project("second", "Second"), role=Role.SUPPORT)
    answer = member_client.get(ADDRESS)
    assert answer.status_code == 400
    assert "project=" in answer.json()["message"]
    assert member_client.get(ADDRESS, {"project": "shop"}).status_code == 200
