"""A member's own password: the first one was made by somebody else."""

import pytest
from django.test import Client

from conftest import PASSWORD, client_of

NEW = "a river that nobody names"


def change(client, now=PASSWORD, new=NEW, again=NEW):
    return client.post("/password", {"old_password": now, "new_password1": new, "new_password2": again}, follow=True)


def test_a_member_changes_the_password_and_stays_logged_in_only_here(member, member_client):
    elsewhere = client_of(member)
    answer = change(member_client)
    assert [address for address, _ in answer.redirect_chain] == ["/", "/p/shop"]
    assert "The password is changed. Your other browsers are logged out." in answer.content.decode()
    assert elsewhere.get("/p/shop").headers["Location"].startswith("/login")
    assert Client().post("/login", {"username": member.email, "password": NEW}).status_code == 302
    assert Client().post("/login", {"username": member.email, "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"now": "another one"}, "This is not your password now."),
        ({"again": NEW + "!"}, "The two new passwords differ."),
        ({"new": "short", "again": "short"}, "at least 10 characters"),
        ({"new": "password12", "again": "password12"}, "too common"),
        ({"now": "", "new": "", "again": ""}, "Write a password."),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_changes(member, member_client, fields, said):
    answer = change(member_client, **fields)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert Client().post("/login", {"username": member.email, "password": PASSWORD}).status_code == 302


def test_the_menu_of_every_page_leads_to_it(member_client):
    assert 'href="/password"' in member_client.get("/p/shop").content.decode()
