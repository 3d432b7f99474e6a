"""The page of a user: what a customer asked lately, how it went, what it cost and what they said of it."""

import re
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.markup import HOSTILE, Markup
from traces.addresses import user_url
from traces.queries import users
from traces.rollups import rebuild_marked
from traces.search.index import index_marked
from traces.user_views import PAGE_SESSIONS

PAGE = "/p/shop/users/anna"


@pytest.fixture
def asks(project):
    """Stores a request of anna, so many minutes ago: a root and a priced call, and gives the root."""

    def _asks(minutes=5, *, cost_usd=Decimal("0.01"), call=None, **fields):
        at = make.now() - timedelta(minutes=minutes)
        root, below = make.trace(**{"user_id": "anna", "started_at": at, **fields})
        below.cost_usd, below.cost_source = cost_usd, None if cost_usd is None else "priced"
        for name, value in (call or {}).items():
            setattr(below, name, value)
        make.stored(project.pk, root, below)
        return root

    return _asks


def read(client, url=PAGE, **query):
    answer = client.get(url, query)
    assert answer.status_code == 200
    return Markup(answer)


def failed(**fields):
    return {"status": "error", "call": {"status": "error", "failure": "timeout", "name": "decide"}, **fields}


def test_one_sentence_says_how_often_they_asked_and_what_failed(member_client, asks):
    for minutes in range(30, 41):
        asks(minutes, output="Here.")
    for minutes in (24, 50, 60):
        asks(minutes, **failed())
    words = read(member_client).words
    assert "anna asked 14 times in the last 30 days; 3 failed, the last 24 min ago." in words
    assert "The last request, today at" in words or "The last request, yesterday at" in words
    assert "got no answer." in words


@pytest.mark.parametrize(
    ("requests", "said"),
    [
        ([{}], "anna asked once in the last 30 days; it did not fail."),
        ([failed()], "anna asked once in the last 30 days; it failed, 5 min ago."),
        ([{}, {}], "anna asked 2 times in the last 30 days; none failed."),
        ([failed(), failed()], "anna asked 2 times in the last 30 days; all of them failed, the last 5 min ago."),
    ],
)
def test_the_sentence_fits_few_requests(member_client, asks, requests, said):
    for fields in requests:
        asks(**fields)
    assert said in read(member_client).words


def test_conversations_are_listed_with_what_was_asked_first_and_how_they_ended(member_client, asks):
    asks(50, session_id="s-1", input="Where is my tent?", output="On its way.", feature="orders")
    asks(40, session_id="s-1", input="Can I return it?", **failed())
    alone = asks(20, input="Do you have poles?", output="We do.", feature="catalogue")
    markup = read(member_client)
    assert "Do you have poles?" in markup.words
    assert markup.words.index("Do you have poles?") < markup.words.index("Where is my tent?")
    assert "No answer 1 of 2 failed" in markup.words
    assert "/p/shop/sessions/s-1" in markup.links
    assert f"/p/shop/traces/{alone.trace_id.hex()}" in markup.links
    assert "These were 2 conversations." in markup.words


def test_failures_say_why(member_client, asks):
    root = asks(3, input="Can I return it?", **failed())
    asks(4, input="Fine", output="Yes.")
    markup = read(member_client)
    part = markup.words.split("Failures")[1].split("Feedback")[0]
    assert "Can I return it?" in part
    assert "took too long" in part
    assert "Fine" not in part
    assert f"/p/shop/traces/{root.trace_id.hex()}" in markup.links


def test_what_it_cost_stands_beside_what_all_users_cost(member_client, asks, project):
    asks(cost_usd=Decimal("0.30"))
    asks(cost_usd=Decimal("0.10"))
    for _ in range(38):
        asks(user_id="ben", cost_usd=Decimal("0.02"), **failed())
    rebuild_marked()
    words = read(member_client).words
    assert "Cost $0.400 $0.200 a request, $0.0290 on average of all users" in words
    assert "Failed 0 of 2 95 % of all users' requests" in words.replace("\u00a0", " ")


def test_a_price_that_nobody_knows_makes_the_sum_a_lower_limit(member_client, asks):
    asks(cost_usd=Decimal("0.30"))
    asks(cost_usd=None)
    words = read(member_client).words
    assert "at least $0.30" in words
    assert "1 call without a price" in words


def test_an_unknown_cost_is_a_word(member_client, asks):
    asks(cost_usd=None)
    assert "Cost unknown" in read(member_client).words


def test_what_they_said_of_it_is_shown_with_its_comment_and_leads_there(member_client, asks, ingest_key):
    root, other = asks(request_id="req-1", session_id="s-1"), asks()
    for record in (
        {"trace_id": other.trace_id.hex(), "name": "helpful", "value": False, "source": "user", "comment": "Too slow"},
        {"request_id": "req-1", "name": "tone", "value": 0.25},
        {"session_id": "s-1", "name": "solved", "value": True},
        {"trace_id": "ab" * 16, "name": "of another", "value": 1},
    ):
        headers = {"Authorization": f"Bearer {ingest_key}"}
        assert member_client.post("/api/v1/scores", record, "application/json", headers=headers).status_code == 200
    markup = read(member_client)
    part = markup.words.split("Feedback")[1]
    for said in ("helpful: no", "by the user", "Too slow", "tone: 0.25", "solved: yes", "of the whole session"):
        assert said in part
    assert "of another" not in part
    assert f"/p/shop/traces/{root.trace_id.hex()}" in markup.links


def test_features_models_and_when_they_were_seen(member_client, asks):
    asks(60 * 24 * 40, feature="long ago")
    asks(5, feature="orders", call={"model_requested": "gpt-4.1"})
    words = read(member_client).words
    assert "Features orders Models gpt-4.1" in words
    assert "long ago" not in words
    assert "First seen" in words
    assert "asked once in the last 30 days" in words


def test_the_list_and_the_failed_ones_are_a_click_away_in_the_same_period(member_client, asks):
    asks(**failed())
    lists = [
        parse_qs(urlsplit(link).query)
        for link in read(member_client, period="7d").links
        if link.startswith("/p/shop/traces?")
    ]
    assert {"q": ["user:anna"], "period": ["7d"]} in lists
    assert {"q": ["user:anna status:error"], "period": ["7d"]} in lists


@pytest.mark.parametrize(
    ("minutes", "leads_to"), [(60 * 3, "?period=6h"), (60 * 24 * 4, "?period=7d"), (60 * 24 * 60, "?from=")]
)
def test_a_user_who_was_silent_has_a_way_to_when_they_were_not(member_client, asks, minutes, leads_to):
    asks(minutes, input="Where is it?")
    markup = read(member_client, period="1h")
    assert "anna asked nothing in the last hour. " in markup.words
    assert "Seen last" in markup.words
    (longer,) = [link for link in markup.links if link.startswith(f"{PAGE}{leads_to}")]
    assert "Where is it?" in read(member_client, longer).words


def test_a_user_whose_services_clock_is_ahead_is_found_too(member_client, asks):
    asks(-60 * 12, input="Where is it?")
    markup = read(member_client)
    (longer,) = [link for link in markup.links if link.startswith(f"{PAGE}?from=")]
    assert "Where is it?" in read(member_client, longer).words


@pytest.mark.parametrize("address", ["/p/shop/users/none", "/p/shop/users/%00", "/p/shop/users/Anna", f"{PAGE}/"])
def test_an_unknown_user_is_a_page_that_says_so(member_client, asks, address):
    asks()
    answer = member_client.get(address)
    assert answer.status_code == 404
    assert "has asked anything" in Markup(answer).words


def test_users_of_other_projects_are_not_there(member_client, other_project, stranger_client, asks):
    make.stored(other_project.pk, make.span(user_id="theirs", input="Secret"))
    asks()
    assert member_client.get("/p/shop/users/theirs").status_code == 404
    assert stranger_client.get(PAGE).status_code == 404


@pytest.mark.parametrize(
    "user_id",
    [HOSTILE, "a/b//c", "a?b#c%2F", "..a/../b", "ein Blank", "請求", "line\nend", "..", "\u202eabc", "u" * 3_000],
)
def test_any_text_may_be_the_id_of_a_user(member_client, asks, user_id):
    asks(user_id=user_id, input="Where is my tent?")
    url = user_url("shop", user_id)
    answer = member_client.get(url)
    assert answer.status_code == 200
    assert Markup(answer).inline == []
    if "/users/" in url:
        assert "Where is my tent?" in Markup(answer).words


def test_conversations_page_to_the_last_and_back_to_the_newest(member_client, project):
    spans = [
        make.span(user_id="anna", session_id=f"s-{n // 2}", input=f"turn-{n:03}", started_at=make.now() - timedelta(n))
        for n in range(2 * PAGE_SESSIONS + 6)
    ]
    make.stored(project.pk, *(make.span(user_id="ben", session_id="s-1", input="turn-999") for _ in range(2)), *spans)
    url, seen = f"{PAGE}?from=2020-01-01&to=2020-02-01", []
    newest, oldest = make.now() + timedelta(minutes=1), make.now() - timedelta(days=100)
    url = f"{PAGE}?from={oldest.isoformat().replace('+', '%2B')}&to={newest.isoformat().replace('+', '%2B')}"
    while url:
        markup = read(member_client, url)
        seen += re.findall(r"turn-\d{3}", markup.words.split("Conversations")[1].split("Failures")[0])
        url = next((link["href"] for link in markup.all("a", rel="next")), None)
    assert seen == [f"turn-{n:03}" for n in range(1, len(spans), 2)]
    assert any(link.startswith(f"{PAGE}?from=") and "before" not in link for link in markup.links)


def test_a_user_of_many_requests_is_added_up_from_the_index(member_client, asks, monkeypatch):
    monkeypatch.setattr("traces.user_pages.SMALL", 3)
    monkeypatch.setattr("traces.user_pages.NEWEST", 2)
    for minutes in (1, 2, 3):
        asks(minutes)
    asks(4, input="It broke", **failed())
    words = read(member_client).words
    assert "asked 4 times in the last 30 days; how many failed is not counted yet." in words
    assert "These requests are being counted." in words
    index_marked()
    asks(5)
    words = read(member_client).words
    assert "asked 5 times in the last 30 days; 1 of the 4 that are indexed failed, 4 min ago." in words
    assert "Added up 4 requests the others are not indexed yet" in words
    assert "at least $0.04" in words
    assert "It broke" in words.split("Failures")[1]
    assert "in the newest 2" in words


def test_only_so_many_traces_of_one_user_are_read(member_client, asks, monkeypatch):
    monkeypatch.setattr(users, "MOST_READ", 3)
    for minutes in range(1, 6):
        asks(minutes, input=f"turn-{minutes}")
    words = read(member_client).words
    assert "anna asked at least 3 times" in words
    assert "turn-3" in words
    assert "turn-4" not in words
    assert "These are of the newest 3 requests." in words


def test_its_queries_do_not_grow_with_the_requests(member_client, asks):
    counts = []
    for size in (2, 20):
        for number in range(size):
            asks(session_id=f"s-{size}-{number}", **failed())
        with CaptureQueriesContext(connection) as queries:
            read(member_client)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 15


def test_no_read_of_a_user_goes_through_a_table_from_end_to_end(project):
    values = {
        "project": project.pk, "user": "anna", "start": make.now(), "end": make.now(), "most": 9, "names": 6,
        "limit": 9, "at": make.now(), "trace": b"", "failed": "'x'",
    }  # fmt: skip
    for statement in (users.SEEN, users.WHOLE, users.NEWEST, users.SESSIONS, users.AMOUNTS):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {statement}", values)
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Seq Scan" not in plan
        assert "traces_summary_by_user" in plan


def test_a_trace_a_session_a_list_and_a_look_up_lead_to_the_user(member_client, asks):
    root = asks(session_id="s-1")
    asks(session_id="s-2")
    for page in (f"/p/shop/traces/{root.trace_id.hex()}", "/p/shop/sessions/s-1", "/p/shop/traces"):
        assert PAGE in read(member_client, page).links
    assert member_client.get("/p/shop", {"q": "anna"}).headers["Location"] == PAGE
