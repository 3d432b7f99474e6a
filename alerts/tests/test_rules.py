"""Which rules a project has, who hears of them, and who looks at them next."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from alerts.models import Rule
from alerts.rules import LOOK_INTERVAL, claim_due, ensure_all, ensure_rules, recipients
from alerts.tests.traffic import rule_of


@pytest.mark.django_db(transaction=True)
def test_a_due_rule_is_claimed_by_one_of_two(project):
    ensure_rules(project)

    def claim(_):
        try:
            return claim_due(timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        claimed = [pk for ids in pool.map(claim, range(4)) for pk in ids]
    assert sorted(claimed) == sorted(Rule.objects.values_list("pk", flat=True))


def test_a_claimed_rule_is_due_again_at_the_next_tick(project):
    ensure_rules(project)
    now = timezone.now()
    assert len(claim_due(now)) == 4
    assert claim_due(now + LOOK_INTERVAL / 2) == []
    assert len(claim_due(now + timedelta(seconds=30))) == 4


def test_a_project_gets_four_rules_and_keeps_what_was_changed(project, other_project, django_assert_num_queries):
    ensure_all()
    Rule.objects.filter(project=project, kind="cost").update(limit=9)
    ensure_rules(project)
    with django_assert_num_queries(1):
        ensure_all()
    assert Rule.objects.count() == 8
    assert Rule.objects.get(project=project, kind="cost").limit == 9


def test_only_the_demonstration_starts_without_its_silence_rule(project):
    project.slug = "demo"
    project.save()
    assert not rule_of(project, "silence").enabled
    assert Rule.objects.filter(enabled=True).count() == 3


def test_nobody_named_means_the_admins(project, admin, engineer, stranger, django_user_model):
    django_user_model.objects.create_superuser("root@example.org", "x")
    rule = rule_of(project, "cost")
    assert recipients(rule) == ["ada@example.org", "root@example.org"]
    rule.recipients = "on-call@example.org\n\nOn-Call@example.org\n"
    assert recipients(rule) == ["On-Call@example.org"]
