"""The pages of features: all that were seen, how one goes, what it runs with, and who looks after it."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alerts import message
from alerts.models import Incident, Rule
from alerts.rules import ensure_rules
from dashboards import feature_pages
from tests import make
from tests.markup import HOSTILE, Markup
from traces.addresses import feature_url
from traces.models import Feature, FeatureChange
from traces.queries import features
from traces.rollups import rebuild_marked
from traces.search.index import index_marked

LIST, PAGE, FORM = "/p/shop/features", "/p/shop/features/refunds", "/p/shop/feature-notes/refunds"


@pytest.fixture
def asks(project):
    """Stores a request of a feature, so many minutes ago: a root and a priced call below it."""

    def _asks(feature="refunds", minutes=5, *, cost_usd=Decimal("0.01"), call=None, **fields):
        at = make.now() - timedelta(minutes=minutes)
        root, below = make.trace(**{"feature": feature, "started_at": at, **fields})
        below.cost_usd, below.cost_source = cost_usd, None if cost_usd is None else "priced"
        for name, value in (call or {}).items():
            setattr(below, name, value)
        make.stored(project.pk, root, below)
        return root

    return _asks


@pytest.fixture
def refunds(asks, project):
    """The feature as it is kept once it was counted."""
    asks()
    rebuild_marked()
    return Feature.objects.get(project=project, name="refunds")


@pytest.fixture
def incident(project):
    """Makes an incident that a feature carries."""
    ensure_rules(project)

    def _incident(feature="refunds", **fields):
        now = make.now()
        return Incident.objects.create(**{
            "project": project, "rule": Rule.objects.filter(project=project).order_by("pk")[Incident.objects.count()],
            "severity": "page", "title": "Shop answers 9 % of its requests with an error", "sentence": "9 of 100.",
            "last_sentence": "", "began_at": now, "opened_at": now, "last_broken_at": now, "peak": 0.09, "limit": 0.05,
            "n": 100, "carriers": [{"dimension": "feature", "value": feature, "share": 1.0, "traffic": 0.4}], **fields,
        })  # fmt: skip

    return _incident


def read(client, url=PAGE, status=200, **query):
    answer = client.get(url, query)
    assert answer.status_code == status
    found = Markup(answer)
    found.text = found.text.replace("\u00a0", " ")
    return found


def written(**fields):
    return {"owner": "", "contact": "", "runbook": "", "notes": "", "version": "0", **fields}


# The list.


def test_every_feature_that_was_seen_is_listed_with_what_it_was_asked(member_client, asks, project):
    for minutes in range(1, 5):
        asks("refunds", minutes, cost_usd=Decimal("0.25"), **({"status": "error"} if minutes == 1 else {}))
    asks("search", 2, cost_usd=None)
    asks("old one", 60 * 24 * 9)
    rebuild_marked()
    markup = read(member_client, LIST)
    for said in ("refunds 4 requests 25 % failed", "$1.00", "search 1 request 0 % failed"):
        assert said in markup.words
    assert "old one not asked lately 0 requests no requests" in markup.words
    assert "2 of 3 features were asked in the last 24 hours." in markup.words
    assert "1 was not asked for over 7 days. 3 have no owner." in markup.words
    assert any(link.startswith(f"{PAGE}?") for link in markup.links)


def test_a_feature_appears_by_itself_and_a_project_without_any_says_how(member_client, asks, project):
    assert "No feature yet" in read(member_client, LIST).words
    asks()
    assert "1 request" not in read(member_client, LIST).words
    assert "refunds" in read(member_client).words  # at once, under its own address
    rebuild_marked()
    assert "refunds 1 request" in read(member_client, LIST).words


def test_the_list_is_narrowed_by_a_part_of_a_name_or_owner(member_client, asks, project):
    for name in ("refunds", "Refund mails", "search"):
        asks(name)
    rebuild_marked()
    Feature.objects.filter(name="search").update(owner="The refunders")
    assert "refunds" in read(member_client, LIST, has="REFUND").words
    assert "search" in read(member_client, LIST, has="refunders").words
    assert "Refund mails" not in read(member_client, LIST, has="refunders").words
    assert "No feature or owner has this in its name" in read(member_client, LIST, has="%_\0").words


def test_what_it_took_stands_against_its_usual(member_client, asks, project):
    for minutes in range(30):
        asks("refunds", 60 * 24 * 2 + 5 * minutes, duration_us=1_000_000)
    asks("refunds", 2, duration_us=9_000_000)
    rebuild_marked()
    markup = read(member_client, LIST)
    assert "usual" in markup.words
    assert [one["aria-label"] for one in markup.all("svg", role="img") if "usual--bad" in one["class"]]


def test_an_open_incident_is_said_in_the_list(member_client, refunds, incident):
    incident()
    incident("another")
    words = read(member_client, LIST).words
    assert "refunds open incident" in words
    assert "1 has an open incident." in words


def test_of_very_many_features_the_busiest_are_listed(member_client, project, monkeypatch):
    monkeypatch.setattr(features, "MOST_LISTED", 3)
    make.stored(project.pk, *(make.span(feature=f"f-{n}") for n in range(5)), make.span(feature="f-4"))
    rebuild_marked()
    words = read(member_client, LIST).words
    assert "f-4 2 requests" in words
    assert "These are the 3 with the most requests." in words


# One feature.


def test_its_page_says_how_it_goes_and_what_is_usual(member_client, asks, project):
    for minutes in range(30):
        asks("refunds", 60 * 24 * 2 + 5 * minutes, duration_us=1_000_000 + 50_000 * minutes)
    asks("refunds", 2, duration_us=9_000_000)
    asks("search", 2, status="error")
    rebuild_marked()
    words = read(member_client).words
    assert "1 request. 0 of 1 request failed." in words
    assert "Usually nine of ten requests take" in words
    assert "one costs $0.0100 on average." in words
    assert "19 of 20 took under" in words
    assert len(read(member_client).all("figure", class_="panel")) == 4


def test_too_few_requests_have_no_usual(member_client, refunds):
    assert "What is usual is not known yet: 0 requests in the 7 days before." in read(member_client).words


def test_versions_in_use_are_shown_with_their_share_and_since_when(member_client, asks, project):
    day = 60 * 24
    for minutes in (day * 5, day * 4, day * 3):
        asks("refunds", minutes, release="2.0", call={"prompt_name": "triage", "prompt_version": "6"})
    for minutes in (1, 2, 3):
        asks("refunds", minutes, release="2.1", call={"prompt_name": "triage", "prompt_version": "7"})
    asks("refunds", 4, release="2.1", call={"prompt_name": "triage", "prompt_version": "6"})
    asks("refunds", 5, call={"model_requested": "gpt-4.1"})
    asks("search", 1, release="9.9", call={"prompt_name": "others", "prompt_version": "1"})
    rebuild_marked()
    markup = read(member_client)
    part = markup.words.split("In use now")[1].split("Incidents")[0]
    assert "Prompt triage@7 75 % about" in part
    assert "Prompt triage@6 25 % about" in part
    assert "Model gpt-4o-mini 80 %" in part
    assert "Model gpt-4.1 20 %" in part
    assert "Release 2.1 all about" in part
    assert "2.0" not in part
    assert "others" not in part
    assert "over 13 days" not in part
    link = next(link for link in markup.links if "triage%407" in link)
    index_marked()
    assert read(member_client, link).words.count("Answered") >= 3


def test_failures_that_are_not_indexed_yet_are_not_said_to_be_none(member_client, asks):
    asks(input="It broke", status="error")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE traces_unindexed SET marked_at = now() - interval '1 minute'")
    failures = read(member_client).words.split("Recent failures")[1]
    assert "is still being indexed" in failures
    assert "No request of this feature failed" not in failures
    index_marked()
    assert "It broke" in read(member_client).words.split("Recent failures")[1]


def test_on_paper_a_page_says_what_it_was_and_when(member_client, refunds):
    for url, said in ((PAGE, "refunds, printed from llmobs on "), (LIST, "Printed from llmobs, project Shop, on ")):
        (main,) = read(member_client, url).all("main")
        assert re.fullmatch(re.escape(said) + r"\d{1,2} \w+ \d{4} at \d\d:\d\d", main["data-printed"])


def test_recent_failures_and_incidents_are_named(member_client, asks, incident, project):
    asks(input="It broke", status="error")
    asks(input="Went well")
    asks("search", input="Broke elsewhere", status="error")
    rebuild_marked()
    index_marked()
    now = make.now()
    incident(began_at=now - timedelta(minutes=12), title="Shop is slow")
    over = {"over_at": now - timedelta(hours=1), "resolved_at": now - timedelta(hours=1)}
    begun = {"began_at": now - timedelta(hours=2), "opened_at": now - timedelta(hours=2)}
    incident(**over, **begun, title="Shop was dear")
    incident("search", title="Nothing of this")
    words = read(member_client).words
    assert "Shop is slow Open since" in words
    assert "Shop was dear" in words
    assert "over after 1 h" in words.replace("\u00a0", " ")
    assert "Nothing of this" not in words
    failures = words.split("Recent failures")[1]
    assert "It broke" in failures
    assert "Went well" not in failures
    assert "Broke elsewhere" not in failures


def test_its_traces_and_its_overview_are_a_click_away(member_client, refunds):
    links = read(member_client, period="7d").links
    assert "/p/shop/traces?q=feature%3Arefunds&period=7d" in links
    assert "/p/shop/traces?q=feature%3Arefunds+status%3Aerror&period=7d" in links
    assert "/p/shop/dashboards/overview?feature=refunds&period=7d" in links
    assert LIST in links


@pytest.mark.parametrize("address", [f"{LIST}/none", f"{LIST}/%00", f"{LIST}/Refunds", "/p/shop/feature-notes/none"])
def test_an_unknown_feature_is_a_page_that_says_so(engineer_client, refunds, address):
    assert "There is no feature called" in read(engineer_client, address, 404).words


def test_features_of_other_projects_are_not_there(member_client, stranger_client, other_project, refunds):
    make.stored(other_project.pk, make.span(feature="theirs"))
    rebuild_marked()
    assert "theirs" not in read(member_client, LIST).words
    assert member_client.get(f"{LIST}/theirs").status_code == 404
    assert stranger_client.get(PAGE).status_code == 404
    assert stranger_client.get(LIST).status_code == 404


NAMES = [
    HOSTILE, "a/b//c", "a?b#c%2F", "..a/../b", "ein Blank", "請求", "line\nend", "..", "\u202eabc",
    "f" * 200, "f" * 3_000,
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("counted", [True, False])
def test_any_text_may_be_the_name_of_a_feature(engineer_client, asks, name, counted):
    asks(name)
    if counted:
        rebuild_marked()
    url = feature_url("shop", name)
    markup = read(engineer_client, url)
    assert markup.inline == []
    read(engineer_client, LIST)
    if "/features/" in url:
        form = feature_url("shop", name, edit=True)
        assert engineer_client.post(form, written(owner="Ada")).status_code == 302
        assert Feature.objects.get().owner == "Ada"
        assert "Ada" in read(engineer_client, url).words


@pytest.mark.parametrize("name", [*NAMES, "a long name " * 30])
def test_the_failures_of_a_feature_of_any_name_are_found(member_client, asks, name):
    asks(name, 10, status="error", input="Where is it?")
    asks("another", 10, status="error", input="Nothing of this")
    rebuild_marked()
    index_marked()
    url = feature_url("shop", name)
    markup = read(member_client, url)
    assert "Where is it?" in markup.words
    assert "Nothing of this" not in markup.words
    for link in markup.links:
        if len(name) < 1_900 and link.startswith("/p/shop/traces?") and "status%3Aerror" in link:  # as a line holds it
            assert "Where is it?" in read(member_client, link).words


def test_their_queries_do_not_grow(engineer_client, asks, incident):
    counts = []
    for size in (9, 3, 12):  # more failures than are shown
        for number in range(size):
            asks("refunds", 10 + number, status="error", release=f"r{number}")
            asks(f"f-{number}", 10 + number)
        incident()
        rebuild_marked()
        index_marked()
        for url in (PAGE, LIST):
            with CaptureQueriesContext(connection) as queries:
                read(engineer_client, url)
            counts.append(len(queries))
    assert counts[2:4] == counts[4:]  # the first asks for what is remembered then
    assert counts[0] <= 24
    assert counts[1] <= 12


# What is written about it.


def test_an_engineer_writes_who_looks_after_it_and_the_change_is_kept(engineer_client, member_client, refunds):
    assert FORM in read(engineer_client).links
    said = written(owner="Team Money", contact="#money", runbook="https://wiki.example.org/refunds", notes="Be\nkind")
    assert engineer_client.post(FORM, said)["Location"] == PAGE
    markup = read(member_client)
    for one in ("Team Money", "#money", "Be kind"):
        assert one in markup.words
    assert "https://wiki.example.org/refunds" in markup.links
    assert FORM not in markup.links
    assert "Team Money" in read(member_client, LIST).words
    engineer_client.post(FORM, {**said, "owner": "Ada", "version": "1"})
    words = read(member_client).words
    assert "Owner Team Money Ada" in words
    assert "eve@example.org" in words
    change = FeatureChange.objects.first()
    assert (change.before, change.after) == ({"owner": "Team Money"}, {"owner": "Ada"})


def test_saving_what_is_there_already_changes_nothing(engineer_client, refunds):
    engineer_client.post(FORM, written(owner="Ada"))
    assert engineer_client.post(FORM, written(owner=" Ada ")).status_code == 302
    assert FeatureChange.objects.count() == 1


def test_two_who_write_at_once_are_told(engineer_client, admin_of_project_client, refunds):
    engineer_client.post(FORM, written(owner="Eve", notes="By Eve"))
    answer = admin_of_project_client.post(FORM, written(owner="Ada"))
    assert answer.status_code == 409
    words = Markup(answer).words
    assert "eve@example.org changed this at" in words
    assert "By Eve" in words
    assert Feature.objects.get().owner == "Eve"
    (version,) = [one["value"] for one in Markup(answer).all("input", name="version")]
    assert [one["value"] for one in Markup(answer).all("input", name="owner")] == ["Ada"]
    assert admin_of_project_client.post(FORM, written(owner="Ada", version=version)).status_code == 302
    assert Feature.objects.get().owner == "Ada"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"owner": "x" * 201}, "at most 200 characters"),
        ({"notes": "x" * 10_001}, "at most 10000 characters"),
        ({"runbook": "javascript:alert(1)"}, "This address cannot be opened from here."),
        ({"runbook": "ftp://example.org/x"}, "This address cannot be opened from here."),
        ({"runbook": "https://user:secret@example.org/"}, "This address cannot be opened from here."),
        ({"runbook": "https://"}, "This address cannot be opened from here."),
        ({"owner": "a\0b"}, "Null characters are not allowed."),
        ({"version": "x"}, "This form is of a page that was left open"),
        ({"version": "9" * 40}, "This form is of a page that was left open"),
    ],
)
def test_what_cannot_be_kept_is_said_beside_its_field(engineer_client, refunds, fields, said):
    answer = engineer_client.post(FORM, written(**fields))
    assert answer.status_code == 400
    assert said in Markup(answer).words
    assert not FeatureChange.objects.exists()


@pytest.mark.parametrize("runbook", ["Step 1: call Bob", "see https://wiki.example.org first", "Note:"])
def test_a_runbook_may_be_a_text_and_is_no_link_then(engineer_client, refunds, runbook):
    engineer_client.post(FORM, written(runbook=runbook))
    markup = read(engineer_client)
    assert runbook in markup.words
    assert not [link for link in markup.links if link.startswith("http")]


def test_support_reads_and_does_not_write(member_client, refunds):
    assert member_client.post(FORM, written(owner="Sue")).status_code == 403
    assert member_client.get(FORM).status_code == 403
    assert Feature.objects.get().owner == ""


# Where else it is said.


def test_the_overview_of_a_feature_and_a_trace_lead_to_its_page(member_client, asks):
    root = asks(session_id="s-1", user_id="anna")
    rebuild_marked()
    for url in ("/p/shop/dashboards/overview?feature=refunds", f"/p/shop/traces/{root.trace_id.hex()}",
                "/p/shop/sessions/s-1", "/p/shop/users/anna"):  # fmt: skip
        assert PAGE in read(member_client, url).links
    assert LIST in read(member_client, "/p/shop/dashboards/overview").links


def test_an_incident_and_its_mail_say_who_looks_after_the_feature_that_carries_it(
    engineer_client, member_client, refunds, incident
):
    one = incident()
    page = f"/p/shop/incidents/{one.pk}"
    assert "Feature refunds Owner nobody yet" in read(member_client, page).words
    engineer_client.post(FORM, written(owner="<b>Ada</b>", contact="#money", runbook="https://wiki.example.org/r"))
    markup = read(member_client, page)
    assert "Owner <b>Ada</b> Contact #money" in markup.words
    assert "https://wiki.example.org/r" in markup.links
    told = message.of(one.notifications.create(
        occasion="opened", address="ada@example.org", created_at=make.now(), next_attempt_at=make.now()
    ))  # fmt: skip
    assert re.search(
        r"refunds\n  Owner: <b>Ada</b>\n  Contact: #money\n  Runbook: https://wiki.example.org/r\n", told.text
    )
    assert "Owner: &lt;b&gt;Ada&lt;/b&gt;" in told.html
    assert 'href="https://wiki.example.org/r"' in told.html


def test_an_incident_that_no_feature_carries_names_none(member_client, incident):
    one = incident(carriers=[{"dimension": "model", "value": "gpt-4o", "share": 1.0, "traffic": 0.5}])
    assert "Owner" not in read(member_client, f"/p/shop/incidents/{one.pk}").words


def test_the_incidents_of_a_feature_are_asked_for_by_their_project(project, other_project, incident):
    incident()
    assert feature_pages.incidents_of(project, "refunds").count() == 1
    assert feature_pages.incidents_of(other_project, "refunds").count() == 0
