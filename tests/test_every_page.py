"""What holds for every address of every app, found by walking the URLconf: a new page is tested at once."""

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts.models import Key
from alerts.models import Incident, Rule
from alerts.rules import ensure_rules
from cases import changes, evidence
from tests import make
from tests.markup import Markup
from traces.models import Refusal, Replay, SavedView

OURS = ("accounts", "traces", "dashboards", "alerts", "cases")
# Written by a browser that has no session yet.
OPEN = {"accounts:login", "accounts:logout"}
TRACE = b"t" * 16


def named_patterns(resolver=None, namespace=""):
    """(name, names of the arguments) of every page of ours."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            inner = pattern.namespace or namespace
            if not inner or inner in OURS:
                yield from named_patterns(pattern, inner)
        elif isinstance(pattern, URLPattern) and namespace in OURS:
            yield f"{namespace}:{pattern.name}", _arguments(namespace, pattern.name)


def _arguments(namespace, name):
    app = get_resolver().namespace_dict[namespace][1]
    return set(app.reverse_dict.getlist(name)[0][0][0][1])


PAGES = dict(named_patterns())
OF_A_PROJECT = {name: arguments for name, arguments in PAGES.items() if "project_slug" in arguments}


@pytest.fixture
def values(project, ingest_key):
    """One of everything that an address can name, in a project that is not empty."""
    root, call = make.trace(
        trace_id=TRACE, request_id="req-1", session_id="s-1", user_id="u-1", feature="faq", input="What?"
    )
    make.stored(project.pk, root, call)
    ensure_rules(project)
    rule, now = Rule.objects.filter(project=project).first(), timezone.now()
    incident = Incident.objects.create(
        project=project, rule=rule, severity="page", title="9 % fail", sentence="9 of 100 failed.",
        last_sentence="9 of 100 failed.", began_at=now, opened_at=now, last_broken_at=now, peak=0.09, limit=0.05, n=100,
        examples=[TRACE.hex()],
    )  # fmt: skip
    refusal = Refusal.objects.create(
        project=project, received_at=now, status=400, reason="The body is empty.", alike=["The body is empty."],
        key_prefix="llmobs_in_12", method="POST", address="/v1/traces", body=b"{", size_bytes=1,
    )  # fmt: skip
    replay = Replay.objects.create(
        project=project, reason="The body is empty.", asked_at=now, up_to_id=refusal.pk, total=1
    )
    case = changes.open_case(project, None, {"title": "What? said wrong", "fix": "prompt:faq@2"}, now)
    evidence.add(case.pk, None, [TRACE], now)
    view = SavedView.objects.create(project=project, name="Refund parser", query="period=7d")
    return {
        "project_slug": project.slug,
        "trace_id": TRACE.hex(),
        "session_id": "s-1",
        "user_id": "u-1",
        "number": case.number,
        "event_id": case.history.first().pk,
        "feature": "faq",
        "key_id": Key.objects.get().pk,
        "incident_id": incident.pk,
        "rule_id": rule.pk,
        "refusal_id": refusal.pk,
        "replay_id": replay.pk,
        "view_id": view.pk,
        "name": "none",
        "sha256": "0" * 64,
    }


def address(name, values):
    return reverse(name, kwargs={argument: values[argument] for argument in PAGES[name]})


def test_the_walk_finds_the_pages():
    assert {"traces:trace-detail", "dashboards:overview", "alerts:rule-edit", "accounts:keys"} <= set(OF_A_PROJECT)
    assert set(PAGES) - set(OF_A_PROJECT) == {
        "accounts:login",
        "accounts:logout",
        "accounts:home",
        "accounts:password",
        "accounts:preferences",
        "traces:any-trace",
    }


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_page_obeys_its_policy_and_asks_nobody_else(values, admin_of_project_client, name):
    """No inline style or script, everything that is loaded is a file of ours, and the policy stands in the header."""
    client = Client() if name in OPEN else admin_of_project_client
    answer = client.get(address(name, values), follow=True)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.status_code in (200, 404, 405)
    markup = Markup(answer)
    assert markup.inline == []
    for asked in markup.loaded:
        assert asked.startswith("/static/"), asked
    for link in markup.links:
        assert link.startswith(("/", "?", "#")), link
        assert not link.startswith("//")


@pytest.mark.parametrize("name", sorted(PAGES))
@pytest.mark.parametrize("who", ["member_client", "engineer_client"])
def test_members_get_an_answer_everywhere(request, values, name, who):
    client = request.getfixturevalue(who)
    assert client.get(address(name, values)).status_code in (200, 302, 403, 404, 405)
    assert client.get(address(name, values), headers={"HX-Request": "true"}).status_code in (200, 302, 403, 404, 405)


GARBAGE = [
    "period=never&page=x&before=~&from=1&to=2",
    "from=0001-01-01T00:00:00%2B14:00&to=9999-12-31T23:59:59-14:00",
    "from=9999-12-30&to=9999-12-31&before=9999-12-31T00:00:00-14:00~x",
    "from=%00&to=%FF&period=%00&q=%00&span=%00&part=%00&feature=%00&model=%00&page=%00&before=%00",
    f"page={'9' * 5000}&from={'9' * 5000}&before={'9' * 500}~{'9' * 500}&part=input.{'9' * 5000}",
    "page=-1&page=0&from=-1&part=.&part=..&span=..&bucket=0&open=x",
]


@pytest.mark.parametrize("name", sorted(OF_A_PROJECT))
def test_garbage_in_the_query_breaks_no_page(values, admin_of_project_client, name):
    for query in GARBAGE:
        answer = admin_of_project_client.get(f"{address(name, values)}?{query}")
        assert answer.status_code in (200, 302, 404, 405), query


def test_an_address_that_there_is_not_is_a_page_too(client, member_client):
    for one in (client, member_client):
        for path in ("/nowhere", "/p/shop/traces/none", "/p/%00", "/v1/nothing", "/static/none.css", "/p/shop/"):
            answer = one.get(path, follow=True)
            assert answer.status_code in (200, 404)
            assert answer.headers["Content-Security-Policy"]
            assert Markup(answer).inline == []


def test_every_file_that_a_page_loads_is_there(values, admin_of_project_client):
    names = set()
    for name in PAGES:
        answer = admin_of_project_client.get(address(name, values))
        names |= set(Markup(answer).loaded) if answer.status_code == 200 else set()
    assert names
    for name in names:
        answer = admin_of_project_client.get(name)
        assert answer.status_code == 200, name
        assert b"".join(answer.streaming_content)
        answer.close()
    assert finders.find("js/page.js")


def test_pages_are_not_for_frames_or_sniffing(member_client):
    headers = member_client.get("/p/shop").headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_sessions_are_kept_from_scripts(client, member):
    client.post("/login", {"username": member.email, "password": "correct horse battery"})
    assert client.cookies["sessionid"]["httponly"]
    assert client.cookies["sessionid"]["samesite"] == "Lax"
