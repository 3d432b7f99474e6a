"""The pages that refuse: they keep the frame of the project they were asked in, and say what would help."""

import pytest
from django.test import Client


def words(answer):
    return " ".join(answer.content.decode().split())


def test_a_page_that_the_role_does_not_reach_says_which_role_does_and_keeps_the_project(member_client):
    answer = member_client.get("/p/shop/settings/keys")
    assert answer.status_code == 403
    assert "This needs the role admin in Shop. Ask an admin for it." in words(answer)
    assert 'href="/p/shop/traces"' in words(answer)


@pytest.mark.parametrize("path", ["/p/shop/nowhere", "/p/shop/traces/none", "/p/shop/incidents/77"])
def test_an_address_without_a_page_keeps_the_project_of_a_member(member_client, path):
    answer = member_client.get(path)
    assert answer.status_code == 404
    assert "There is nothing at this address" in words(answer)
    assert '<a href="/p/shop">Look something up</a>' in words(answer)


def test_a_project_of_others_is_not_named_by_the_page_that_refuses_it(stranger_client, project):
    for path in ("/p/shop", "/p/shop/nowhere", "/p/shop/settings/keys"):
        answer = stranger_client.get(path)
        assert answer.status_code == 404
        assert "Shop" not in words(answer)


def test_one_who_is_not_logged_in_is_led_to_the_log_in_and_back(client, project):
    assert '<a href="/login?next=%2Fnowhere%3Fa%3D1">Log in</a>' in words(client.get("/nowhere?a=1"))


def test_a_form_of_an_earlier_log_in_changes_nothing_and_says_why(member):
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    answer = client.post("/preferences", {"theme": "dark", "csrfmiddlewaretoken": "x" * 32})
    assert answer.status_code == 403
    assert "the page was of an earlier log-in" in words(answer)
    assert answer.headers["Content-Security-Policy"]
    member.refresh_from_db()
    assert member.theme == ""


def test_support_is_shown_only_the_settings_that_it_may_open(member_client, engineer_client, admin_of_project_client):
    def tabs(client):
        page = words(client.get("/p/shop/mails"))
        return [name for name in ("/settings/keys", "/settings/ids", "/mails", "/inbox") if f'"/p/shop{name}"' in page]

    assert tabs(member_client) == ["/mails"]
    assert tabs(engineer_client) == ["/settings/ids", "/mails", "/inbox"]
    assert tabs(admin_of_project_client) == ["/settings/keys", "/settings/ids", "/mails", "/inbox"]


def test_the_zone_is_chosen_in_the_menu_and_the_page_says_so(member_client):
    answer = member_client.post("/preferences", {"time_zone": "Europe/Berlin"}, follow=True)
    assert "Times are shown in Europe/Berlin." in words(answer)
    assert 'value="Europe/Berlin"' in words(answer)
