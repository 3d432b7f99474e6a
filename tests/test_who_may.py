"""Who may ask what, for every address there is: found in the URLconf, so that none is forgotten.

Pages need a session of a member whose role reaches; addresses of machines need a key of the right scope and project. An
address that is new is held to the same: one that is to answer without a key must be named here.
"""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.urls import URLResolver, get_resolver, resolve
from django.utils import timezone
from django.utils.regex_helper import normalize

from accounts.keys import make_key
from accounts.models import Key, Role
from alerts.models import Incident, Rule
from alerts.rules import ensure_rules
from cases import changes
from tests import make
from traces.models import Refusal, Replay, SavedView

SECRET = "what only members of the shop may know"
TRACE = b"\x12" * 16  # in hex as in digits: some addresses take digits alone
SPAN = b"\x12" * 8
QUERY = f"?span={SPAN.hex()}&part=input&as=curl&format=csv"  # what some pages need to find what is theirs
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
READS = ("GET", "HEAD")
CHANGES = ("POST", "PUT", "PATCH", "DELETE")
# What answers anybody.
OPEN = {"login", "logout", "health/live", "health/ready", "info", "opik/is-alive/ping", "api/public/health"}
# What says to anybody that there is nothing, or leads to a page of ours.
EMPTY = {"opik/%(path)s", "opik/v1/session/redirect/projects", "api/public/"}
# The role that a page needs where it is not the least.
NEEDED = {
    "p/%(project_slug)s/feature-notes/%(feature)s": Role.ENGINEER,
    "p/%(project_slug)s/inbox": Role.ENGINEER,
    "p/%(project_slug)s/inbox/%(refusal_id)s": Role.ENGINEER,
    "p/%(project_slug)s/inbox/%(refusal_id)s/body": Role.ENGINEER,
    "p/%(project_slug)s/inbox/replay": Role.ENGINEER,
    "p/%(project_slug)s/inbox/replays/%(replay_id)s": Role.ENGINEER,
    "p/%(project_slug)s/inbox/%(refusal_id)s/replay": Role.ENGINEER,
    "p/%(project_slug)s/cases/%(number)s/delete": Role.ADMIN,
    "p/%(project_slug)s/rules/%(rule_id)s": Role.ENGINEER,
    "p/%(project_slug)s/settings/facets": Role.ENGINEER,
    "p/%(project_slug)s/settings/ids": Role.ENGINEER,
    "p/%(project_slug)s/settings/keys": Role.ADMIN,
    "p/%(project_slug)s/settings/keys/%(key_id)s/revoke": Role.ADMIN,
    "p/%(project_slug)s/settings/keys/%(key_id)s/limits": Role.ADMIN,
}
# And the one that it needs to change something, where that is another.
NEEDED_TO_CHANGE = {
    "p/%(project_slug)s/send": Role.ADMIN,
    "p/%(project_slug)s/views/%(view_id)s": Role.ENGINEER,  # one that the whole project has
    "p/%(project_slug)s/views/%(view_id)s/delete": Role.ENGINEER,
    "p/%(project_slug)s/views/%(view_id)s/restore": Role.ENGINEER,
}
# Read by keys with the scope read, and by members.
READ_BY_KEYS = {"api/v1/traces", "api/v1/traces/%(trace_id)s", "api/v1/requests/%(request_id)s"}
RANK = [Role.SUPPORT, Role.ENGINEER, Role.ADMIN]
CLIENTS = {Role.SUPPORT: "member_client", Role.ENGINEER: "engineer_client", Role.ADMIN: "admin_of_project_client"}
ALLOWED = {200, 204, 302, 400, 405}
# Nothing has these names, and no body here has a reason; the tests of mails, media and replays look at what there is.
NOT_THERE = {
    "p/%(project_slug)s/inbox/replay",
    "p/%(project_slug)s/mails/%(name)s",
    "p/%(project_slug)s/media/%(sha256)s",
}
# What an address may change.
WATCHED = (
    "accounts_key",
    "accounts_project",
    "alerts_incident",
    "alerts_rule",
    "cases_case",
    "cases_event",
    "traces_savedview",
    "traces_feature",
    "traces_score",
    "traces_summary",
)


def templates(resolver=None, before="") -> Iterator[tuple[str, Callable[..., object]]]:
    """Every address as a template of its arguments, and its view; Django's own administration apart."""
    for pattern in (resolver or get_resolver()).url_patterns:
        regex = re.sub(r"\(\?:(\w+)\|[^()]*\)", r"\1", pattern.pattern.regex.pattern)  # the first of several words
        here = before + normalize(regex)[-1][0]
        if not isinstance(pattern, URLResolver):
            yield here, pattern.callback
        elif pattern.namespace != "admin":
            yield from templates(pattern, here)


ALL = sorted({template for template, _ in templates()})
PAGES = [one for one in ALL if one.startswith("p/")]
MINE = ["", "password", "preferences", "trace/%(trace_id)s"]  # of whoever is logged in
MACHINES = [one for one in ALL if one not in {*PAGES, *MINE, *OPEN, *EMPTY}]


@pytest.fixture
def shop(project):
    """One of everything that an address can name, by the name of the argument."""
    root = make.span(trace_id=TRACE, request_id="req-1", session_id="s-1", user_id="u-1", feature="faq", input=SECRET)
    make.stored(project.pk, root, make.call(trace_id=TRACE, span_id=SPAN, parent_id=root.span_id, input=SECRET))
    ensure_rules(project)
    rule, now = Rule.objects.filter(project=project).first(), timezone.now()
    incident = Incident.objects.create(
        project=project, rule=rule, severity="page", title=SECRET, sentence=SECRET, last_sentence=SECRET, began_at=now,
        opened_at=now, last_broken_at=now, peak=0.09, limit=0.05, n=100, examples=[TRACE.hex()],
    )  # fmt: skip
    refusal = Refusal.objects.create(
        project=project, received_at=now, status=400, reason=SECRET, alike=[SECRET], key_prefix="llmobs_in_12",
        method="POST", address="/v1/traces", body=SECRET.encode(), size_bytes=1,
    )  # fmt: skip
    replay = Replay.objects.create(
        project=project, reason=SECRET, asked_at=now, finished_at=now, up_to_id=refusal.pk, total=1
    )
    case = changes.open_case(project, None, {"title": SECRET, "note": SECRET, "similar": f'"{SECRET}"'}, now)
    view = SavedView.objects.create(project=project, name=SECRET, query="period=7d")
    make_key(project)
    return {
        "project_slug": project.slug,
        "trace_id": TRACE.hex(),
        "request_id": "req-1",
        "session_id": "s-1",
        "user_id": "u-1",
        "number": case.number,
        "event_id": case.history.get().pk,
        "feature": "faq",
        "key_id": Key.objects.get(project=project).pk,
        "incident_id": incident.pk,
        "rule_id": rule.pk,
        "refusal_id": refusal.pk,
        "replay_id": replay.pk,
        "view_id": view.pk,
        "span_id": SPAN.hex(),
        "name": "20260101-000000-1.0",
        "sha256": "0" * 64,
        "file": "0" * 64,
        "of": "traces",
    }


def address(template, values):
    """The address; an argument that nothing here is named by has the id of nothing."""
    names = re.findall(r"%\((\w+)\)s", template)
    path = "/" + template % {name: values.get(name, UUID(int=0)) for name in names}
    return path + QUERY if template in PAGES else path


def asked(client, template, values, methods=METHODS, **headers):
    """The status by method. Nothing of the project may be said by an answer that refuses."""
    found = {}
    for method in methods:
        answer = client.generic(method, address(template, values), b"{}", "application/json", headers=headers)
        found[method] = answer.status_code
        if answer.status_code >= 400:
            assert SECRET.encode() not in content(answer), method
    return found


def content(answer):
    """All that an answer says, a streamed one read to its end."""
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def rows():
    """All that an address may change, as it stands."""
    with connection.cursor() as cursor:
        for table in WATCHED:
            cursor.execute(f"SELECT (to_jsonb(t) - 'last_used_at')::text FROM {table} t ORDER BY 1")
            yield table, cursor.fetchall()


def test_the_walk_finds_every_address(shop):
    for template, view in templates():
        assert resolve(urlsplit(address(template, shop)).path).func == view, template
    assert {"p/%(project_slug)s/traces/%(trace_id)s", "p/%(project_slug)s/incidents"} <= set(PAGES)
    assert {"v1/traces", "api/v1/scores", *READ_BY_KEYS} <= set(MACHINES)
    assert OPEN | EMPTY | set(MINE) <= set(ALL)
    assert set(PAGES) >= NEEDED.keys()


def test_without_a_session_a_page_leads_to_the_log_in_and_keys_open_none(shop, ingest_key, read_key):
    before = list(rows())
    for template in [*PAGES, *MINE]:
        for key in (None, ingest_key, read_key, "nobodys"):
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            assert set(asked(Client(), template, shop, **headers).values()) <= {302, 405}, template
            answer = Client().get(address(template, shop), headers=headers)
            assert answer.status_code == 405 or answer.headers["Location"].startswith("/login?next="), template
    assert list(rows()) == before


def test_a_member_of_another_project_finds_nothing_of_this_one(shop, stranger_client, other_project):
    before = list(rows())
    at_home = {**shop, "project_slug": other_project.slug}
    for template in PAGES:
        # What is the shop's is not there under the stranger's own project either.
        for values in [shop, at_home] if template.count("%(") > 1 else [shop]:
            statuses = set(asked(stranger_client, template, values).values())
            assert statuses <= {404, 405}, template
            assert 404 in statuses, template
    assert set(asked(stranger_client, "trace/%(trace_id)s", shop).values()) == {404, 405}
    assert list(rows()) == before


@pytest.mark.parametrize("role", RANK)
def test_a_member_is_let_in_where_the_role_reaches(request, shop, role):
    client = request.getfixturevalue(CLIENTS[role])
    for template in PAGES:
        least = NEEDED.get(template, Role.SUPPORT)
        for methods, needed in ((READS, least), (CHANGES, NEEDED_TO_CHANGE.get(template, least))):
            before = list(rows())
            statuses = set(asked(client, template, shop, methods).values())
            if RANK.index(role) >= RANK.index(needed):
                assert statuses <= ALLOWED | ({404} if template in NOT_THERE else set()), template
            else:
                assert statuses <= {403, 405}, template
                assert list(rows()) == before, template


def test_a_machine_without_a_key_is_refused(shop, admin_of_project_client):
    before = list(rows())
    for template in MACHINES:
        for headers in ({}, {"Authorization": "Bearer nobodys"}, {"x-api-key": "llmobs_in_none"}):
            statuses = set(asked(Client(), template, shop, **headers).values())
            assert statuses <= {401, 404, 405}, template
            assert 401 in statuses, template
        # The session of a browser sends nothing: another site could make that browser ask.
        writes = asked(admin_of_project_client, template, shop, CHANGES)
        assert set(writes.values()) <= {401, 403, 404, 405}, template
    assert list(rows()) == before


def test_a_key_does_what_its_scope_says(shop, ingest_key, read_key):
    before = list(rows())
    for template in MACHINES:
        writes = asked(Client(), template, shop, CHANGES, Authorization=f"Bearer {read_key}")
        assert set(writes.values()) <= {401, 403, 404, 405}, template
        reads = asked(Client(), template, shop, READS, Authorization=f"Bearer {ingest_key}")
        if template in READ_BY_KEYS:
            assert set(reads.values()) == {403}, template
            reads = asked(Client(), template, shop, READS, Authorization=f"Bearer {read_key}")
            assert set(reads.values()) == {200}, template
    assert list(rows()) == before


def test_a_key_of_another_project_reads_nothing_of_this_one(shop, other_project, stranger_client):
    key = make_key(other_project, Key.Scope.READ)
    for template in MACHINES:
        for client, headers in ((Client(), {"x-api-key": key}), (stranger_client, {})):
            answer = client.get(address(template, shop), headers=headers)
            assert SECRET.encode() not in content(answer), template
            if template in READ_BY_KEYS:
                assert answer.status_code == (404 if "%(" in template else 200), template
            else:
                assert answer.status_code in (401, 403, 404, 405), template


def test_what_answers_get_answers_head_alike_and_without_a_body(shop, admin_of_project_client):
    for template in [*PAGES, *MINE, *OPEN]:
        got = admin_of_project_client.get(address(template, shop))
        content(got)
        head = admin_of_project_client.head(address(template, shop))
        assert head.status_code == got.status_code, template
        assert head.headers.get("Content-Disposition") == got.headers.get("Content-Disposition"), template
        assert content(head) == b"", template


def test_head_reads_nothing_of_a_list_that_get_sends(shop, member_client, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):  # session, user, project
        assert member_client.head("/p/shop/export?format=csv").headers["Content-Type"].startswith("text/csv")
