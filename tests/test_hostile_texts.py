"""Hostile texts in every field of every format that is taken, and a browser that opens every page that shows them.

No script of theirs runs, nothing of them is fetched, no policy is broken, and what they say can be read.
"""

import base64
import json
from urllib.parse import quote

import pytest
from django.utils import timezone
from google.protobuf.json_format import MessageToDict
from playwright.sync_api import Page, expect

from accounts.keys import make_key
from alerts.models import Incident, Rule
from alerts.rules import ensure_rules
from cases import changes, evidence
from conftest import client_of
from tests.browser import EXPECTED_MS, at_rest, provoke
from tests.hostile_texts import KINDS, ONE_LONG_LINE, TEXTS, otlp, otlp_logs, plain, refused, scores
from tests.otlp import JSON, PROTOBUF
from tests.web import sent
from traces import rollups
from traces.queries.listed import newest_of_all

VIEWS = ("steps", "conversation", "calls", "json")
WATCH = """
    window.__broken = [];
    document.addEventListener("securitypolicyviolation", (event) => window.__broken.push(event.blockedURI));
"""
# Says what a text did to a page. Ours have none of these in their content, but for the data and styles of charts; asked
# in one go, as hundreds of pages are.
HARM = """() => {
    const made = "script:not([type='application/json']), img, iframe, object, embed, base, meta, link, video";
    const elsewhere = "a[href]:not([href^='/']):not([href^='?']):not([href^='#'])";
    const handles = (one) => one.getAttributeNames().some((name) => /^(on|(data-)?hx-on)/.test(name));
    const all = [...document.querySelectorAll("main *")];
    return [
        ...(window.__ran === undefined ? [] : ["a script ran"]),
        ...window.__broken.map((address) => `broke the policy: ${address}`),
        ...all.filter((one) => one.matches(`${made}, ${elsewhere}`) || handles(one)).map((one) => one.outerHTML),
    ];
}"""
# Opens one step after the other, waits until it stands on the page, and says what it did there.
OPEN_STEPS = f"""async () => {{
    const harm = {HARM};
    const rows = [...document.querySelectorAll("[data-row=step]")];
    const found = [];
    for (const row of rows) {{
        await new Promise((opened, failed) => {{
            document.addEventListener("htmx:afterSettle", function settled(event) {{
                if (event.detail.requestConfig?.elt !== row) return;
                document.removeEventListener("htmx:afterSettle", settled);
                opened();
            }});
            setTimeout(failed, {EXPECTED_MS}, new Error(`not opened: ${{row.href}}`));
            row.click();
        }});
        if (row.getAttribute("aria-current") !== "step") found.push(`not the open one: ${{row.href}}`);
        found.push(...harm());
    }}
    return [rows.length, found];
}}"""


@pytest.fixture
def post(transactional_db, live_server, project):
    """Sends a body as a service does; gives the status."""
    key, address = make_key(project), live_server.url.removeprefix("http://")

    def _post(path, body, content_type=JSON, **headers):
        named = {"Authorization": f"Bearer {key}", "Content_Type": content_type, **headers}
        return sent(address, "POST", path, body, **named).status

    return _post


@pytest.fixture
def hostile(page: Page, live_server, project, admin):
    """A window of an admin that opens addresses and says what a text did there."""
    session = client_of(admin).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page.add_init_script(WATCH)
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.harmless = lambda: harmless(page, live_server.url, dialogs)
    return page


def harmless(page, url, dialogs):
    assert page.evaluate(HARM) == [], page.url
    assert dialogs == []
    assert page.url.startswith(url)


def hexed(request, groups, items):
    """Protobuf's JSON with ids in hex, as OTLP has it."""
    told = MessageToDict(request)
    for group in told[groups]:
        for scope in group[items[0]]:
            for one in scope.get(items[1], []):
                for holder in [one, *one.get("links", [])]:
                    holder |= {
                        name: base64.b64decode(holder[name]).hex() for name in ("traceId", "spanId") if name in holder
                    }
    return json.dumps(told).encode()


def addresses(page, selector):
    return page.locator(selector).evaluate_all("links => links.map((link) => link.getAttribute('href'))")


def open_everywhere(page, path):
    """Every view of a trace, and each of its steps in turn."""
    for view in VIEWS[1:]:
        page.goto(f"{path}?view={view}")
        expect(page.locator("[aria-label='Views of this trace'] [aria-current]")).to_have_count(1)
        page.harmless()
    page.goto(path)
    page.harmless()
    steps, harm = page.evaluate(OPEN_STEPS)
    assert harm == []
    at_rest(page).harmless()
    return steps


def plain_records(trace_id):
    return [
        plain(trace_id, f"{number + 1:016x}", text, KINDS[number % 3]) for number, text in enumerate(TEXTS.values())
    ]


FORMATS = {
    "protobuf": lambda trace: [("/v1/traces", otlp(trace).SerializeToString(), PROTOBUF),
                               ("/v1/logs", otlp_logs(trace).SerializeToString(), PROTOBUF)],
    "JSON": lambda trace: [("/v1/logs", hexed(otlp_logs(trace), "resourceLogs", ("scopeLogs", "logRecords")), JSON),
                           ("/v1/traces", hexed(otlp(trace), "resourceSpans", ("scopeSpans", "spans")), JSON)],
    "only logs": lambda trace: [("/v1/logs", otlp_logs(trace).SerializeToString(), PROTOBUF)],
    "plain": lambda trace: [("/api/v1/traces", json.dumps(plain_records(trace.hex())), JSON)],
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_a_trace_of_hostile_steps_harms_nobody(hostile, post, name):
    trace = bytes([len(name)]) * 16
    for path, body, content_type in FORMATS[name](trace):
        assert post(path, body, content_type) == 200
    ours = [
        score for number, text in enumerate(TEXTS.values()) for score in scores(trace.hex(), f"{number + 1:016x}", text)
    ]
    assert post("/api/v1/scores", json.dumps(ours)) == 200
    steps = open_everywhere(hostile, f"/p/shop/traces/{trace.hex()}")
    assert steps == len(TEXTS)


@pytest.fixture
def everywhere(post, project):
    """Every text as ids and names of a trace of its own, in refused bodies, and in an incident."""
    texts = TEXTS.values()
    records = [plain(None, text + kind, text, kind) for text in texts for kind in KINDS]
    assert post("/api/v1/traces", json.dumps(records)) == 200
    assert post("/api/v1/scores", json.dumps([score for text in texts for score in scores(None, None, text)])) == 200
    for text in texts:
        assert post("/api/v1/traces", json.dumps(refused(text)), User_Agent=quote(text)) == 400
        assert post("/v1/traces", f"[{text}".encode(), JSON) == 400
    ensure_rules(project)
    now = timezone.now()
    for rule, text in zip(Rule.objects.filter(project=project), texts, strict=False):
        words = text[:300]
        Incident.objects.create(
            project=project, rule=rule, severity="page", title=words, sentence=words, last_sentence=words, began_at=now,
            opened_at=now, last_broken_at=now, peak=0.09, limit=0.05, n=100,
            carriers=[{"dimension": "feature", "value": text, "observed": 9, "expected": 1, "share": 1, "traffic": 1}],
        )  # fmt: skip
    while rollups.rebuild_marked(1_000):
        pass


def test_ids_and_names_that_are_hostile_harm_no_page(hostile, everywhere, project):
    for path in ("", "/traces", "/traces?period=30d", "/inbox", "/dashboards/overview", "/incidents", "/rules"):
        hostile.goto(f"/p/shop{path}")
        hostile.harmless()
    hostile.goto("/p/shop/traces")
    links = addresses(hostile, "a[data-row]")
    assert len(links) == len(TEXTS)
    for link in links:
        hostile.goto(link)
        hostile.harmless()
    # What a look-up by an address cannot find, or a query that cannot be read, may say so by its status.
    provoke(hostile, "status of 40")
    for text in TEXTS.values():
        for path in (
            f"?q={quote(text, safe='')}",
            f"/traces?q={quote(text, safe='')}",
            f"/sessions/{quote(text, safe='')}",
        ):
            hostile.goto(f"/p/shop{path}")
            hostile.harmless()


def test_what_was_refused_and_what_is_broken_harms_no_page(hostile, everywhere):
    hostile.goto("/p/shop/inbox")
    pages = hostile.locator("main a[href*='/inbox/']").evaluate_all(
        "links => links.map((link) => link.getAttribute('href'))"
    )
    pages += [f"/p/shop/incidents/{incident.pk}" for incident in Incident.objects.all()]
    assert len(pages) > 5
    for path in dict.fromkeys(pages):
        hostile.goto(path)
        hostile.harmless()


def test_a_case_of_what_is_hostile_harms_no_page(hostile, post, project, admin):
    assert post("/api/v1/traces", json.dumps([plain(None, text, text, "llm") for text in TEXTS.values()])) == 200
    now = timezone.now()
    rows = newest_of_all(project.pk, now, 2 * len(TEXTS))
    assert len(rows) >= len(TEXTS)
    for row in rows:
        said = row.asked or row.name
        values = {
            "title": said[:200],
            "note": said,
            "reported_by": f"by {said}"[:300],
            "feature": (row.feature or "")[:900],
        }
        case = evidence.begin(project, admin, {**values, "fix": f"prompt:{said[:400]}@1"}, [row.key], now)
        changes.comment(case, admin, said[:4_000], now)
        hostile.goto(f"/p/shop/cases/{case.number}")
        hostile.harmless()
    for path in ("", "/1/edit", "/1/add", f"/new?trace={rows[0].key.hex()}"):
        hostile.goto(f"/p/shop/cases{path}")
        hostile.harmless()


def test_a_line_of_10_mb_harms_no_page(hostile, post):
    record = plain("ab" * 16, "cd" * 8, "x", "llm") | {"input": ONE_LONG_LINE, "output": "short", "parent_id": None}
    assert post("/api/v1/traces", json.dumps(record)) == 200
    open_everywhere(hostile, "/p/shop/traces/" + "ab" * 16)
    fold = hostile.locator("details.fold[hx-get]").first
    fold.locator("summary").click()
    expect(fold.locator("pre")).to_have_count(1)
    hostile.harmless()
