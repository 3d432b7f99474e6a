"""Keys: made once, shown once, recognised in every form that clients send, refused as soon as they are revoked."""

import base64
import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts import keys
from accounts.keys import make_key
from accounts.models import Key

RECORD = {"request_id": "req-1", "output": "hello"}


def page(project):
    return f"/p/{project.slug}/settings/keys"


def sent_with(client, **headers):
    return client.post("/api/v1/traces", RECORD, "application/json", headers=headers).status_code


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_only_the_digest_of_a_key_is_stored(project):
    key = make_key(project, name="checkout")
    row = Key.objects.values().get()
    assert bytes(row["digest"]) == keys.digest(key) != key.encode()
    assert key not in str(row)
    assert key.startswith(row["prefix"])
    assert len(row["prefix"]) < len(key) - 20


def test_no_two_keys_are_alike_and_the_scope_can_be_seen_in_each(project):
    made = {make_key(project, scope) for scope in ("ingest", "read") for _ in range(5)}
    assert len(made) == 10
    assert {key[:11] for key in made} == {"llmobs_in_" + key[10] for key in made if "_in_" in key} | {
        "llmobs_rd_" + key[10] for key in made if "_rd_" in key
    }


def test_a_new_key_is_shown_once_and_from_then_on_only_its_beginning(admin_of_project_client, project):
    shown = admin_of_project_client.post(page(project), {"name": "checkout", "scope": "ingest"}).content.decode()
    key = re.search(r"llmobs_in_[\w-]{40,}", shown)[0]
    later = admin_of_project_client.get(page(project)).content.decode()
    assert key not in later
    assert f"{Key.objects.get().prefix}…" in later
    assert "checkout" in later
    assert sent_with(Client(), Authorization=f"Bearer {key}") == 200


def test_a_key_needs_a_name_and_a_scope_that_there_is(admin_of_project_client, project):
    answer = admin_of_project_client.post(page(project), {"name": "", "scope": "everything"})
    assert answer.status_code == 200
    assert "Write what the key is for." in answer.content.decode()
    assert not Key.objects.exists()


def test_a_revoked_key_is_refused_from_the_next_request_on(admin_of_project_client, project, ingest_key):
    assert sent_with(Client(), Authorization=f"Bearer {ingest_key}") == 200
    address = f"{page(project)}/{Key.objects.get().pk}/revoke"
    answer = admin_of_project_client.post(address, follow=True)
    assert "is revoked." in answer.content.decode()
    assert sent_with(Client(), Authorization=f"Bearer {ingest_key}") == 401


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs", "/v1/metrics", "/api/v1/scores"])
def test_a_key_that_was_seen_a_moment_ago_is_refused_too_once_it_is_revoked(project, ingest_key, path):
    bearer = {"Authorization": f"Bearer {ingest_key}"}
    assert sent_with(Client(), **bearer) == 200
    Key.objects.update(revoked_at=timezone.now())
    assert Client().post(path, b"{}", "application/json", headers=bearer).status_code == 401


def test_revoking_twice_keeps_the_first_moment(admin_of_project_client, project, ingest_key):
    address = f"{page(project)}/{Key.objects.get().pk}/revoke"
    admin_of_project_client.post(address)
    first = Key.objects.get().revoked_at
    admin_of_project_client.post(address)
    assert Key.objects.get().revoked_at == first


def test_a_key_is_revoked_by_post_only(admin_of_project_client, project, ingest_key):
    assert admin_of_project_client.get(f"{page(project)}/{Key.objects.get().pk}/revoke").status_code == 405
    assert Key.objects.get().revoked_at is None


def test_an_admin_cannot_revoke_the_key_of_another_project(admin_of_project_client, project, other_project):
    make_key(other_project)
    answer = admin_of_project_client.post(f"{page(project)}/{Key.objects.get().pk}/revoke")
    assert answer.status_code == 404
    assert Key.objects.get().revoked_at is None


def test_a_post_without_its_token_from_the_form_is_refused(admin, project):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    assert client.post(page(project), {"name": "stolen", "scope": "read"}).status_code == 403


@pytest.mark.parametrize("who", ["member_client", "engineer_client"])
def test_support_and_engineers_may_not_see_or_make_keys(request, project, ingest_key, who):
    client = request.getfixturevalue(who)
    revoke = f"{page(project)}/{Key.objects.get().pk}/revoke"
    assert client.get(page(project)).status_code == 403
    assert client.post(page(project), {"name": "mine", "scope": "read"}).status_code == 403
    assert client.post(revoke).status_code == 403
    assert Key.objects.filter(revoked_at=None).count() == 1


def test_strangers_are_not_told_that_the_project_exists(stranger_client, project):
    assert stranger_client.get(page(project)).status_code == 404
    assert stranger_client.get("/p/nowhere/settings/keys").status_code == 404


def test_the_page_asks_anyone_else_to_log_in(client, project):
    assert client.get(page(project)).headers["Location"].startswith("/login?next=")


def test_every_form_of_sending_a_key_is_understood(client, ingest_key):
    for headers in (
        {"Authorization": f"Bearer {ingest_key}"},
        {"Authorization": f"bearer  {ingest_key} "},
        {"Authorization": ingest_key},
        {"Authorization": basic("pk-lf-any", ingest_key)},
        {"Authorization": basic("", ingest_key).replace("Basic", "basic")},
        {"x-api-key": ingest_key},
        {"X-Auth-Token": ingest_key},
    ):
        assert sent_with(client, **headers) == 200, headers


def test_what_is_no_key_is_401_and_says_how_to_send_one(client, project, ingest_key):
    for headers in (
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic \xe9"},
        {"Authorization": basic(ingest_key, "")},
        {"Authorization": f"Bearer {ingest_key}x"},
        {"Authorization": f"Bearer {ingest_key[:-1]}"},
        {"Authorization": f"Bearer {ingest_key.swapcase()}"},
        {"Authorization": "Bearer Ünbekannt\x00"},
        {"x-api-key": "llmobs_in_guess"},
    ):
        answer = client.post("/api/v1/traces", RECORD, "application/json", headers=headers)
        assert answer.status_code == 401, headers
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "key" in answer.json()["message"]


def test_a_read_key_may_not_send_and_a_key_that_sends_may_not_read(client, ingest_key, read_key):
    assert sent_with(client, Authorization=f"Bearer {read_key}") == 403
    assert sent_with(client, Authorization=f"Bearer {ingest_key}") == 200
    for key, status in ((ingest_key, 403), (read_key, 200), ("nobodys", 401)):
        answer = client.get("/api/v1/requests/req-1", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == status
        assert status == 200 or answer.json()["message"]


def test_the_last_use_is_written_at_most_once_a_minute(client, ingest_key):
    begin = timezone.now()
    seen = []
    for seconds in (0, 20, 59, 61):
        with time_machine.travel(begin + timedelta(seconds=seconds), tick=False):
            assert sent_with(client, Authorization=f"Bearer {ingest_key}") == 200
        seen.append(Key.objects.get().last_used_at)
    assert seen[:3] == [begin] * 3
    assert seen[3] == begin + timedelta(seconds=61)


def test_reading_counts_as_a_use_and_a_refusal_does_not(client, project, read_key):
    assert sent_with(client, Authorization=f"Bearer {read_key}") == 403
    assert Key.objects.get().last_used_at is None
    client.get("/api/v1/requests/none", headers={"Authorization": f"Bearer {read_key}"})
    assert Key.objects.get().last_used_at is not None


def test_another_process_has_noted_the_use_already(ingest_key):
    """The process's own memory is empty, and the row says that a minute has not passed."""
    now, row = timezone.now(), Key.objects.get()
    Key.objects.update(last_used_at=now - timedelta(seconds=30))
    keys.note_use(row.pk, now)
    assert Key.objects.get().last_used_at == now - timedelta(seconds=30)


def test_what_a_key_is_called_is_text_on_the_page(admin_of_project_client, project):
    make_key(project, name="<script>alert(1)</script>")
    content = admin_of_project_client.get(page(project)).content.decode()
    assert "&lt;script&gt;alert(1)" in content
    assert "<script>alert" not in content


def test_the_page_takes_no_more_queries_with_more_keys(admin_of_project_client, project, django_assert_num_queries):
    for number in range(30):
        make_key(project, name=f"key {number}")
    # session, user, projects with roles, keys; open incidents
    with django_assert_num_queries(5):
        admin_of_project_client.get(page(project))
