"""The list of rules and the form of one."""

import pytest
from django.utils import timezone

from alerts.models import Incident, Rule
from alerts.tests.traffic import rule_of

URL = "/p/shop/rules"


@pytest.fixture
def rule(project):
    return rule_of(project, "error_rate")


@pytest.fixture
def url(rule):
    return f"{URL}/{rule.pk}"


def filled(**changes):
    """The form as the browser sends it."""
    return {
        "enabled": "on",
        "limit": "2.5",
        "minimum": "50",
        "clean_minutes": "15",
        "severity": "ticket",
        "recipients": "on-call@example.org\r\n\r\n anna@example.org ",
        **changes,
    }


def test_the_page_makes_the_four_rules_of_a_new_project(member_client, project):
    page = member_client.get(URL).content.decode().replace("\u00a0", " ")
    assert Rule.objects.filter(project=project).count() == 4
    assert "Over 5 % of the requests fail" in page
    assert "Requests fall to 10 % of the usual" in page
    assert "not looked at yet" in page


def test_support_reads_the_rules_and_changes_none(member_client, url, rule):
    assert f'href="{url}"' not in member_client.get(URL).content.decode()
    assert member_client.get(url).status_code == 403
    assert member_client.post(url, filled()).status_code == 403
    assert Rule.objects.get(pk=rule.pk).limit == 0.05


@pytest.mark.parametrize("who", ["engineer_client", "admin_of_project_client"])
def test_engineers_and_admins_change_a_rule(who, request, url, rule):
    client = request.getfixturevalue(who)
    assert 'value="5"' in client.get(url).content.decode()
    response = client.post(url, filled())
    assert (response.status_code, response.url) == (302, URL)
    rule.refresh_from_db()
    assert (rule.limit, rule.minimum, rule.clean_minutes, rule.severity) == (0.025, 50, 15, "ticket")
    assert rule.addresses() == ["on-call@example.org", "anna@example.org"]
    page = client.get(URL).content.decode()
    assert "on-call@example.org, anna@example.org" in page
    assert "saved" in page


def test_what_a_look_wrote_meanwhile_is_kept(engineer_client, url, rule):
    looked_at = timezone.now()
    Rule.objects.filter(pk=rule.pk).update(standing_looks=7, last_looked_at=looked_at)
    engineer_client.post(url, filled())
    rule.refresh_from_db()
    assert (rule.standing_looks, rule.last_looked_at) == (7, looked_at)


@pytest.mark.parametrize(
    ("kind", "field", "value", "cure"),
    [
        ("error_rate", "limit", "many", "Write a number, such as 5 or 0.5."),
        ("error_rate", "limit", "", "Write a number, such as 5 or 0.5."),
        ("error_rate", "limit", "nan", "Write a number, such as 5 or 0.5."),
        ("error_rate", "limit", "100", "Write a percentage between 0 and 100, such as 5 or 0.5."),
        ("error_rate", "limit", "-1", "Write a percentage between 0 and 100, such as 5 or 0.5."),
        ("latency", "limit", "1", "Write how many times the usual is too much: more than 1, such as 2 or 1.5."),
        ("latency", "minimum", "4.5", "Write a whole number of 1 to 1,000,000, such as 40."),
        ("latency", "minimum", "0", "Write a whole number of 1 to 1,000,000, such as 40."),
        ("cost", "recipients", "anna", "“anna” is not an e-mail address; write one a line, such as anna@example.org."),
        ("cost", "recipients", "\n".join(f"a{n}@example.org" for n in range(21)), "at most 20 can be told."),
    ],
)
def test_a_wrong_value_is_answered_with_its_cure(engineer_client, project, kind, field, value, cure):
    rule = rule_of(project, kind)
    response = engineer_client.post(f"{URL}/{rule.pk}", filled(**{"limit": "2", field: value}))
    assert response.status_code == 400
    assert cure in response.content.decode()
    assert 'aria-invalid="true"' in response.content.decode()
    assert Rule.objects.get(pk=rule.pk).limit == rule.limit


def test_switching_a_rule_off_closes_its_incident(engineer_client, url, rule, project):
    now = timezone.now()
    moments = {"began_at": now, "opened_at": now, "last_broken_at": now}
    Incident.objects.create(project=project, rule=rule, severity="page", title="x", peak=1, limit=1, n=1, **moments)
    without = filled()
    del without["enabled"]
    engineer_client.post(url, without)
    assert Incident.objects.get().resolution == "The rule was switched off."


def test_strangers_get_404(stranger_client, url):
    assert stranger_client.get(URL).status_code == 404
    assert stranger_client.get(url).status_code == 404
    assert stranger_client.post(url, filled()).status_code == 404


def test_a_rule_is_not_found_below_another_project(stranger_client, rule):
    assert stranger_client.post(f"/p/bank/rules/{rule.pk}", filled()).status_code == 404


def test_its_queries_do_not_grow(engineer_client, rule, django_assert_num_queries):
    with django_assert_num_queries(7):  # session, user, projects, rules, admins (2); in the frame: open
        engineer_client.get(URL)
