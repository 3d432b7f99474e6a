"""A refused request is run again after a fix: through its own address, for a member, once however often it is asked."""

import gzip
import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Key
from tests.otlp import PROTOBUF, protobuf, span
from tests.outages import SLEEPING, before_each, disk_full, until
from traces import replays, retention
from traces.models import Refusal, RefusalCount, Replay
from traces.queries.traces import traces_of_request
from traces.wire import plain_record

JSON = "application/json"
RECORD = {"request_id": "req-1", "span_id": "s-1", "model": "gpt-4o-mini", "input": "Hello", "output": "Hi"}


@pytest.fixture
def send(client, ingest_key):
    def _send(body, path="/api/v1/traces", content_type=JSON, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {ingest_key}", "Content-Length": str(len(data)), **headers}
        return client.post(path, data, content_type, headers=headers)

    return _send


@pytest.fixture
def press(engineer_client):
    """Press the button of one refusal, by default the newest; its page afterwards."""

    def _press(refusal=None):
        refusal = refusal or Refusal.objects.first()
        return engineer_client.post(f"/p/shop/inbox/{refusal.pk}/replay", follow=True).content.decode()

    return _press


@pytest.fixture
def press_reason(engineer_client):
    def _press(reason=None):
        reason = reason or Refusal.objects.first().alike[0]
        answer = engineer_client.post("/p/shop/inbox/replay", {"reason": reason}, follow=True)
        assert answer.status_code == 200
        return answer.content.decode()

    return _press


@pytest.fixture
def fix(monkeypatch):
    """What a release would bring: from now on `input_tokens` may be a word."""

    def _fix():
        fields = {**plain_record.FIELDS, "input_tokens": lambda name, value: 7}
        monkeypatch.setattr(plain_record, "FIELDS", fields)

    return _fix


def broken(number=1):
    return {**RECORD, "request_id": f"req-{number}", "span_id": f"s-{number}", "input_tokens": "many"}


def test_what_was_refused_is_stored_after_the_fix(send, press, fix, project, engineer):
    assert send(broken()).status_code == 400
    fix()
    page = press()
    refusal = Refusal.objects.get()
    assert refusal.taken
    assert (refusal.replay_stored, refusal.replay_known, refusal.replayed_by) == (1, 0, engineer)
    assert traces_of_request(project.pk, "req-1").spans[0].record.input_tokens == 7
    assert "1 span or score stored, 0 were there already" in page
    assert f"/p/shop/inbox/{refusal.pk}/replay" not in page


def test_without_a_fix_it_is_refused_still_and_says_why(send, press, project):
    send([RECORD, broken(2)])
    page = press()
    refusal = Refusal.objects.get()
    assert not refusal.taken
    assert (refusal.replay_stored, refusal.replay_known, refusal.replay_refused) == (0, 1, 1)
    assert refusal.replay_reason == 'records[1]: "input_tokens" is "many"; write a whole number of 0 or more.'
    assert "Refused still" in page
    assert "1 span or record: records[1]" in page
    assert "Replay once more" in page


def test_a_refusal_of_a_replay_is_neither_kept_nor_counted_again(send, press):
    send(broken())
    press()
    assert Refusal.objects.count() == 1
    assert RefusalCount.objects.get().requests == 1


def test_pressed_twice_is_pressed_once(send, press, fix, project):
    send(broken())
    fix()
    press()
    first = Refusal.objects.get()
    assert "It was taken already." in press()
    assert Refusal.objects.get().replayed_at == first.replayed_at
    assert len(traces_of_request(project.pk, "req-1").spans) == 1


def test_of_two_replays_at_once_the_first_to_end_is_told(send, fix, project, engineer):
    """The other finds all of it stored, and says nothing over it."""
    send(broken())
    fix()
    one, other = Refusal.objects.get(), Refusal.objects.get()
    replays.replay(one, engineer, timezone.now())
    replays.replay(other, engineer, timezone.now() + timedelta(seconds=1))
    refusal = Refusal.objects.get()
    assert (refusal.replay_stored, refusal.replay_known) == (1, 0)
    assert other.replay_stored == 1


def test_the_encoding_and_type_of_the_body_are_kept(send, press, fix, project):
    body = gzip.compress("\n".join(map(json.dumps, [broken(1), broken(2)])).encode())
    assert send(body, content_type="application/x-ndjson", **{"Content-Encoding": "gzip"}).status_code == 400
    fix()
    press()
    assert Refusal.objects.get().replay_stored == 2


@pytest.mark.parametrize("path", ["/v1/traces", "/api/public/otel/v1/traces"])
def test_opentelemetry_goes_through_its_own_address(send, press, project, path):
    lost = span()
    lost.trace_id = b"short"
    send(protobuf(lost, span(trace_id=b"t" * 16)), path, PROTOBUF)
    press()
    refusal = Refusal.objects.get()
    assert (refusal.replay_stored, refusal.replay_known, refusal.replay_refused) == (0, 1, 1)


def test_scores_are_replayed_too(send, press, project):
    send({"name": "helpful", "value": True, "source": "robot", "session_id": "s-1"}, "/api/v1/scores")
    refusal = Refusal.objects.get()
    body = bytes(refusal.body).replace(b"robot", b"judge")
    Refusal.objects.update(body=body, size_bytes=len(body))
    press()
    assert Refusal.objects.get().replay_stored == 1


def test_a_revoked_key_does_not_matter_and_the_project_does(send, press, fix, project, other_project, ingest_key):
    send(broken())
    Key.objects.update(revoked_at=timezone.now())
    fix()
    press()
    assert Refusal.objects.get().taken
    assert traces_of_request(project.pk, "req-1") is not None
    assert traces_of_request(other_project.pk, "req-1") is None


def test_a_refusal_of_another_project_is_not_found(send, fix, stranger_client, engineer_client, other_project):
    send(broken())
    fix()
    refusal = Refusal.objects.get()
    assert stranger_client.post(f"/p/bank/inbox/{refusal.pk}/replay").status_code == 404
    assert stranger_client.post(f"/p/shop/inbox/{refusal.pk}/replay").status_code == 404
    assert stranger_client.post("/p/bank/inbox/replay", {"reason": refusal.alike[0]}).status_code == 302
    assert not Replay.objects.exists()
    assert not Refusal.objects.get().replayed_at


def test_support_staff_may_not_and_nobody_may_without_the_token(send, fix, member_client, engineer):
    send(broken())
    refusal = Refusal.objects.get()
    assert member_client.post(f"/p/shop/inbox/{refusal.pk}/replay").status_code == 403
    assert member_client.post("/p/shop/inbox/replay", {"reason": "x"}).status_code == 403
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(engineer)
    assert strict.post(f"/p/shop/inbox/{refusal.pk}/replay").status_code == 403
    assert strict.post("/p/shop/inbox/replay", {"reason": refusal.alike[0]}).status_code == 403
    assert strict.get(f"/p/shop/inbox/{refusal.pk}/replay").status_code == 405


def test_a_body_of_which_only_the_beginning_is_kept_is_not_run(send, press, press_reason, settings):
    settings.INBOX_MAX_BODY_BYTES = 10
    send(broken())
    refusal = Refusal.objects.get()
    assert "Only the beginning of the body is kept" in press()
    assert not Refusal.objects.get().replayed_at
    assert "There is no body of this reason that can be replayed" in press_reason()
    assert refusal.replayed_at is None


def test_while_the_database_takes_nothing_nothing_is_noted(send, press, fix):
    send(broken())
    fix()
    with disk_full("INSERT ON traces_span"):
        assert "The database does not take it now." in press()
    assert Refusal.objects.get().replayed_at is None


def test_an_address_that_is_no_more_is_said(send, press):
    send(broken())
    Refusal.objects.update(address="/v1/gone")
    press()
    assert Refusal.objects.get().replay_reason == "/v1/gone answers 404 to POST."


# --- all of one reason


def test_all_of_a_reason_are_replayed_in_the_background(send, press_reason, fix, project, engineer):
    for number in range(3):
        send(broken(number))
    send(b"{")
    fix()
    reason = Refusal.objects.last().alike[0]
    page = press_reason(reason)
    assert "Replaying: 0 of 3" in page
    assert not Refusal.objects.filter(replayed_at__isnull=False).exists()  # not in the request
    replays.carry_on(timezone.now())
    done = Replay.objects.get()
    assert (done.done, done.taken, done.refused, done.stored) == (3, 3, 0, 3)
    assert done.finished_at
    assert [one.replayed_by for one in Refusal.objects.filter(alike__contains=[reason])] == [engineer] * 3
    assert Refusal.objects.filter(replayed_at=None).count() == 1
    assert traces_of_request(project.pk, "req-2") is not None


def test_what_is_taken_is_not_run_again_and_what_is_refused_still_is(send, press_reason, fix):
    send([broken(1), 7])  # two reasons
    send(broken(2))
    fix()
    reason = 'records[…]: "input_tokens" is …; write a whole number of … or more.'
    press_reason(reason)
    replays.carry_on(timezone.now())
    assert (Replay.objects.get().taken, Replay.objects.get().refused) == (1, 1)
    press_reason(reason)
    assert Replay.objects.first().total == 1


def test_pressed_twice_there_is_one_replay(send, press_reason):
    send(broken())
    press_reason()
    press_reason()
    assert Replay.objects.count() == 1


def test_a_tick_ends_in_time_and_the_next_goes_on(send, press_reason, fix):
    for number in range(3):
        send(broken(number))
    fix()
    press_reason()
    for done in (1, 2, 3):
        replays.carry_on(timezone.now(), most_seconds=0)
        assert (Replay.objects.get().done, Replay.objects.get().finished_at) == (done, None)
    replays.carry_on(timezone.now())
    assert Replay.objects.get().finished_at


def test_two_workers_do_not_work_at_one_replay_until_a_lease_is_over(send, press_reason, settings):
    send(broken())
    press_reason()
    now = timezone.now()
    Replay.objects.update(claimed_at=now)
    replays.carry_on(now + timedelta(seconds=settings.REPLAY_LEASE_SECONDS - 1))
    assert Replay.objects.get().done == 0
    replays.carry_on(now + timedelta(seconds=settings.REPLAY_LEASE_SECONDS + 1))
    assert Replay.objects.get().done == 1


def test_a_request_that_ends_its_worker_is_not_begun_again(send, press_reason, fix):
    for number in range(2):
        send(broken(number))
    fix()
    press_reason()
    with before_each("INSERT ON traces_span", "PERFORM pg_sleep(60)"), ThreadPoolExecutor(1) as another:
        # Whoever runs this in the background may have told all processes to ignore it.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        looking = threading.Event()
        interrupting = another.submit(interrupt_in_the_middle, looking)
        assert looking.wait(30)
        with pytest.raises(KeyboardInterrupt):
            replays.carry_on(timezone.now())
        interrupting.result()
        signal.signal(signal.SIGINT, before)
    replays.carry_on(timezone.now())
    one = Replay.objects.get()
    assert (one.done, one.taken, one.unanswered) == (2, 1, 1)
    assert replays.waiting_for(one.project_id, one.reason).count() == 1


def interrupt_in_the_middle(looking):
    """End whatever the process does as soon as its writing has begun; says when its own connection is there."""
    try:
        connection.ensure_connection()
        looking.set()
        until(SLEEPING, 1)
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        connection.close()


def test_what_is_put_off_waits_for_the_next_tick(send, press_reason, fix):
    send(broken())
    fix()
    press_reason()
    with disk_full("INSERT ON traces_span"):
        replays.carry_on(timezone.now())
    assert (Replay.objects.get().done, Replay.objects.get().finished_at) == (0, None)
    replays.carry_on(timezone.now())
    assert Replay.objects.get().taken == 1


def test_the_fragment_asks_for_itself_until_it_is_done(send, press_reason, fix, engineer_client, member_client):
    send(broken())
    fix()
    press_reason()
    address = f"/p/shop/inbox/replays/{Replay.objects.get().pk}"
    assert 'hx-trigger="every 2s"' in engineer_client.get(address).content.decode()
    assert member_client.get(address).status_code == 403
    replays.carry_on(timezone.now())
    done = engineer_client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "hx-trigger" not in done
    assert "Replayed 1 request: 1 taken." in done
    assert "1 span or score stored" in done


def test_a_reason_that_nobody_gave_replays_nothing(press_reason, engineer_client, project):
    assert "There is no body of this reason" in press_reason("never")
    assert engineer_client.post("/p/shop/inbox/replay").status_code == 404


def test_replays_go_with_the_refusals(send, press_reason, settings):
    send(broken())
    press_reason()
    Replay.objects.update(asked_at=timezone.now() - timedelta(days=settings.INBOX_RETENTION_DAYS + 2))
    retention.drop_old_refusals(timezone.now().date())
    assert not Replay.objects.exists()


# --- every address


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/api/public/ingestion",
            {"batch": [
                {"id": "e-1", "type": "trace-create", "timestamp": "2026-11-21T10:00:00Z", "body": {"id": "t-1"}},
                {"id": "e-2", "type": "span-create", "timestamp": "2026-11-21T10:00:00Z", "body": 7},
            ]},
        ),
        ("/opik/v1/private/spans/batch", {"spans": [{"id": "1", "trace_id": "t-1", "name": "a"}, 7]}),
        ("/runs/batch", {"post": [{"id": "1", "trace_id": "1", "name": "a", "run_type": "chain"}, 7]}),
    ],
)  # fmt: skip
def test_the_addresses_of_other_clients_are_replayed_alike(send, press, path, body):
    assert send(body, path).status_code < 500
    refusal = Refusal.objects.get()
    press()
    refusal.refresh_from_db()
    assert refusal.replayed_at
    assert refusal.replay_reason == refusal.reason
    assert (refusal.replay_stored, refusal.replay_known) == (0, 1)
