"""What becomes of a fix: seen live, counted, come back once, told by mail once, and what is not known."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from alerts import outbox
from cases import changes, mails, watch
from cases.models import Case, Event, Mail, Status
from cases.tests.conftest import look
from conftest import client_of
from tests import make
from tests.outages import WAITING, until
from traces.search.grammar import LONGEST
from traces.search.index import index_marked

Kind = Event.Kind
pytestmark = pytest.mark.usefixtures("at_once")


def stood(case):
    case.refresh_from_db()
    return case.status, case.requests_since, case.similar_since


def kinds(case):
    return list(case.history.values_list("kind", flat=True))


def page(client, case):
    return " ".join(client.get(f"/p/shop/cases/{case.number}").content.decode().replace("\xa0", " ").split())


def test_a_case_without_a_fix_is_never_due(case):
    assert watch.claim_due(timezone.now() + timedelta(days=1)) == []


def test_a_case_waits_until_the_first_request_with_the_fix(waiting, member_client, refund):
    refund(2)
    look()
    assert stood(waiting) == (Status.WAITING, None, None)
    assert "Waiting for refund v9, which no request of refund has run with yet." in page(member_client, waiting)
    refund(1, "9", failed=False)
    refund(0.5, "9", failed=False)
    look()
    assert stood(waiting) == (Status.FIXED, 2, 0)
    assert kinds(waiting)[-1] == Kind.FIX_SEEN
    assert "2 requests with refund v9, no similar failures since." in page(member_client, waiting)


def test_a_version_that_ran_before_the_complaint_is_not_taken_for_the_fix(case, member, refund):
    refund(120, "9", failed=False)
    changes.change(case.pk, member, {"fix": "prompt:refund@9"}, edits=case.edits + 9, now=timezone.now())
    look()
    assert stood(case)[0] == Status.WAITING


def test_another_feature_with_the_same_prompt_is_not_the_fix(waiting, refund):
    refund(1, "9", failed=False, feature="other")
    look()
    assert stood(waiting)[0] == Status.WAITING


def test_a_release_and_a_model_are_fixes_too(case, member, refund):
    for fix, fields in (("release:2.0", {"release": "2.0"}), ("model:gpt-4.1", {"model_requested": "gpt-4.1"})):
        case.refresh_from_db()
        changes.change(case.pk, member, {"fix": fix}, edits=case.edits, now=timezone.now())
        refund(1, failed=False, **fields) if "release" in fields else _asked(case, **fields)
        look()
        assert stood(case)[0] == Status.FIXED


def _asked(case, **fields):
    make.stored(case.project_id, make.call(feature="refund", **fields))
    index_marked()


def test_it_comes_back_once_with_a_mail_to_each_and_examples(waiting, member, engineer, refund, mail_server, settings):
    settings.SITE_URL = "https://llmobs.example.org"
    changes.change(waiting.pk, member, {"assignee": str(engineer.pk)}, edits=waiting.edits, now=timezone.now())
    refund(2, "9", failed=False)
    look()
    key = refund(1, "9")
    for _ in range(3):
        look()
    assert stood(waiting) == (Status.CAME_BACK, 2, 1)
    assert kinds(waiting).count(Kind.CAME_BACK) == 1
    live, back = mail_server.received[:2], mail_server.received[2:]
    assert [mail["Subject"].startswith("Case 1 has its fix") for mail in live] == [True, True]
    assert sorted(mail["To"] for mail in back) == ["eve@example.org", "sue@example.org"]
    first = back[0]
    assert first["References"] in {mail["References"] for mail in live}  # of one thread
    assert first["Subject"] == "Case 1 came back: Refunds cannot be read (in spite of refund v9)"
    body = first.get_body(("plain",)).get_content()
    assert "1 similar failure with refund v9" in body.replace("\xa0", " ")
    assert f"https://llmobs.example.org/p/shop/traces/{key.hex()}" in body
    assert "https://llmobs.example.org/p/shop/cases/1" in body
    html = first.get_body(("html",)).get_content()
    assert "https://llmobs.example.org/p/shop/cases/1" in html
    assert "names you" not in html


def test_whoever_has_the_case_hears_once_that_the_fix_is_live_and_what_comes_next(
    waiting, member, engineer, refund, mail_server, settings, member_client
):
    settings.SITE_URL = "https://llmobs.example.org"
    changes.change(waiting.pk, member, {"assignee": str(engineer.pk)}, edits=waiting.edits, now=timezone.now())
    first, _ = refund(2, "9", failed=False), refund(1, "9", failed=False)
    for _ in range(3):
        look()
    assert sorted(mail["To"] for mail in mail_server.received) == ["eve@example.org", "sue@example.org"]
    mail = mail_server.received[0]
    assert mail["Subject"] == "Case 1 has its fix: Refunds cannot be read (refund v9 is live)"
    for body in (mail.get_body((kind,)).get_content().replace("\xa0", " ") for kind in ("plain", "html")):
        assert "2 requests with refund v9, no similar failures since." in body
        assert "If one does, one more mail says so." in body
        assert f"https://llmobs.example.org/p/shop/traces/{first.hex()}" in body
        assert "https://llmobs.example.org/p/shop/cases/1" in body
        assert "You get this because you made the case or it is yours." in body
    told = page(member_client, waiting)
    assert "Mail sent to eve@example.org." in told
    assert f"/p/shop/traces/{first.hex()}" in told


def test_a_fix_that_fails_in_the_look_that_sees_it_is_one_mail(waiting, refund, mail_server):
    refund(1, "9")
    look()
    assert [mail["Subject"][:16] for mail in mail_server.received] == ["Case 1 came back"]


def test_of_a_fix_that_is_named_again_nobody_hears_twice_and_of_a_closed_case_nobody(
    waiting, member, member_client, refund, mail_server
):
    refund(1, "9", failed=False)
    look()
    waiting.refresh_from_db()
    changes.change(waiting.pk, member, {"fix": "prompt:refund@10"}, edits=waiting.edits, now=timezone.now())
    look()
    member_client.post(f"/p/shop/cases/1/undo/{waiting.history.filter(kind='fix').last().pk}")
    look()
    assert stood(waiting)[0] == Status.FIXED
    waiting.refresh_from_db()
    changes.change(waiting.pk, member, {"fix": "prompt:refund@11"}, edits=waiting.edits, now=timezone.now())
    changes.close(waiting.pk, member, timezone.now())
    refund(-0.1, "11", failed=False)
    look()
    assert kinds(waiting).count(Kind.FIX_SEEN) == 3
    assert len(mail_server.received) == 1


def test_a_fix_without_what_counts_as_similar_says_in_its_mail_what_is_missing(waiting, member, refund, mail_server):
    changes.change(waiting.pk, member, {"similar": ""}, edits=waiting.edits, now=timezone.now())
    refund(1, "9", failed=False)
    look()
    body = mail_server.received[0].get_body(("plain",)).get_content()
    assert "Nobody has said what counts as similar" in body
    assert "If one does" not in body


def test_a_failure_with_the_fix_in_its_very_first_request_counts(waiting, refund):
    refund(1, "9")
    look()
    assert stood(waiting) == (Status.CAME_BACK, 1, 1)
    assert kinds(waiting)[-2:] == [Kind.FIX_SEEN, Kind.CAME_BACK]


def test_a_failure_without_the_fix_is_said_and_does_not_count_against_it(waiting, member_client, refund):
    refund(2, "9", failed=False)
    refund(1, "8")
    look()
    assert stood(waiting) == (Status.FIXED, 1, 0)
    assert "1 similar failure came without refund v9" in page(member_client, waiting)
    assert not Mail.objects.filter(event__kind=Kind.CAME_BACK).exists()


def test_another_failure_is_no_similar_one(waiting, refund):
    refund(2, "9", parser="other_json")
    look()
    assert stood(waiting) == (Status.FIXED, 1, 0)


def test_who_goes_on_watching_hears_only_of_what_fails_later(waiting, member_client, refund, mail_server):
    refund(5, "9")
    look()
    member_client.post("/p/shop/cases/1/reopen")
    look()
    assert stood(waiting) == (Status.FIXED, 1, 0)
    refund(-0.1, "9")
    look()
    assert stood(waiting)[0] == Status.CAME_BACK
    assert len(mail_server.received) == 2


def test_a_closed_case_is_opened_again_when_it_comes_back(waiting, member_client, refund):
    refund(5, "9", failed=False)
    look()
    member_client.post("/p/shop/cases/1/close")
    refund(-0.1, "9")
    look()
    assert stood(waiting)[0] == Status.CAME_BACK
    assert waiting.closed_at is None


def test_a_case_that_was_closed_long_ago_is_no_longer_watched(waiting, member):
    changes.close(waiting.pk, member, timezone.now() - timedelta(days=31))
    assert watch.claim_due(timezone.now()) == [waiting.pk]
    assert watch.claim_due(timezone.now() + timedelta(days=1)) == []


def test_another_fix_begins_anew_and_undo_brings_the_old_one_back(waiting, member, member_client, refund):
    refund(5, "9")
    look()
    waiting.refresh_from_db()
    changes.change(waiting.pk, member, {"fix": "prompt:refund@10"}, edits=waiting.edits, now=timezone.now())
    look()
    assert stood(waiting) == (Status.WAITING, None, None)
    member_client.post(f"/p/shop/cases/1/undo/{waiting.history.filter(kind='fix').last().pk}")
    assert stood(waiting)[0] == Status.WAITING
    assert waiting.fix == "prompt:refund@9"
    look()
    assert stood(waiting)[0] == Status.CAME_BACK


def test_undo_of_closing_does_not_say_of_another_fix_that_it_came_back(waiting, member, member_client, refund):
    refund(5, "9")
    look()
    member_client.post("/p/shop/cases/1/close")
    waiting.refresh_from_db()
    changes.change(waiting.pk, member, {"fix": "prompt:refund@10"}, edits=waiting.edits, now=timezone.now())
    member_client.post(f"/p/shop/cases/1/undo/{waiting.history.filter(kind='status').last().pk}")
    assert stood(waiting)[0] == Status.WAITING


def test_a_case_that_does_not_say_what_is_similar_says_so(waiting, member, member_client, refund):
    changes.change(waiting.pk, member, {"similar": ""}, edits=waiting.edits, now=timezone.now())
    refund(1, "9")
    look()
    assert stood(waiting) == (Status.FIXED, 1, None)
    said = page(member_client, waiting)
    assert "it is not known whether it comes back" in said
    assert "Nobody has said what counts as similar" in said


def test_a_look_is_written_once_however_often_it_is_made(waiting, refund):
    refund(1, "9")
    now = timezone.now()
    first, again = watch.look(waiting.pk, now), watch.look(waiting.pk, now)
    assert (len(first), again) == (1, [])
    assert kinds(waiting).count(Kind.CAME_BACK) == 1


def test_two_ticks_at_once_claim_a_case_once(waiting):
    now = timezone.now()
    assert (watch.claim_due(now), watch.claim_due(now)) == ([waiting.pk], [])


@pytest.mark.django_db(transaction=True)
def test_a_change_during_a_look_is_not_written_over(waiting, member, refund):
    refund(1, "9", failed=False)
    with ThreadPoolExecutor(1) as another:
        with transaction.atomic():
            changes.change(waiting.pk, member, {"fix": "prompt:refund@10"}, edits=99, now=timezone.now())
            looked = another.submit(look_apart, waiting.pk)
            until(WAITING, 1)  # it has seen the fix of before, and may not write yet
        assert looked.result(timeout=10) == []
    assert stood(waiting) == (Status.WAITING, None, None)
    assert waiting.fix == "prompt:refund@10"


def look_apart(case_id):
    """A look by a worker of its own."""
    try:
        return watch.look(case_id, timezone.now())
    finally:
        connection.close()


def test_what_is_not_indexed_yet_is_said(waiting, member_client, project, refund):
    refund(2, "9", failed=False)
    make.stored(project.pk, *make.trace(feature="refund"))
    Case.objects.update(next_due_at=timezone.now())
    watch.look(waiting.pk, timezone.now() + timedelta(minutes=5))
    assert "what has come since is not in these figures yet" in page(member_client, waiting)


def test_a_mail_that_the_server_puts_off_is_sent_later_and_one_that_it_refuses_is_shown(
    waiting, member_client, refund, mail_server
):
    mail_server.refuse = "451 try later"
    refund(1, "9")
    look()
    row = Mail.objects.get()
    assert (row.state, row.attempts) == ("pending", 1)
    mail_server.refuse = ""
    Mail.objects.update(next_attempt_at=timezone.now())
    [due] = mails.sweep(timezone.now())
    mails.send(due, timezone.now())
    mails.send(due, timezone.now())
    assert len(mail_server.received) == 1
    assert "Mail sent to sue@example.org." in page(member_client, waiting)


def test_a_sender_that_was_killed_leaves_its_mail_to_the_next(waiting, refund, settings):
    settings.MAIL_FOLDER = None
    refund(1, "9")
    watch.look(waiting.pk, timezone.now())
    long_ago = timezone.now() - timedelta(seconds=settings.NOTIFY_LEASE_SECONDS + 1)
    Mail.objects.update(state="sending", claimed_at=long_ago, attempts=1)
    assert mails.sweep(timezone.now()) == [Mail.objects.get().pk]
    Mail.objects.update(state="sending", claimed_at=long_ago, attempts=outbox.MOST_ATTEMPTS)
    assert mails.sweep(timezone.now()) == []
    assert Mail.objects.get().state == "failed"


def test_who_left_the_project_hears_nothing_of_it(waiting, member, refund):
    member.memberships.all().delete()
    refund(1, "9")
    assert watch.look(waiting.pk, timezone.now()) == []
    assert stood(waiting)[0] == Status.CAME_BACK


def test_a_deleted_member_leaves_a_case_that_can_be_read(waiting, member, engineer, refund):
    member.delete()
    assert "Somebody who is gone" in page(client_of(engineer), waiting)


def test_a_prompt_of_any_name_can_be_waited_for(case, member, refund):
    name = 'a "quoted" \\ name:*'
    fix = f"prompt:{name}@1"
    changes.change(case.pk, member, {"fix": fix}, edits=99, now=timezone.now())
    refund(1, "1", failed=False, prompt_name=name)
    look()
    assert stood(case)[0] == Status.FIXED
    assert len(fix) < LONGEST
