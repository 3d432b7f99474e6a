"""An admin says what a key may send at most; empty is no limit, and so it begins."""

import pytest
from django.utils import timezone

from accounts.keys import make_key
from accounts.models import Key


@pytest.fixture
def key(ingest_key):
    return Key.objects.get()


def page(key):
    return f"/p/{key.project.slug}/settings/keys/{key.pk}/limits"


def limits(key):
    key.refresh_from_db()
    return key.requests_per_minute, key.spans_per_minute, key.bytes_in_flight


def test_a_new_key_has_no_limits_and_its_page_leads_to_them(admin_of_project_client, key):
    assert limits(key) == (None, None, None)
    keys = admin_of_project_client.get(f"/p/{key.project.slug}/settings/keys").content.decode()
    assert f'href="{page(key)}">No limit' in keys


def test_limits_are_set_shown_and_taken_away(admin_of_project_client, key):
    sent = {"requests": "600", "spans": "10000", "mebibytes": "8"}
    shown = admin_of_project_client.post(page(key), sent, follow=True).content.decode()
    assert limits(key) == (600, 10_000, 8 << 20)
    assert "600 requests a minute, 10,000 spans a minute, 8 MiB in flight" in shown
    assert "they hold within a minute" in shown
    assert 'value="8"' in admin_of_project_client.get(page(key)).content.decode()
    one = admin_of_project_client.post(page(key), {"requests": "1"}, follow=True).content.decode()
    assert ">1 request a minute<span" in one
    admin_of_project_client.post(page(key), {"requests": "", "spans": "", "mebibytes": ""})
    assert limits(key) == (None, None, None)


@pytest.mark.parametrize("wrong", ["0", "-1", "many", "1.5", str(2**31), "\0", "9" * 5000])
def test_what_is_no_limit_is_said_and_nothing_is_saved(admin_of_project_client, key, wrong):
    for field in ("requests", "spans", "mebibytes"):
        answer = admin_of_project_client.post(page(key), {field: wrong})
        assert answer.status_code == 200
        assert "field__error" in answer.content.decode()
    assert limits(key) == (None, None, None)


@pytest.mark.parametrize("who", ["member_client", "engineer_client"])
def test_support_and_engineers_may_not_set_them(request, key, who):
    client = request.getfixturevalue(who)
    assert client.get(page(key)).status_code == 403
    assert client.post(page(key), {"requests": "1"}).status_code == 403
    assert limits(key) == (None, None, None)


def test_only_a_key_that_sends_and_is_valid_has_limits(admin_of_project_client, project, other_project, key):
    others = [make_key(project, Key.Scope.READ), make_key(other_project)]
    Key.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    assert len(others) == 2
    for one in Key.objects.all():
        address = f"/p/{project.slug}/settings/keys/{one.pk}/limits"
        assert admin_of_project_client.post(address, {"requests": "1"}).status_code == 404
    assert not Key.objects.exclude(requests_per_minute=None).exists()
