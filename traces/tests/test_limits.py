"""What a key may send is counted for all processes together, for every format; keys without limits ask nothing."""

import json
import logging
import socket
import time

import grpc
import pytest
from django.db import connection
from django.test import Client

from accounts.keys import digest, make_key, recalled
from accounts.models import Key
from tests.grpc_calls import TRACES, called, grpc_served
from tests.otlp import PROTOBUF, export, protobuf, span
from tests.web import database_url, sent
from traces import limit_counts
from traces.api import ingest_holder
from traces.errors import TooBusy
from traces.models import Refusal
from traces.tests.test_otlp_grpc import status_of

JSON = "application/json"
ADDRESSES = [
    ("POST", "/v1/traces"), ("POST", "/v1/logs"), ("POST", "/v1/metrics"), ("POST", "/api/public/otel/v1/traces"),
    ("POST", "/api/v1/traces"), ("POST", "/api/v1/scores"), ("POST", "/runs/batch"), ("POST", "/feedback"),
    ("POST", "/api/litellm"), ("POST", "/opik/v1/private/spans/batch"),
    ("PUT", "/opik/v1/private/spans/feedback-scores"),
]  # fmt: skip


@pytest.fixture
def limited(project):
    """A key with these limits."""

    def _limited(**of_key):
        key = make_key(project)
        Key.objects.filter(digest=digest(key)).update(**of_key)
        return key

    return _limited


def minute_of(key):
    return limit_counts._minute(digest(key))


def records(number):
    return [{"span_id": f"s-{time.monotonic_ns()}-{one}", "input": "Hello"} for one in range(number)]


def send(key, body=None, path="/api/v1/traces", method="POST", **headers):
    data = json.dumps(records(1) if body is None else body).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Length": str(len(data)), **headers}
    return Client().generic(method, path, data, JSON, headers=headers)


def test_a_key_without_limits_leaves_no_trace_in_valkey(ingest_key):
    assert send(ingest_key).status_code == 200
    assert recalled(ingest_key).limits is None
    assert limit_counts._valkey().keys(f"*{digest(ingest_key).hex()}*") == []


def test_requests_past_their_number_are_put_off_until_the_minute_ends(limited):
    key = limited(requests_per_minute=2)
    assert [send(key).status_code for _ in range(2)] == [200, 200]
    answer = send(key)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.json()["message"].startswith("This key may send 2 requests a minute; send it again in ")
    assert not Refusal.objects.exists()
    limit_counts._valkey().pexpire(minute_of(key), 1)  # as if a minute had passed
    time.sleep(0.05)
    assert send(key).status_code == 200


def test_what_is_refused_counts_for_nothing(limited):
    key = limited(requests_per_minute=1)
    send(key)
    assert [send(key).status_code for _ in range(5)] == [429] * 5
    assert limit_counts._valkey().hget(minute_of(key), "requests") == b"1"


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_they_hold_for_every_format(limited, method, path):
    key = limited(requests_per_minute=1)
    send(key)
    answer = send(key, {}, path, method)
    assert answer.status_code == 429, answer.content
    assert int(answer.headers["Retry-After"]) >= 1
    assert "This key may send 1 request a minute" in answer.content.decode()


def test_spans_past_their_number_are_put_off_and_one_batch_may_be_larger(limited):
    key = limited(spans_per_minute=5)
    assert send(key, records(4)).status_code == 200
    assert send(key, records(7)).json()["accepted"] == 7
    answer = send(key)
    assert (answer.status_code, "5 spans a minute" in answer.json()["message"]) == (429, True)


def test_spans_that_could_not_be_stored_do_not_count(limited):
    key = limited(spans_per_minute=1)
    assert send(key, [7]).status_code == 400
    assert send(key, records(1)).status_code == 200
    assert send(key).status_code == 429


def test_a_request_counts_once_however_often_its_key_is_asked_for(limited, rf):
    key = limited(requests_per_minute=1)
    request = rf.post("/runs/multipart", b"", JSON, headers={"Authorization": key})
    assert ingest_holder(request) == ingest_holder(request, find=recalled)
    with pytest.raises(TooBusy):
        ingest_holder(rf.post("/runs/multipart", b"", JSON, headers={"Authorization": key}))


def test_all_processes_count_together(web, limited):
    key = limited(requests_per_minute=2)
    headers = {"Authorization": key, "Content_Type": PROTOBUF}
    assert send(key).status_code == 200
    assert sent(web, "POST", "/v1/traces", protobuf(span()), **headers).status == 200
    assert sent(web, "POST", "/v1/traces", protobuf(span()), **headers).status == 429
    assert send(key).status_code == 429


def test_over_grpc_a_limit_is_resource_exhausted_with_retry_info(transactional_db, tmp_path, limited):
    key = limited(requests_per_minute=1)
    with grpc_served(tmp_path, DATABASE_URL=database_url(connection.settings_dict)) as (address, _):
        assert called(address, TRACES, export(span()), key)[1].code() is grpc.StatusCode.OK
        code, words, seconds = status_of(called(address, TRACES, export(span()), key)[1])
    assert (code, "1 request a minute" in words) == (grpc.StatusCode.RESOURCE_EXHAUSTED, True)
    assert 1 <= seconds <= 60


def test_bytes_are_in_flight_until_their_request_is_answered(web, limited):
    key = limited(bytes_in_flight=1_000)
    body = json.dumps([{"input": "x" * 800}]).encode()
    head = f"POST /api/v1/traces HTTP/1.1\r\nHost: a\r\nAuthorization: {key}\r\nConnection: close\r\n"
    host, _, port = web.partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as slow:
        slow.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:400])
        wait_until_in_flight(key)
        answer = sent(web, "POST", "/api/v1/traces", body, Authorization=key)
        assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
        assert b"This key may have 1,000 bytes in flight" in answer.content
        slow.sendall(body[400:])
        assert slow.recv(12) == b"HTTP/1.1 200"
    assert limit_counts._valkey().zcard(limit_counts._flight(digest(key))) == 0
    assert sent(web, "POST", "/api/v1/traces", body, Authorization=key).status == 200


def wait_until_in_flight(key):
    deadline = time.monotonic() + 10
    while not limit_counts._valkey().zcard(limit_counts._flight(digest(key))):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_body_larger_than_the_limit_is_taken_when_it_comes_alone(limited):
    key = limited(bytes_in_flight=10)
    assert [send(key).status_code for _ in range(3)] == [200] * 3


def test_a_body_without_a_length_counts_as_the_largest(web, limited):
    key = limited(bytes_in_flight=1_000_000)
    limit_counts._valkey().zadd(limit_counts._flight(digest(key)), {"10:other": time.time() + 60})
    assert sent(web, "POST", "/api/v1/traces", [b'{"input": ', b'"a"}'], Authorization=key).status == 429
    assert send(key).status_code == 200


def test_what_was_in_flight_in_a_process_that_was_killed_is_forgotten(limited):
    key = limited(bytes_in_flight=1_000)
    limit_counts._valkey().zadd(limit_counts._flight(digest(key)), {"999:killed": time.time() - 1})
    assert send(key).status_code == 200


def test_a_minute_whose_first_request_was_killed_ends_all_the_same(limited):
    key = limited(requests_per_minute=2)
    limit_counts._valkey().hset(minute_of(key), "requests", 1)  # and no time to live
    assert send(key).status_code == 200
    assert 0 < limit_counts._valkey().ttl(minute_of(key)) <= 60


def test_while_valkey_is_away_all_is_taken(limited, settings, tmp_path, caplog, monkeypatch):
    key = limited(requests_per_minute=1, spans_per_minute=1, bytes_in_flight=1)
    settings.CELERY_BROKER_URL = f"redis+socket://{tmp_path}/nobody.sock"
    monkeypatch.setattr(limit_counts._silent, "until", 0.0)
    limit_counts._valkey.cache_clear()
    try:
        with caplog.at_level(logging.WARNING, "traces.limit_counts"):
            assert [send(key).status_code for _ in range(3)] == [200] * 3
    finally:
        limit_counts._valkey.cache_clear()
    assert len(caplog.records) == 1
    assert "limits of keys are not counted for 5 s" in caplog.text
