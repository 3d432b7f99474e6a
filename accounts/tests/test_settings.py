"""The settings lead everybody to a page that they may see."""

import pytest
from django.urls import reverse


@pytest.mark.parametrize(
    ("client", "page"),
    [
        ("member_client", "alerts:mail-list"),
        ("engineer_client", "traces:inbox"),
        ("admin_of_project_client", "accounts:keys"),
    ],
)
def test_the_settings_open_on_the_first_page_that_the_role_may_see(request, project, client, page):
    answer = request.getfixturevalue(client).get(reverse("accounts:settings", args=[project.slug]), follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain == [(reverse(page, args=[project.slug]), 302)]


def test_strangers_find_no_settings(stranger_client, project):
    assert stranger_client.get(reverse("accounts:settings", args=[project.slug])).status_code == 404


IDS = "/p/shop/settings/ids"


def test_engineers_name_the_keys_of_metadata_that_are_ids(engineer_client, project):
    answer = engineer_client.post(IDS, {"keys": "order_id\n\n ticket \nmetadata.order_id\n"}, follow=True)
    assert answer.redirect_chain == [(IDS, 302)]
    project.refresh_from_db()
    assert project.id_keys == ["order_id", "ticket"]
    assert "order_id\nticket</textarea>" in answer.content.decode()
    engineer_client.post(IDS, {"keys": ""})
    project.refresh_from_db()
    assert project.id_keys == []


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("\n".join(f"key_{n}" for n in range(21)), "These are 21 keys; name at most 20."),
        ("k" * 201, "is 201 characters long; at most 200 are taken."),
        ("order_id, ticket", "order_id, ticket cannot be a key; write one a line"),
        ("a\x7fb", "cannot be a key"),
    ],
)
def test_what_cannot_be_a_key_is_explained_and_nothing_is_saved(engineer_client, project, keys, words):
    answer = engineer_client.post(IDS, {"keys": keys})
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert 'aria-invalid="true"' in answer.content.decode()
    project.refresh_from_db()
    assert project.id_keys == []


def test_support_does_not_change_the_keys(member_client, project):
    assert member_client.get(IDS).status_code == 403
    assert member_client.post(IDS, {"keys": "order_id"}).status_code == 403


FACETS = "/p/shop/settings/facets"


def test_engineers_name_the_keys_of_metadata_that_narrow_lists_down(engineer_client, project):
    answer = engineer_client.post(FACETS, {"keys": "plan\nmetadata.region\nplan"}, follow=True)
    assert answer.redirect_chain == [(FACETS, 302)]
    project.refresh_from_db()
    assert project.facet_keys == ["plan", "region"]
    assert project.id_keys == []


def test_ten_keys_narrow_down_at_most(engineer_client, project):
    answer = engineer_client.post(FACETS, {"keys": "\n".join(f"key_{n}" for n in range(11))})
    assert "These are 11 keys; name at most 10." in answer.content.decode()
    project.refresh_from_db()
    assert project.facet_keys == []


def test_support_does_not_choose_the_facets(member_client, project):
    assert member_client.get(FACETS).status_code == 403
    assert member_client.post(FACETS, {"keys": "plan"}).status_code == 403
