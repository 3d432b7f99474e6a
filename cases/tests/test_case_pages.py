"""The list, one case, its form, and what is done with it by one press: over HTTP, as support does it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import changes, evidence
from cases.models import Case, Event, Status
from conftest import client_of
from traces import ids

URL = "/p/shop/cases"


@pytest.fixture
def url(case):
    return f"{URL}/{case.number}"


def text(answer):
    return " ".join(answer.content.decode().split())


def sent(case, **changed):
    """The form of a case as it stands, with changes."""
    said = {name: getattr(case, name) for name in ("edits", "title", "note", "reported_by", "feature", "similar")}
    fix = case.the_fix
    said |= {
        "assignee": case.assignee_id or "",
        "fix_kind": fix.kind if fix else "",
        "fix_value": fix.value if fix else "",
    }
    return {**said, **changed}


def test_an_empty_list_says_what_a_case_is_and_how_to_make_one(member_client, project):
    page = text(member_client.get(URL))
    assert "No case yet" in page
    assert "Make a case of this" in page


def test_support_makes_a_case_of_a_trace(member_client, member, refund):
    address = refund(5, user_id="u-7").hex()
    assert f"{URL}/new?trace={address}" in text(member_client.get(f"/p/shop/traces/{address}"))
    page = text(member_client.get(f"{URL}/new?trace={address}"))
    assert 'value="refund: the answer could not be read"' in page
    assert "feature:refund failure:parser_failed parser:refund_json prompt:refund" in page
    assert 'value="u-7"' in page
    answer = member_client.post(
        f"{URL}/new", {"title": "Refunds", "trace": address, "similar": "failure:parser_failed"}
    )
    case = Case.objects.get()
    assert answer.headers["Location"] == f"{URL}/1"
    assert (case.title, case.created_by, case.number, case.status) == ("Refunds", member, 1, Status.OPEN)
    assert [one.address for one in case.traces.all()] == [address]
    assert 'In <a href="/p/shop/cases/1">case 1</a>' in text(member_client.get(f"/p/shop/traces/{address}"))


def test_a_case_without_a_title_or_with_a_wrong_line_says_the_cure(member_client, project):
    answer = member_client.post(f"{URL}/new", {"title": " ", "similar": "latency:>2x", "fix_value": "refund@9"})
    assert answer.status_code == 400
    page = text(answer)
    assert "Write in a line what went wrong." in page
    assert "is not a time" in page
    assert "Choose what it is" in page
    assert not Case.objects.exists()


def test_ids_and_links_are_pasted_by_lines_and_what_is_not_found_is_said(member_client, case, url, refund):
    one, two = refund(3, request_id="req-77"), refund(2)
    pasted = f"req-77\nhttps://llmobs.example.org/p/shop/traces/{two.hex()}?span=1\nno-such-id-1"
    page = text(member_client.post(f"{url}/add", {"ids": pasted}, follow=True))
    assert "2 traces added." in page
    assert "No trace was found by “no-such-id-1”." in page
    assert {bytes(kept.trace_id) for kept in case.traces.all()} >= {one, two}
    assert "in the case already" in text(member_client.post(f"{url}/add", {"ids": "req-77"}, follow=True))
    assert case.traces.count() == 3
    assert "Nothing was pasted or ticked." in text(member_client.post(f"{url}/add", follow=True))


def test_an_id_of_many_traces_is_not_added_at_once(member_client, case, url, refund):
    refund(3, user_id="u-many")
    refund(2, user_id="u-many")
    page = text(member_client.post(f"{url}/add", {"ids": "u-many"}, follow=True))
    assert "“u-many” names several traces" in page
    assert case.traces.count() == 1


def test_traces_are_found_by_a_line_and_ticked(member_client, case, url, refund):
    other = refund(2)
    page = text(member_client.get(f"{url}/add"))
    assert page.count("in the case") >= 1
    assert f'value="{other.hex()}"' in page
    member_client.post(f"{url}/add", {"trace": [other.hex()]})
    assert case.traces.count() == 2
    assert "is not a time" in text(member_client.get(f"{url}/add?q=latency:>2x"))


def test_a_trace_is_removed_and_put_back_by_the_history(member_client, case, url):
    [kept] = case.traces.all()
    member_client.post(f"{url}/remove", {"trace": kept.address})
    assert not case.traces.exists()
    removed = case.history.get(kind=Event.Kind.TRACE_REMOVED)
    member_client.post(f"{url}/undo/{removed.pk}")
    assert [one.address for one in case.traces.all()] == [kept.address]


def test_a_trace_past_its_retention_says_so_and_keeps_its_line(member_client, case, url):
    gone = case.traces.get()
    gone.trace_id, gone.address = b"\x01" * 16, "01" * 16
    gone.save()
    page = text(member_client.get(url))
    assert "deleted, past its retention" in page
    assert "Where is my money?" in page


def test_an_edited_note_keeps_the_old_one_in_the_history_and_undo_brings_it_back(member_client, case, url):
    member_client.post(f"{url}/edit", sent(case, note="Anna called twice."))
    case.refresh_from_db()
    assert case.note == "Anna called twice."
    page = text(member_client.get(url))
    assert "Anna called." in page
    member_client.post(f"{url}/undo/{case.history.get(kind='note').pk}")
    case.refresh_from_db()
    assert case.note == "Anna called."


def test_what_was_changed_again_since_is_not_undone(member_client, case, url):
    member_client.post(f"{url}/edit", sent(case, note="second"))
    first = case.history.get(kind="note")
    case.refresh_from_db()
    member_client.post(f"{url}/edit", sent(case, note="third"))
    assert "changed again since" in text(member_client.post(f"{url}/undo/{first.pk}", follow=True))
    case.refresh_from_db()
    assert case.note == "third"


def test_the_second_of_two_members_is_told_and_nothing_is_lost(member_client, engineer, case, url):
    member_client.post(f"{url}/edit", sent(case, note="Sue's note"))
    second = client_of(engineer)
    answer = second.post(f"{url}/edit", sent(case, note="Eve's note"))
    assert answer.status_code == 409
    page = text(answer)
    assert "sue@example.org changed the note" in page
    assert "Sue&#x27;s note" in page
    assert "Eve&#x27;s note" in page
    case.refresh_from_db()
    assert case.note == "Sue's note"
    assert second.post(f"{url}/edit", sent(case, note="Eve's note")).status_code == 302
    case.refresh_from_db()
    assert case.note == "Eve's note"
    assert case.history.filter(before="Sue's note").exists()


def test_two_members_who_change_different_fields_both_win(member_client, engineer, case, url):
    member_client.post(f"{url}/edit", sent(case, note="Sue's note"))
    answer = client_of(engineer).post(f"{url}/edit", sent(case, title="Refunds fail"))
    assert answer.status_code == 302
    case.refresh_from_db()
    assert (case.title, case.note) == ("Refunds fail", "Sue's note")


def test_saving_what_stands_already_changes_nothing(member_client, case, url):
    lines = case.history.count()
    member_client.post(f"{url}/edit", sent(case))
    assert case.history.count() == lines


def test_a_case_is_closed_and_opened_again(member_client, case, url):
    for path, status in (("close", "closed"), ("close", "closed"), ("reopen", "open")):
        member_client.post(f"{url}/{path}")
        case.refresh_from_db()
        assert case.status == status
    assert case.closed_at is None
    assert case.history.filter(kind="status").count() == 2


def test_a_comment_keeps_its_lines_and_an_empty_one_is_none(member_client, case, url):
    member_client.post(f"{url}/comment", {"text": "First.\r\nSecond."})
    assert case.history.get(kind="comment").text == "First.\nSecond."
    assert "There is nothing to keep." in text(member_client.post(f"{url}/comment", {"text": "  "}, follow=True))


def test_only_an_admin_deletes_a_case_and_only_when_sure(admin_of_project_client, case, url):
    assert "go for good" in text(admin_of_project_client.get(f"{url}/delete"))
    admin_of_project_client.post(f"{url}/delete")
    assert Case.objects.exists()
    admin_of_project_client.post(f"{url}/delete", {"sure": "yes"})
    assert not Case.objects.exists()


def test_a_number_is_never_given_twice(project, member, case, other_project):
    case.delete()
    now = timezone.now()
    assert changes.open_case(project, member, {"title": "x"}, now).number == 2
    assert changes.open_case(other_project, member, {"title": "x"}, now).number == 1


def test_the_list_narrows_by_status_member_feature_and_words(member_client, member, case, project):
    now = timezone.now()
    other = changes.open_case(project, member, {"title": "Slow search", "assignee": str(member.pk)}, now)
    changes.close(other.pk, member, now)

    def found(query):
        return [one.case.number for one, *_ in member_client.get(f"{URL}?{query}").context["rows"]]

    assert found("") == [case.number]
    assert found("view=closed") == [other.number]
    assert found("view=all") == [other.number, case.number]
    assert found(f"view=all&assignee={member.pk}") == [other.number]
    assert found("view=all&q=slow") == [other.number]
    assert found("q=anna") == [case.number]
    assert found(f"q=%23{case.number}") == [case.number]
    assert found("feature=refund") == [case.number]
    assert found("q=nothing") == []


def test_older_cases_are_a_link_away(member_client, project, member):
    for number in range(52):
        changes.open_case(project, member, {"title": f"Case {number}"}, timezone.now())
    assert 'href="?before=3"' in text(member_client.get(URL))
    assert "Case 0" in text(member_client.get(f"{URL}?before=3"))


def test_the_similar_line_follows_the_traces_until_a_member_writes_one(case, member, refund):
    assert case.traces.count() == 1
    case.refresh_from_db()
    assert case.similar == "feature:refund failure:parser_failed parser:refund_json prompt:refund"
    evidence.add(case.pk, member, [refund(1, prompt_name="other")], timezone.now())
    case.refresh_from_db()
    assert case.similar == "feature:refund failure:parser_failed parser:refund_json"
    changes.change(case.pk, member, {"similar": "has:error"}, edits=case.edits, now=timezone.now())
    evidence.add(case.pk, member, [refund(1)], timezone.now())
    case.refresh_from_db()
    assert case.similar == "has:error"


def test_a_trace_that_was_added_by_mistake_leaves_nothing_behind_when_it_is_taken_out(case, member, refund):
    case.refresh_from_db()
    narrow, wrong = case.similar, refund(1, prompt_name="other")
    evidence.add(case.pk, member, [wrong], timezone.now())
    case.refresh_from_db()
    assert case.similar != narrow
    evidence.remove(case.pk, member, wrong, timezone.now())
    case.refresh_from_db()
    assert case.similar == narrow
    evidence.add(case.pk, member, [refund(1, parser="other")], timezone.now())
    case.refresh_from_db()
    assert case.similar == "feature:refund failure:parser_failed prompt:refund"


def test_with_more_traces_than_are_read_the_line_is_what_the_first_of_them_share(case, member, refund, monkeypatch):
    monkeypatch.setattr(evidence, "_MOST_READ", 3)
    evidence.add(case.pk, member, [refund(n) for n in range(1, 9)], timezone.now())
    evidence.add(case.pk, member, [refund(2, prompt_name="other")], timezone.now())
    case.refresh_from_db()
    assert case.similar == "feature:refund failure:parser_failed parser:refund_json prompt:refund"
    assert evidence.remove(case.pk, member, bytes(case.traces.order_by("pk").first().trace_id), timezone.now())
    assert case.history.filter(kind="similar").count() == 1  # when the case was made


@pytest.mark.parametrize("feature", [" refund ", "x" * 1_501, "\u05d0" * 3_000])
def test_a_case_of_a_feature_of_any_name_can_be_made_and_edited(member_client, project, refund, feature):
    address = refund(1, feature=feature).hex()
    form = member_client.get(f"{URL}/new?trace={address}").context["form"]
    made = {name: form.get_initial_for_field(field, name) or "" for name, field in form.fields.items()}
    assert member_client.post(f"{URL}/new", {**made, "trace": address}).status_code == 302
    case = Case.objects.get()
    lines = case.history.count()
    assert member_client.post(f"{URL}/1/edit", sent(case)).status_code == 302
    assert case.history.count() == lines


def test_a_long_paste_is_answered_in_three_sentences(member_client, case, url):
    pasted = "\n".join(f"no-such-id-{number}" for number in range(300))
    for answer in (
        member_client.post(f"{url}/add", {"ids": pasted}, follow=True),
        member_client.post(f"{URL}/new", {"title": "x", "ids": pasted}, follow=True),
    ):
        page = text(answer)
        assert page.count("no-such-id") == 5
        assert "“no-such-id-4” and 45 more." in page
        assert "Only the first 50 lines were read; 250 more are left out." in page


def test_a_line_that_was_written_in_two_is_one(member_client, case, url):
    case.refresh_from_db()
    member_client.post(f"{url}/edit", sent(case, similar="feature:refund\r\nhas:error"))
    case.refresh_from_db()
    assert case.similar == "feature:refund has:error"


def test_a_case_holds_so_many_traces_and_no_more(case, member, refund, monkeypatch):
    monkeypatch.setattr(evidence, "MOST_TRACES", 2)
    assert evidence.add(case.pk, member, [refund(1), refund(2)], timezone.now()) == 1


def test_similar_failures_stand_by_day_and_lead_to_their_list(member_client, case, url, refund):
    refund(24 * 60 * 3)
    page = text(member_client.get(url))
    assert "2 similar failures in 30 days." in page.replace("\xa0", " ")
    day = timezone.now() - timedelta(days=3)
    assert f"{day.day} {day:%B}: 1" in page
    assert "/p/shop/traces?q=feature%3Arefund+failure%3Aparser_failed" in page


def test_a_reporter_is_looked_up_and_a_link_is_followed(member_client, case, url):
    assert 'href="/p/shop?q=u-7"' in text(member_client.get(url))
    Case.objects.update(reported_by="https://tickets.example.org/4")
    assert 'href="https://tickets.example.org/4" rel="noreferrer"' in text(member_client.get(url))
    Case.objects.update(reported_by="javascript:alert(1)")
    assert 'href="javascript' not in text(member_client.get(url))


def test_a_hostile_trace_and_a_long_title_break_nothing(member_client, project, member, refund):
    key = refund(1, input="<script>alert(1)</script> \u202eabc", user_id="x/?#%" * 60, feature="\u05d0" * 3_000)
    page = text(member_client.get(f"{URL}/new?trace={key.hex()}"))
    answer = member_client.post(f"{URL}/new", {"title": "<b>" + "x" * 190, "trace": key.hex()})
    page += text(member_client.get(answer.headers["Location"]))
    assert "<script>alert" not in page
    assert "<b>xx" not in page
    assert ids.trace_key(Case.objects.get().traces.get().address) == key


def test_its_queries_do_not_grow(member_client, member, case, url, refund):
    assert queries(member_client, url) == CASE_QUERIES
    evidence.add(case.pk, member, [refund(n) for n in range(1, 6)], timezone.now())
    assert queries(member_client, url) == CASE_QUERIES
    assert queries(member_client, URL) == LIST_QUERIES


CASE_QUERIES = 11
LIST_QUERIES = 7


def queries(client, address):
    """How many the page makes, without the savepoints: one more for each day that is searched, so by the hour."""
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return sum("SAVEPOINT" not in query["sql"] for query in seen)
