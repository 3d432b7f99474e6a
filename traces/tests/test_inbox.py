"""What an ingest address refuses is kept, counted and shown to engineers; the answer stays what it is."""

import gzip
import json
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.keys import make_key
from accounts.models import Key
from tests.markup import HOSTILE, Markup
from tests.otlp import PROTOBUF, protobuf, span
from tests.web import sent
from traces import inbox, retention
from traces.errors import StoreUnavailable
from traces.models import Refusal, RefusalCount
from traces.records import Rejection

JSON = "application/json"


@pytest.fixture
def send(client, ingest_key):
    def _send(body, path="/api/v1/traces", content_type=JSON, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {ingest_key}", "Content-Length": str(len(data)), **headers}
        return client.post(path, data, content_type, headers=headers)

    return _send


def test_a_request_that_cannot_be_read_is_kept_as_it_came(send, project, ingest_key):
    body = gzip.compress(b'{"model": ')
    answer = send(body, **{"Content-Encoding": "gzip", "User-Agent": "shop/2"})
    assert answer.status_code == 400
    kept = Refusal.objects.get()
    assert (kept.project, kept.status, kept.reason) == (project, 400, answer.json()["message"])
    assert bytes(kept.body) == body
    assert (kept.size_bytes, kept.encoding, kept.content_type) == (len(body), "gzip", JSON)
    assert (kept.method, kept.address, kept.client) == ("POST", "/api/v1/traces", "shop/2")
    assert ingest_key.startswith(kept.key_prefix)
    assert len(kept.key_prefix) < len(ingest_key)


def test_refused_records_keep_the_request_once_with_their_indexes_and_reasons(send):
    records = [{"input": "a"}, {"input_tokens": "many"}, {"input": "b"}, {"input_tokens": -3}, 7]
    answer = send(records)
    assert answer.status_code == 207
    kept = Refusal.objects.get()
    assert (kept.status, kept.items) == (None, 3)
    assert kept.rejected == [[one["index"], one["reason"]] for one in answer.json()["rejected"]]
    assert json.loads(bytes(kept.body)) == records
    assert {one.reason: one.items for one in RefusalCount.objects.all()} == {
        'records[…]: "input_tokens" is …; write a whole number of … or more.': 2,
        "records[…]: this is no JSON object.": 1,
    }


@pytest.mark.parametrize("path", ["/v1/traces", "/api/public/otel/v1/traces"])
def test_opentelemetry_is_kept_alike(send, path):
    lost = span()
    lost.trace_id = b"short"
    body = protobuf(lost, span())
    assert send(body, path, PROTOBUF).status_code == 200
    assert send(b"\xff", path, PROTOBUF).status_code == 400
    whole, part = Refusal.objects.all()  # newest first
    assert (part.status, part.items, part.rejected[0][0], bytes(part.body)) == (None, 1, 0, body)
    assert (whole.status, bytes(whole.body)) == (400, b"\xff")


def test_what_is_refused_before_its_body_was_read_is_kept_too(send):
    assert send({"a": 1}, "/v1/traces", "text/plain").status_code == 415
    kept = Refusal.objects.get()
    assert (kept.status, kept.content_type, bytes(kept.body)) == (415, "text/plain", b'{"a": 1}')


def test_only_the_beginning_of_a_long_body_is_kept(send, settings):
    settings.INBOX_MAX_BODY_BYTES = 10
    settings.INGEST_MAX_BODY_BYTES = 50
    assert send(b"x" * 20).status_code == 400
    assert send(b"x" * 60).status_code == 413
    assert [(bytes(one.body), one.size_bytes) for one in Refusal.objects.all()] == [(b"x" * 10, 60), (b"x" * 10, 20)]


def test_a_key_that_may_only_read_is_known_and_a_stranger_is_not(send, read_key):
    assert send({}, Authorization=f"Bearer {read_key}").status_code == 403
    assert send({}, Authorization="Bearer nobody").status_code == 401
    assert Client().post("/api/v1/traces", b"{}", JSON).status_code == 401
    assert [(one.status, one.key_prefix) for one in Refusal.objects.all()] == [(403, read_key[:16])]


def test_a_chunked_body_is_kept_from_a_real_server(web, project):
    key = make_key(project, Key.Scope.INGEST)
    headers = {"Authorization": key, "Content_Type": "text/plain"}
    assert sent(web, "POST", "/v1/traces", [b"one ", b"two"], **headers).status == 415
    assert sent(web, "GET", "/v1/traces", **headers).status == 415
    assert sent(web, "POST", "/api/v1/traces", [b"[1", b",2"], **headers).status == 400
    bodies = [None if one.body is None else bytes(one.body) for one in Refusal.objects.order_by("id")]
    assert bodies == [b"one two", None, b"[1,2"]


def test_what_is_taken_asks_nothing_of_the_inbox(send):
    send({"model": "gpt-4o", "input": "warm up the price list"})
    with connection.execute_wrapper(_no_refusals):
        assert send({"model": "gpt-4o", "input": "fine"}).status_code == 200
    assert not Refusal.objects.exists()


def _no_refusals(execute, sql, *rest):
    assert "traces_refusal" not in sql
    return execute(sql, *rest)


def test_what_is_only_put_off_is_not_kept(rf, ingest_key):
    request = rf.post("/v1/traces", b"{}", JSON, headers={"Authorization": ingest_key})
    inbox.keep(request, StoreUnavailable("The database does not answer; send the spans again."))
    assert not Refusal.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_answer_stays_what_it_is_when_nothing_can_be_kept(send):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE traces_refusalcount RENAME TO traces_away")
        try:
            assert send(b"{").status_code == 400
        finally:
            cursor.execute("ALTER TABLE traces_away RENAME TO traces_refusalcount")
    assert not Refusal.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_count_that_somebody_else_holds_does_not_hold_the_answer(send, project):
    send(b"{")
    other = connection.copy()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("UPDATE traces_refusalcount SET requests = 5")
            started = timezone.now()
            assert send(b"{").status_code == 400
            assert timezone.now() - started < timedelta(seconds=3)
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert RefusalCount.objects.get().requests == 1


def test_past_a_day_s_number_requests_are_counted_and_not_kept(send, settings):
    settings.INBOX_MAX_KEPT_PER_DAY = 3
    for _ in range(5):
        send(b"{")
    assert Refusal.objects.count() == 3
    assert RefusalCount.objects.get().requests == 5


def test_one_broken_client_does_not_hide_the_others(send, monkeypatch):
    monkeypatch.setattr(inbox, "MOST_OF_ONE_REASON", 2)
    for _ in range(4):
        send(b"{")
    send([])
    assert Refusal.objects.count() == 3
    assert sorted(one.requests for one in RefusalCount.objects.all()) == [1, 4]


def test_a_sender_cannot_make_up_reasons_without_end(rf, ingest_key, monkeypatch):
    monkeypatch.setattr(inbox, "MOST_REASONS", 3)
    request = rf.post("/v1/traces", b"{}", JSON, headers={"Authorization": ingest_key})
    for letter in "abcdefg":
        inbox.keep(request, [Rejection(0, f"reason {letter}{letter}")])
    counts = {one.reason: one.items for one in RefusalCount.objects.all()}
    assert counts == {"reason aa": 1, "reason bb": 1, "reason cc": 1, inbox.OTHER: 4}


def test_odd_characters_are_no_reason_to_lose_a_refusal(rf, ingest_key):
    headers = {"Authorization": ingest_key, "User-Agent": "caf\xe9 \x7f", "Content-Encoding": "\xff"}
    request = rf.post("/v1/traces/%00", b"\0\xff", JSON, headers=headers)
    inbox.keep(request, [Rejection(2, "spans[2]: \0 and \ud800")])
    kept = Refusal.objects.get()
    assert kept.reason == "spans[2]:  and "
    assert bytes(kept.body) == b"\0\xff"


def test_refusals_go_after_their_own_retention(send, settings):
    settings.INBOX_RETENTION_DAYS = 7
    for days in (8, 6, 0):
        send(b"{")
        at = timezone.now() - timedelta(days=days)
        Refusal.objects.filter(pk=Refusal.objects.first().pk).update(received_at=at)
        RefusalCount.objects.filter(day=timezone.now().date()).update(day=at.date())
    retention.drop_old_refusals(timezone.now().date())
    assert (Refusal.objects.count(), RefusalCount.objects.count()) == (2, 2)


# The pages


@pytest.fixture
def refused(send):
    """One request refused as a whole, and one in part."""
    send(b"{")
    send([{"input": "a"}, {"input_tokens": "many"}, 7])
    return Refusal.objects.all()


def test_the_page_counts_by_reason_and_lists_the_newest(engineer_client, refused):
    page = Markup(engineer_client.get("/p/shop/inbox"))
    assert "records[…]: this is no JSON object." in page.text
    assert "part of a request" in page.text
    assert page.text.index("2 refused") < page.text.rindex("The body is no JSON")


def test_a_reason_narrows_the_list(engineer_client, refused):
    part, whole = refused
    answer = engineer_client.get("/p/shop/inbox", {"reason": "records[…]: this is no JSON object."})
    links = Markup(answer).links
    assert f"/p/shop/inbox/{part.pk}" in links
    assert f"/p/shop/inbox/{whole.pk}" not in links
    assert engineer_client.get("/p/shop/inbox", {"reason": "never given"}).status_code == 200


def test_older_ones_are_a_page_away(engineer_client, send, monkeypatch):
    monkeypatch.setattr("traces.inbox_views.PAGE_ROWS", 2)
    for _ in range(3):
        send(b"{")
    newest = engineer_client.get("/p/shop/inbox")
    older = next(link for link in Markup(newest).links if "before=" in link)
    oldest = Refusal.objects.last().pk
    assert f"/p/shop/inbox/{oldest}" not in Markup(newest).links
    assert f"/p/shop/inbox/{oldest}" in Markup(engineer_client.get(older)).links


def test_one_refusal_tells_all_that_is_known_of_it(engineer_client, refused):
    part, _ = refused
    page = Markup(engineer_client.get(f"/p/shop/inbox/{part.pk}"))
    for word in ("2 spans or records refused", "POST /api/v1/traces", '{"input_tokens": "many"}', "no JSON object"):
        assert word in page.text


def test_a_body_is_downloaded_as_bytes_and_nothing_else(engineer_client, send):
    send(f"<html>{HOSTILE}".encode(), content_type="text/html")
    kept = Refusal.objects.get()
    answer = engineer_client.get(f"/p/shop/inbox/{kept.pk}/body")
    assert answer.content == f"<html>{HOSTILE}".encode()
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="refused-{kept.pk}.bin"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def of_traces(*trace_ids: bytes) -> bytes:
    spans = [span() for _ in trace_ids]
    for one, trace_id in zip(spans, trace_ids, strict=True):
        one.trace_id = trace_id
    return protobuf(*spans)


@pytest.mark.parametrize(
    ("path", "content_type", "all_bad", "some_bad", "status"),
    [
        ("/api/v1/traces", JSON, [7, {"input_tokens": "many"}], [7, 8, {"input": "a"}], 400),
        ("/v1/traces", PROTOBUF, of_traces(b"short", b""), of_traces(b"short", b"", b"0123456789abcdef"), 200),
    ],
)
def test_a_request_that_held_nothing_else_does_not_say_that_the_rest_was_taken(
    engineer_client, send, path, content_type, all_bad, some_bad, status
):
    for body in (all_bad, some_bad):
        send(body, path, content_type)
    some, whole = Refusal.objects.all()  # newest first
    assert [(one.status, one.items) for one in (whole, some)] == [(status, 2), (None, 2)]
    pages = [Markup(engineer_client.get(f"/p/shop/inbox/{one.pk}")).text for one in (whole, some)]
    of_whole, of_some = (" ".join(page.split()) for page in pages)
    assert f"{status}, 2 spans or records refused nothing of it is stored" in of_whole
    assert "2 spans or records refused what else the request held was taken" in of_some


def test_what_was_sent_stays_text(engineer_client, send):
    headers = {"User-Agent": HOSTILE, "Content-Encoding": HOSTILE}
    send([{"input_tokens": HOSTILE}, {"cost_usd": HOSTILE}], content_type=HOSTILE[:60])
    send(HOSTILE.encode(), "/v1/traces", HOSTILE[:60], **headers)
    for path in ["/p/shop/inbox", *(f"/p/shop/inbox/{one.pk}" for one in Refusal.objects.all())]:
        page = Markup(engineer_client.get(path))
        assert page.inline == []
        assert not [tag for tag, _ in page.tags if tag == "img"]
        assert "<script>alert(1)" in page.text


def test_an_empty_inbox_says_what_would_be_here(engineer_client):
    assert "Nothing was refused" in Markup(engineer_client.get("/p/shop/inbox")).text


@pytest.mark.parametrize("end", ["", "/{id}", "/{id}/body"])
def test_the_inbox_is_for_engineers_of_the_project(
    refused, end, member_client, stranger_client, engineer_client, client, admin_of_project_client
):
    path = "/p/shop/inbox" + end.format(id=refused[0].pk)
    assert client.get(path).status_code == 302
    assert stranger_client.get(path).status_code == 404
    assert member_client.get(path).status_code == 403
    assert engineer_client.get(path).status_code == 200
    assert admin_of_project_client.get(path).status_code == 200


def test_another_project_s_refusals_are_not_there(stranger_client, refused):
    for end in ("", "/body"):
        assert stranger_client.get(f"/p/bank/inbox/{refused[0].pk}{end}").status_code == 404
    assert "Nothing was refused" in Markup(stranger_client.get("/p/bank/inbox")).text


def test_its_queries_do_not_grow_with_the_rows(engineer_client, send, django_assert_num_queries):
    for number in range(6):
        send([{"input_tokens": "many"}] * number + [7])
    # session, user, projects with roles, rows, counts, replays; incidents of the frame
    with django_assert_num_queries(7):
        engineer_client.get("/p/shop/inbox")


def test_many_refused_records_are_folded_and_past_a_number_only_counted(engineer_client, send, monkeypatch):
    monkeypatch.setattr(inbox, "MOST_REJECTED", 30)
    send([{"input_tokens": "many"}] * 35)
    page = Markup(engineer_client.get(f"/p/shop/inbox/{Refusal.objects.get().pk}"))
    assert "20 more" in page.text
    assert "Of 5 more only the number is kept." in page.text
    assert "records[29]" in page.text
    assert "records[30]" not in page.text
