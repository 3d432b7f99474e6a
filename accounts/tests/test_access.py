"""The one guarded way to a project."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404

from accounts.access import project_for, projects_of, role_in
from accounts.models import Membership, Role, User
from accounts.projects import create_project, make_administrator, make_member

ROLES = [Role.SUPPORT, Role.ENGINEER, Role.ADMIN]


@pytest.mark.parametrize("needs", ROLES)
@pytest.mark.parametrize("has", ROLES)
def test_a_role_may_do_what_those_before_it_may(project, member, has, needs):
    Membership.objects.update(role=has)
    if ROLES.index(has) >= ROLES.index(needs):
        assert project_for(member, "shop", role=needs) == project
    else:
        with pytest.raises(PermissionDenied, match=needs.label.lower()):
            project_for(member, "shop", role=needs)


@pytest.mark.parametrize("role", ROLES)
def test_a_stranger_learns_nothing_whatever_is_asked_for(project, stranger, role):
    with pytest.raises(Http404) as hidden:
        project_for(stranger, "shop", role=role)
    with pytest.raises(Http404) as missing:
        project_for(stranger, "nowhere", role=role)
    assert str(hidden.value) == str(missing.value)


def test_nobody_is_a_stranger_too(project):
    with pytest.raises(Http404):
        project_for(AnonymousUser(), "shop")
    assert role_in(AnonymousUser(), project) is None


def test_an_administrator_is_admin_everywhere(project, other_project):
    boss = User.objects.create_superuser("boss@example.org", "correct horse battery")
    assert list(projects_of(boss)) == [other_project, project]
    assert role_in(boss, project) == Role.ADMIN
    assert project_for(boss, "bank", role=Role.ADMIN) == other_project


def test_members_see_their_own_projects_by_name(project, other_project, member, stranger):
    Membership.objects.create(user=member, project=other_project)
    assert list(projects_of(member)) == [other_project, project]
    assert list(projects_of(stranger)) == [other_project]


def test_there_is_one_administrator_however_often_it_is_made(db):
    assert make_administrator("a@example.org", "first password") is True
    assert make_administrator("b@example.org", "other password") is False
    assert User.objects.get().check_password("first password")


def test_a_project_is_made_once(db):
    assert create_project("shop", "Shop") == create_project("shop", "Another name")
    assert create_project("shop").name == "Shop"


def test_a_member_gets_the_new_role_and_keeps_the_password(project):
    assert make_member("Ann@example.org", project, Role.SUPPORT, "first password") is True
    assert make_member("ann@EXAMPLE.org", project, Role.ADMIN, "other password") is False
    assert User.objects.get().check_password("first password")
    assert Membership.objects.values_list("role", flat=True).get() == Role.ADMIN
