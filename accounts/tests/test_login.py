"""Logging in and out, and what a member prefers."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.lookups import remember
from accounts.models import Membership, Role, User
from accounts.projects import create_project
from conftest import PASSWORD


def log_in(client, email, password=PASSWORD, **fields):
    return client.post("/login", {"username": email, "password": password, **fields})


def test_an_address_is_one_member_however_it_is_typed(member):
    for typed in ("sue@example.org", "Sue@Example.ORG", "  SUE@EXAMPLE.ORG "):
        assert log_in(Client(), typed).status_code == 302, typed


def test_an_address_is_kept_in_lower_case(db):
    assert User.objects.create_user(" Ann@Example.org ", PASSWORD).email == "ann@example.org"


@pytest.mark.parametrize(("email", "password"), [("sue@example.org", "wrong"), ("nobody@example.org", PASSWORD)])
def test_a_wrong_password_and_an_unknown_address_read_the_same(client, member, email, password):
    answer = log_in(client, email, password)
    assert answer.status_code == 200
    assert "This e-mail address and password do not belong together." in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_a_member_who_was_switched_off_stays_out(client, member):
    User.objects.update(is_active=False)
    assert log_in(client, member.email).status_code == 200
    assert "_auth_user_id" not in client.session


def test_logging_in_leads_to_the_look_up_of_the_first_project(client, member, project):
    answer = client.post("/login", {"username": member.email, "password": PASSWORD}, follow=True)
    assert [address for address, _ in answer.redirect_chain] == ["/", "/p/shop"]


def test_logging_in_leads_to_the_project_that_the_member_looked_something_up_in_last(client, member, project):
    other, left = create_project("tents", "Tents"), create_project("zoo", "Zoo")
    Membership.objects.create(user=member, project=other, role=Role.SUPPORT)
    now = timezone.now()
    for minutes, where in ((3, project), (2, other), (1, left)):
        remember(member, where, "req_1", "request", now - timedelta(minutes=minutes))
    assert log_in(client, member.email).status_code == 302
    assert client.get("/").headers["Location"] == "/p/tents"
    remember(member, project, "req_2", "request", now)
    assert client.get("/").headers["Location"] == "/p/shop"


def test_logging_in_leads_back_to_the_page_that_was_asked_for(client, member):
    asked = client.get("/p/shop/traces?period=7d")
    page = client.get(asked.headers["Location"])
    wanted = re.search(r'name="next" value="([^"]+)"', page.content.decode())[1]
    assert log_in(client, member.email, next=wanted).headers["Location"] == "/p/shop/traces?period=7d"


def test_logging_in_never_leads_to_another_host(client, member):
    for elsewhere in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        assert log_in(Client(), member.email, next=elsewhere).headers["Location"] == "/"


def test_one_who_is_logged_in_is_not_asked_again(member_client):
    assert member_client.get("/login").headers["Location"] == "/"


def test_a_member_of_no_project_is_told_how_to_get_into_one(client, db):
    User.objects.create_user("new@example.org", PASSWORD)
    answer = client.post("/login", {"username": "new@example.org", "password": PASSWORD}, follow=True)
    assert answer.status_code == 200
    assert "make_member new@example.org" in answer.content.decode()


def test_the_time_zone_of_the_first_log_in_is_kept(member):
    log_in(Client(), member.email, time_zone="Asia/Tokyo")
    log_in(Client(), member.email, time_zone="Europe/Berlin")
    assert User.objects.get().time_zone == "Asia/Tokyo"


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "\0", "x" * 5000])
def test_what_is_no_time_zone_keeps_nobody_out(client, member, name):
    log_in(client, member.email, time_zone="Europe/Berlin")
    User.objects.update(time_zone="")
    log_in(Client(), member.email, time_zone=name)
    assert User.objects.get().time_zone == ""


def test_times_are_shown_in_the_zone_of_the_member(member_client, member):
    User.objects.update(time_zone="Asia/Tokyo")
    assert "Times in Asia/Tokyo (UTC+0900)" in member_client.get("/p/shop").content.decode()


def test_a_zone_that_is_gone_breaks_no_page(member_client, member):
    User.objects.update(time_zone="Nowhere/Gone")
    assert "Times in UTC" in member_client.get("/p/shop").content.decode()


def test_logging_out_takes_a_post(member_client):
    assert member_client.get("/logout").status_code == 405
    assert "_auth_user_id" in member_client.session
    assert member_client.post("/logout").headers["Location"] == "/login"
    assert member_client.get("/p/shop").status_code == 302


def test_the_theme_is_changed_and_the_page_comes_back(member_client, member):
    answer = member_client.post(
        "/preferences", {"theme": "dark"}, headers={"Referer": "http://testserver/p/shop/traces"}
    )
    assert answer.headers["Location"] == "http://testserver/p/shop/traces"
    assert 'data-theme="dark"' in member_client.get("/p/shop").content.decode()


def test_preferences_that_are_not_sent_stay(member_client, member):
    member_client.post("/preferences", {"theme": "dark"})
    member_client.post("/preferences", {"time_zone": "Europe/Berlin"})
    assert User.objects.values_list("theme", "time_zone").get() == ("dark", "Europe/Berlin")


def test_preferences_that_there_are_not_change_nothing(member_client, member):
    answer = member_client.post("/preferences", {"theme": "pink", "time_zone": "Mars"}, follow=True)
    assert "Mars is not a time zone" in answer.content.decode()
    assert User.objects.values_list("theme", "time_zone").get() == ("", "")


def test_preferences_never_lead_to_another_host(member_client):
    answer = member_client.post("/preferences", {"theme": ""}, headers={"Referer": "https://evil.example/"})
    assert answer.headers["Location"] == "/"


def test_preferences_are_for_members_and_by_post(client, member_client):
    assert client.post("/preferences", {"theme": "dark"}).headers["Location"].startswith("/login")
    assert member_client.get("/preferences").status_code == 405
