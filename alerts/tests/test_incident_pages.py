"""The list of incidents, one incident, the button, and the count in the frame."""

import pytest
from django.utils import timezone

from alerts.models import Incident
from conftest import client_of

URL = "/p/shop/incidents"


@pytest.fixture
def url(incident):
    return f"{URL}/{incident.pk}"


def test_an_empty_list_says_what_would_be_here(member_client):
    assert "No incident yet" in member_client.get("/p/shop/incidents").content.decode()


def test_the_list_shows_open_ones_first(member_client, incident):
    past = Incident.objects.get()
    past.pk, past.resolved_at, past.over_at = None, timezone.now(), timezone.now()
    past.title = "Shop was quiet"
    past.save()
    page = member_client.get(URL).content.decode()
    assert "1 open" in page
    assert page.index("answers 54") < page.index("Shop was quiet")


def test_older_ones_are_a_link_away(member_client, incident):
    now = timezone.now()
    rows = [
        Incident(**{**vars_of(incident), "opened_at": now, "resolved_at": now, "over_at": now, "title": f"number {n}"})
        for n in range(51)
    ]
    Incident.objects.bulk_create(rows)
    page = member_client.get(URL).content.decode()
    oldest_shown = Incident.objects.order_by("-pk")[49]
    assert f'href="?before={oldest_shown.pk}"' in page
    older = member_client.get(f"{URL}?before={oldest_shown.pk}").content.decode()
    assert "number 0" in older
    assert "number 1<" not in older


def vars_of(incident):
    return {
        field.attname: getattr(incident, field.attname)
        for field in Incident._meta.concrete_fields
        if not field.primary_key
    }


def test_a_page_number_that_is_none_is_the_first_page(member_client, incident):
    assert "1 open" in member_client.get(f"{URL}?before=x").content.decode()


def test_the_page_says_what_how_much_since_when_and_shows_traces(member_client, url, incident):
    page = member_client.get(url).content.decode().replace("\u00a0", " ")
    assert "Shop answers 54 % of its requests with an error" in page
    assert "70 of 130 requests failed in 15 min" in page
    assert page.count('href="/p/shop/traces/') == 3
    assert "ada@example.org" in page
    assert 'data-chart="incident-chart-data"' in page


def test_what_traces_say_is_never_markup(member_client, url):
    page = member_client.get(url).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page


@pytest.mark.parametrize("who", ["member", "engineer", "admin"])
def test_any_member_may_acknowledge(who, request, url):
    user = request.getfixturevalue(who)
    response = client_of(user).post(f"{url}/acknowledge")
    assert (response.status_code, response.url) == (302, url)
    assert Incident.objects.get().acknowledged_by == user


def test_the_first_who_acknowledges_counts(member_client, engineer_client, member, url):
    member_client.post(f"{url}/acknowledge")
    engineer_client.post(f"{url}/acknowledge")
    assert Incident.objects.get().acknowledged_by == member
    page = member_client.get(url).content.decode()
    assert "Acknowledged by sue@example.org" in page
    assert ">Acknowledge<" not in page


def test_acknowledging_takes_a_post(member_client, url):
    assert member_client.get(f"{url}/acknowledge").status_code == 405


def test_strangers_get_404(stranger_client, url):
    assert stranger_client.get(URL).status_code == 404
    assert stranger_client.get(url).status_code == 404
    assert stranger_client.post(f"{url}/acknowledge").status_code == 404
    assert Incident.objects.get().acknowledged_at is None


def test_an_incident_is_not_found_below_another_project(stranger_client, incident):
    assert stranger_client.get(f"/p/bank/incidents/{incident.pk}").status_code == 404


def test_who_is_not_logged_in_is_sent_to_log_in(client, url):
    assert client.get(url).status_code == 302


def test_its_queries_do_not_grow(member_client, url, incident, django_assert_num_queries):
    member_client.get(url)
    # session, user, projects, incident, mails, series, traces, features; in the frame: open ones
    with django_assert_num_queries(9):
        member_client.get(url)
    with django_assert_num_queries(6):  # session, user, projects, open, past; in the frame: open ones
        member_client.get(URL)


def test_the_frame_counts_open_incidents_of_the_page_s_own_project(member_client, stranger_client, incident):
    assert "1<span" in member_client.get("/p/shop/rules").content.decode()
    assert "1<span" not in stranger_client.get("/p/bank/rules").content.decode()
