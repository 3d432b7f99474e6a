"""`manage.py make_key` and `manage.py make_member`, as scripts call them."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.keys import holder_of
from accounts.models import Key, Membership, Role, User


def run(*arguments):
    """What a command writes to stdout and to stderr."""
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_make_key_prints_the_key_and_nothing_else(project):
    printed, _ = run("make_key", "shop")
    assert printed.count("\n") == 1
    holder = holder_of(printed.strip())
    assert (holder.project, holder.scope) == (project, "ingest")


def test_make_key_makes_a_read_key_and_names_it(project):
    printed, _ = run("make_key", "shop", "--scope", "read", "--name", "nightly report")
    assert holder_of(printed.strip()).scope == "read"
    assert Key.objects.get().name == "nightly report"


def test_make_key_twice_makes_two_keys_that_both_work(project):
    printed = {run("make_key", "shop")[0].strip() for _ in range(2)}
    assert all(holder_of(key) for key in printed)
    assert len(printed) == 2


def test_make_key_of_an_unknown_project_says_which_there_are(project, other_project):
    with pytest.raises(CommandError, match=r"^There is no project shopp\. Projects: bank, shop\.$"):
        run("make_key", "shopp")


def test_make_key_without_any_project_says_so(db):
    with pytest.raises(CommandError, match="none yet"):
        run("make_key", "shop")


def test_make_key_knows_only_two_scopes(project):
    with pytest.raises(CommandError, match="invalid choice"):
        run("make_key", "shop", "--scope", "write")


def test_make_member_prints_the_first_password_and_it_logs_in(client, project):
    printed, _ = run("make_member", "Ann@example.org", "--project", "shop", "--role", "engineer")
    assert printed.count("\n") == 1
    answer = client.post("/login", {"username": "ann@example.org", "password": printed.strip()})
    assert answer.status_code == 302
    assert Membership.objects.get().role == Role.ENGINEER


def test_make_member_twice_changes_the_role_and_prints_no_password(project):
    first, _ = run("make_member", "ann@example.org", "--project", "shop")
    printed, said = run("make_member", "ANN@example.org", "--project", "shop", "--role", "admin")
    assert printed == ""
    assert "keeps the password; the role is now admin." in said
    assert User.objects.get().check_password(first.strip())
    assert Membership.objects.get().role == Role.ADMIN


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("ann@example.org", "--project", "nowhere"), "There is no project nowhere."),
        (("ann", "--project", "shop"), "ann is not an e-mail address."),
    ],
)
def test_make_member_says_what_is_wrong_and_makes_nobody(project, arguments, sentence):
    with pytest.raises(CommandError, match=f"^{sentence}"):
        run("make_member", *arguments)
    assert not User.objects.exists()
