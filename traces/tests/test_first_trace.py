"""An empty project: the lines for each client with a key in them, and the first trace as soon as it comes."""

import time

import pytest
from django.urls import reverse

from accounts.models import Key
from tests import make
from tests.markup import Markup
from traces.senders import NO_KEY, SENDERS

PAGES = ("/p/shop", "/p/shop/traces", "/p/shop/send")
SEND = "/p/shop/send"
HTMX = {"HX-Request": "true"}
pytestmark = pytest.mark.django_db


def chosen(markup):
    return [radio["value"] for radio in markup.all("input", name="sender") if "checked" in radio]


def copied(markup):
    return [button["data-copy"] for button in markup.all("button", class_="copy") if "data-copy" in button]


@pytest.mark.parametrize("page", PAGES)
def test_every_client_is_there_with_its_lines(member_client, project, settings, page):
    settings.SITE_URL = "https://llmobs.example.org"
    markup = Markup(member_client.get(page))
    assert [radio["value"] for radio in markup.all("input", name="sender")] == [sender.slug for sender in SENDERS]
    texts = copied(markup)
    assert len(texts) == sum(len(sender.lines) for sender in SENDERS)
    assert any(
        f"curl https://llmobs.example.org/api/v1/traces \\\n  -H 'Authorization: Bearer {NO_KEY}' " in one
        for one in texts
    )
    assert not any("{url}" in one or "{key}" in one for one in texts)


def test_a_page_that_was_opened_by_another_address_says_that_one(member_client, project, settings):
    settings.SITE_URL = "http://127.0.0.1:8000"
    page = member_client.get("/p/shop", headers={"Host": "traces.office.example:8080"}).content.decode()
    assert "http://traces.office.example:8080/api/v1/traces" in page
    assert "127.0.0.1:8000" not in page
    assert (
        "http://127.0.0.1:8000/api/v1/traces"
        in member_client.get("/p/shop", headers={"Host": "localhost:99"}).content.decode()
    )


def test_an_admin_makes_a_key_that_stands_in_all_lines_and_works(admin_of_project_client, client, project):
    assert "Make a key and fill it in" in Markup(admin_of_project_client.get("/p/shop")).words
    markup = Markup(admin_of_project_client.post(SEND, {"sender": "langfuse"}, headers=HTMX))
    assert not markup.all("html")
    made = Key.objects.get(project=project)
    assert (made.scope, made.name) == (Key.Scope.INGEST, "Langfuse")
    assert chosen(markup) == ["langfuse"]
    key, *texts = copied(markup)
    assert key.startswith(made.prefix)
    assert sum(key in text for text in texts) >= len(SENDERS)
    assert NO_KEY not in markup.words
    sent = client.post(
        "/api/v1/traces", '{"name": "x"}', "application/json", headers={"Authorization": f"Bearer {key}"}
    )
    assert sent.status_code == 200


def test_without_scripts_the_key_comes_on_a_page_of_its_own(admin_of_project_client, project):
    answer = admin_of_project_client.post(SEND)
    assert "no-store" in answer["Cache-Control"]
    markup = Markup(answer)
    assert markup.all("html")
    assert "It is shown this once" in markup.words
    assert Key.objects.get(project=project).prefix in markup.words
    assert Key.objects.get(project=project).prefix not in Markup(admin_of_project_client.get(SEND)).words


def test_a_sender_that_nobody_knows_is_the_first_one(admin_of_project_client, project):
    assert chosen(Markup(admin_of_project_client.post(SEND, {"sender": "<b>\0"}))) == [SENDERS[0].slug]


def test_only_admins_make_keys(member_client, engineer_client, stranger_client, client, project):
    for one in (member_client, engineer_client):
        assert "Make a key and fill it in" not in Markup(one.get(SEND)).words
        assert one.post(SEND).status_code == 403
    assert stranger_client.get(SEND).status_code == stranger_client.post(SEND).status_code == 404
    assert client.get(SEND).status_code == 302
    assert not Key.objects.exists()


@pytest.mark.parametrize("page", PAGES)
def test_the_page_asks_only_for_the_trace_and_gets_nothing_to_swap_until_it_comes(member_client, project, page):
    (waiting,) = Markup(member_client.get(page)).all("p", hx_trigger="every 3s")
    asked = member_client.get(waiting["hx-get"], headers=HTMX)
    assert (asked.status_code, asked.content) == (204, b"")
    make.stored(project.pk, make.span(name="the very first"))
    arrived = Markup(member_client.get(waiting["hx-get"], headers=HTMX))
    assert not arrived.all("html")
    assert "The first trace has arrived" in arrived.words
    assert "the very first" in arrived.words
    assert not arrived.all("p", hx_trigger="every 3s")


def test_a_page_that_is_left_open_asks_for_ten_minutes_and_then_on_demand(member_client, project):
    ask = reverse("traces:first-trace-fragment", args=["shop"])
    long_ago = Markup(member_client.get(ask, {"since": int(time.time()) - 601}))
    assert "Stopped looking after ten minutes" in long_ago.words
    assert not long_ago.all("p", hx_trigger="every 3s")
    (again,) = long_ago.all("a", class_="btn")
    (waiting,) = Markup(member_client.get(again["hx-get"])).all("p", hx_trigger="every 3s")
    assert member_client.get(waiting["hx-get"]).status_code == 204


@pytest.mark.parametrize("since", ["", "-5", "x", "٣", "9" * 40, "1e9"])
def test_a_moment_that_is_none_begins_anew(member_client, project, since):
    answer = member_client.get("/p/shop/first-trace", {"since": since})
    assert Markup(answer).all("p", hx_trigger="every 3s")


def test_strangers_learn_nothing_of_the_first_trace(stranger_client, client, project):
    make.stored(project.pk, make.span(name="the very first"))
    assert stranger_client.get("/p/shop/first-trace").status_code == 404
    assert client.get("/p/shop/first-trace").status_code == 302


def test_a_hostile_trace_is_text_in_the_answer(member_client, project):
    bad = "<img src=x onerror=alert(1)>"
    make.stored(project.pk, make.span(name=bad, user_id=bad, input=bad))
    markup = Markup(member_client.get("/p/shop/first-trace", headers=HTMX))
    assert markup.inline == []
    assert not markup.all("img")
