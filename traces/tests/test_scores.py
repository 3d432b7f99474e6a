"""`POST /api/v1/scores`: scores before or after their span, once each, the latest wins; on the page and in the JSON."""

import itertools
import json
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from tests import make
from tests.markup import HOSTILE, Markup
from tests.web import sent
from traces import retention, scores
from traces.models import Refusal
from traces.wire.scores import decode

JSON = "application/json"
TRACE = "5b8efff798038103d269b633813fc60c"


@pytest.fixture
def send(client, ingest_key):
    def _send(body, content_type=JSON, key=ingest_key):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {key}", "Content-Length": str(len(data))}
        return client.post("/api/v1/scores", data, content_type, headers=headers)

    return _send


@pytest.fixture
def answer(client, read_key):
    """The JSON of a trace, or of a request."""
    return lambda path=f"traces/{TRACE}": client.get(f"/api/v1/{path}", headers={"Authorization": read_key}).json()


@pytest.fixture
def trace(project):
    """A root and a call, of one request and session."""
    records = make.trace(trace_id=bytes.fromhex(TRACE), request_id="req-1", session_id="s-1")
    make.stored(project.pk, *records)
    return records


def score(**fields):
    return {"name": "helpful", "value": 1, "trace_id": TRACE, **fields}


def counts(answer):
    receipt = answer.json()
    assert set(receipt) == {"accepted", "duplicates", "updated", "rejected"}
    return receipt["accepted"], receipt["duplicates"], receipt["updated"], len(receipt["rejected"])


def test_a_score_comes_back_as_it_was_given(send, trace, answer):
    given = score(
        id="vote-1", value=0.8, source="judge", comment="Right.", timestamp="2026-01-31T12:00:00Z", metadata={"by": "m"}
    )
    assert send(given).status_code == 200
    assert answer()["scores"] == [
        {
            "id": "vote-1",
            "target": "trace",
            "trace_id": TRACE,
            "span_id": None,
            "session_id": None,
            "request_id": None,
            "name": "helpful",
            "value": 0.8,
            "data_type": "numeric",
            "source": "judge",
            "comment": "Right.",
            "given_at": "2026-01-31T12:00:00.000000Z",
            "metadata": {"by": "m"},
        }
    ]


@pytest.mark.parametrize("value", [0.25, True, False, "good", "two\nlines"])
def test_values_keep_their_kind(send, trace, answer, value):
    send(score(value=value))
    (kept,) = answer()["scores"]
    assert kept["value"] == value
    assert type(kept["value"]) is type(value)


def test_a_score_waits_for_its_span(send, project, answer):
    root, call = make.trace(trace_id=bytes.fromhex(TRACE), request_id="req-1", session_id="s-1")
    given = [
        score(),
        score(span_id=call.span_id.hex()),
        {**score(span_id=root.span_id.hex()), "trace_id": None},
        {"name": "of session", "value": 2, "session_id": "s-1"},
        {"name": "of request", "value": 3, "request_id": "req-1"},
        score(span_id="never comes"),
    ]
    assert counts(send(given)) == (6, 0, 0, 0)
    make.stored(project.pk, root, call)
    found = answer()
    assert sorted(one["target"] for one in found["scores"]) == ["request", "session", "span", "trace"]
    assert [len(span["scores"]) for span in found["spans"]] == [1, 1]
    assert answer("requests/req-1")["scores"] == found["scores"]


def test_writing_twice_is_writing_once(send, trace, answer):
    given = [score(id="a"), score(comment="without an id")]
    assert counts(send(given)) == (2, 0, 0, 0)
    assert counts(send(given)) == (0, 2, 0, 0)
    assert counts(send([*given, *given])) == (0, 4, 0, 0)
    assert len(answer()["scores"]) == 2


def at(minute, **fields):
    return score(id="vote", timestamp=f"2026-01-31T12:{minute:02}:00Z", value=minute, **fields)


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
@pytest.mark.parametrize("together", [True, False])
def test_the_latest_wins_in_any_order(send, trace, answer, order, together):
    versions = [at(minute) for minute in order]
    answers = [send(versions)] if together else [send(version) for version in versions]
    assert sum(counts(one)[0] for one in answers) == 1
    assert sum(sum(counts(one)) for one in answers) == 3
    assert [one["value"] for one in answer()["scores"]] == [3.0]


def test_of_two_of_the_same_moment_the_first_stays(send, trace, answer):
    assert counts(send(at(1, comment="first"))) == (1, 0, 0, 0)
    assert counts(send(at(1, comment="second"))) == (0, 1, 0, 0)
    assert answer()["scores"][0]["comment"] == "first"


def test_without_moments_the_one_that_came_last_wins(send, trace, answer):
    assert counts(send([score(id="v", value=1), score(id="v", value=2)])) == (1, 0, 1, 0)
    assert counts(send(score(id="v", value=3))) == (0, 0, 1, 0)
    assert [one["value"] for one in answer()["scores"]] == [3.0]


def test_a_moment_that_cannot_be_yet_is_kept_but_does_not_count(send, trace, answer):
    """Else a clock gone wrong would be on top for ever, and no correction would come through."""
    wrong = score(id="vote", value=1, timestamp="9999-12-31T00:00:00Z", metadata={"by": "m"})
    assert counts(send([wrong, score(id="later")])) == (2, 0, 0, 0)
    assert counts(send(wrong)) == (0, 1, 0, 0)
    later, kept = answer()["scores"]
    assert (later["id"], kept["metadata"]) == ("later", {"by": "m", "timestamp": "9999-12-31T00:00:00Z"})
    assert abs(datetime.fromisoformat(kept["given_at"]) - timezone.now()) < timedelta(minutes=1)
    assert counts(send(score(id="vote", value=0))) == (0, 0, 1, 0)
    assert answer()["scores"][0]["value"] == 0


def test_a_clock_that_is_ahead_by_less_than_a_day_is_believed(send, trace, answer):
    ahead = timezone.now() + timedelta(hours=23)
    send(score(timestamp=ahead.isoformat()))
    assert datetime.fromisoformat(answer()["scores"][0]["given_at"]) == ahead


def test_some_refused_is_207_all_refused_is_400_and_both_are_in_the_inbox(send):
    some = send([score(), score(value=None), 7])
    assert (some.status_code, counts(some)) == (207, (1, 0, 0, 2))
    assert some.json()["rejected"][1] == {"index": 2, "reason": "scores[2]: this is no JSON object."}
    assert send([score(value=None)]).status_code == 400
    assert send(b"{").status_code == 400
    assert send(b"").status_code == 400
    assert [one.items for one in Refusal.objects.order_by("id")] == [2, 1, 0, 0]


def test_only_an_ingest_key_may_send_scores(send, read_key, client):
    assert send(score(), key=read_key).status_code == 403
    assert send(score(), key="nobody").status_code == 401
    assert client.get("/api/v1/scores").status_code == 405


def test_scores_by_pass_the_pages_middleware(send):
    assert "Content-Security-Policy" not in send(score()).headers


def test_a_real_server_takes_chunks(web, project, ingest_key):
    body = json.dumps(score()).encode()
    answer = sent(web, "POST", "/api/v1/scores", [body[:9], body[9:]], Authorization=ingest_key, Content_Type=JSON)
    assert json.loads(answer.content)["accepted"] == 1


def test_another_project_s_scores_are_not_there(send, other_project, trace, answer):
    make.stored(other_project.pk, *make.trace(trace_id=bytes.fromhex(TRACE), session_id="s-1"))
    send([score(), {"name": "x", "value": 1, "session_id": "s-1"}])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE traces_score SET project_id = %s", [other_project.pk])
    assert answer()["scores"] == []


@pytest.mark.parametrize(
    "odd",
    [
        {"name": "a\0b\ud800"},
        {"comment": "\0\ud800" * 1_000},
        {"id": "\0"},
        {"trace_id": "\0/../?#%"},
        {"metadata": {"\0": ["\ud800", 2**70, float("nan")]}},
        {"value": 1e308},
        {"value": 2**64 - 1},
        {"value": "x" * 1_000_000},
        {"timestamp": "0001-01-01T00:00:00+14:00"},
        {"timestamp": "9999-12-31T23:59:59-14:00"},
        {"timestamp": 9.2e18},
        {"trace_id": None, "session_id": "\U0001f600" * 1_000},
        {"trace_id": None, "request_id": "\0"},
        {"name": "\0"},
        {"value": -0.0, "source": "\0"},
    ],
)
def test_no_odd_value_is_an_error_of_ours(send, odd):
    assert send(score(**odd)).status_code in (200, 400)


def test_scores_go_with_their_trace_and_others_by_their_age(send, project, trace):
    old = timezone.now() - timedelta(days=settings.SPAN_RETENTION_DAYS + 1)
    send([score(id="goes"), score(id="stays", trace_id="other")])
    send([{"id": "old", "name": "n", "value": 1, "session_id": "s"}, score(id="waits", trace_id="to come")])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE traces_summary SET last_day = %s", [old.date()])
        cursor.execute("UPDATE traces_score SET received_at = %s WHERE id_text = 'old'", [old])
        for _ in retention.expired_traces(timezone.now().date() - timedelta(days=settings.SPAN_RETENTION_DAYS)):
            pass
        for _ in retention.delete_older("traces_score", "received_at", old.date() + timedelta(days=1)):
            pass
        cursor.execute("SELECT id_text FROM traces_score ORDER BY id_text")
        assert [one for (one,) in cursor.fetchall()] == ["stays", "waits"]


@pytest.mark.django_db(transaction=True)
def test_writers_of_the_same_scores_do_not_lock_each_other_out(project):
    body = [score(id=f"s{number}", value=number) for number in range(300)]

    def write(turn):
        given, _ = decode(json.dumps(random.Random(turn).sample(body, 300)).encode(), JSON)
        try:
            return scores.write(project.pk, given, timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as writers:
        receipts = list(writers.map(write, range(12)))
    assert sum(receipt.accepted for receipt in receipts) == 300
    assert sum(receipt.duplicates for receipt in receipts) == 11 * 300


@pytest.mark.django_db(transaction=True)
def test_a_database_that_takes_no_writes_is_503(send):
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        try:
            answer = send(score())
        finally:
            cursor.execute("SET default_transaction_read_only = off")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert not Refusal.objects.exists()


# The page


def test_the_page_shows_the_scores_of_the_trace_and_of_the_open_step(send, trace, member_client):
    root, call = trace
    send(
        [
            score(name="solved", value=True, source="user", comment="Thank you"),
            score(name="faithful", value=0.91, source="judge", span_id=call.span_id.hex()),
            {"name": "mood", "value": "calm", "session_id": "s-1"},
        ]
    )
    page = Markup(member_client.get(f"/p/shop/traces/{TRACE}?span={call.span_id.hex()}")).text
    for words in ("solved", "yes", "by the user", "Thank you", "faithful", "0.91", "by a judging model"):
        assert words in page
    assert "of the whole session" in page
    assert "faithful" not in Markup(member_client.get(f"/p/shop/traces/{TRACE}?span={root.span_id.hex()}")).text


def test_a_trace_without_scores_says_nothing_of_them(trace, member_client):
    assert "Scores" not in Markup(member_client.get(f"/p/shop/traces/{TRACE}")).text


def test_what_scores_hold_stays_text(send, trace, member_client):
    send(
        [
            score(name=HOSTILE, value=HOSTILE, comment=HOSTILE),
            score(name="long", value=HOSTILE * 10, span_id=trace[1].span_id.hex()),
        ]
    )
    page = Markup(member_client.get(f"/p/shop/traces/{TRACE}?span={trace[1].span_id.hex()}"))
    assert page.inline == []
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert page.text.count("7|add:7") >= 3


def test_scores_are_one_query_however_many(send, trace, member_client):
    def queries():
        with connection.execute_wrapper(counting := Counting()):
            member_client.get(f"/p/shop/traces/{TRACE}")
        return counting.number

    before = queries()
    send([score(name=f"n{number}") for number in range(50)])
    assert queries() == before


class Counting:
    number = 0

    def __call__(self, execute, *rest):
        self.number += 1
        return execute(*rest)
