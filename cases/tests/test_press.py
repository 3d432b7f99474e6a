"""The button that makes a case, pressed twice, at once or after going back, makes one."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from cases.models import Case, Event
from conftest import client_of

URL = "/p/shop/cases"


@pytest.fixture
def form(member_client, refund):
    """What the form of a new case sends as it is shown."""
    return form_of(member_client.get(f"{URL}/new?trace={refund(5).hex()}"))


def form_of(answer):
    page = answer.context
    return {"form": page["form_id"], "trace": page["rows"][0].address, "title": "Refunds", "note": "Anna called."}


def places(*answers):
    return [answer.headers["Location"] for answer in answers]


def test_a_second_press_opens_the_case_of_the_first(member_client, form):
    answers = [member_client.post(f"{URL}/new", form) for _ in range(3)]
    assert places(*answers) == [f"{URL}/1"] * 3
    assert Case.objects.get().traces.count() == 1
    assert Event.objects.filter(kind=Event.Kind.CREATED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_presses_at_once_make_one_case_and_leave_no_number_out(member, form):
    clients = [client_of(member) for _ in range(4)]

    def press(client):
        try:
            return client.post(f"{URL}/new", form)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(clients)) as pool:
        answers = list(pool.map(press, clients))
    assert places(*answers) == [f"{URL}/1"] * 4
    assert Case.objects.get().history.filter(kind=Event.Kind.CREATED).count() == 1
    assert places(clients[0].post(f"{URL}/new", {**form, "title": "Another"})) == [f"{URL}/2"]


def test_other_words_in_a_form_that_made_one_are_another_case(member_client, form):
    answers = [member_client.post(f"{URL}/new", {**form, "title": title}) for title in ("Refunds", "Late refunds")]
    assert places(*answers) == [f"{URL}/1", f"{URL}/2"]


def test_the_same_words_in_a_form_that_was_opened_again_are_another_case(member_client, form):
    again = form_of(member_client.get(f"{URL}/new?trace={form['trace']}"))
    answers = [member_client.post(f"{URL}/new", sent) for sent in (form, again)]
    assert places(*answers) == [f"{URL}/1", f"{URL}/2"]


def test_a_form_that_comes_back_with_an_error_is_still_the_same_form(member_client, form):
    refused = member_client.post(f"{URL}/new", {**form, "title": ""})
    assert refused.context["form_id"] == form["form"]
    assert f'name="form" value="{form["form"]}"' in refused.content.decode()


def test_another_member_who_sends_the_same_makes_a_case_of_their_own(member_client, engineer, form):
    answers = [client.post(f"{URL}/new", form) for client in (member_client, client_of(engineer))]
    assert places(*answers) == [f"{URL}/1", f"{URL}/2"]


def test_a_deleted_case_does_not_keep_its_form_from_making_one(member_client, form):
    member_client.post(f"{URL}/new", form)
    Case.objects.all().delete()
    assert places(member_client.post(f"{URL}/new", form)) == [f"{URL}/2"]


@pytest.mark.parametrize("said", ["", "\0", "x" * 5_000, "../?#%", "\u202e\U0001f642"])
def test_a_form_of_no_name_or_of_any_makes_its_case(member_client, form, said):
    answer = member_client.post(f"{URL}/new", {**form, "form": said})
    assert places(answer) == [f"{URL}/1"]
