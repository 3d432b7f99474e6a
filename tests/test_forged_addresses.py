"""What an address may be made to say: places in lists that nobody wrote, names of files, other people's hosts."""

import csv
import re
from email.message import Message
from io import StringIO
from urllib.parse import quote

import pytest

from accounts.keys import make_key
from accounts.models import Key
from tests import make
from tests.hostile_texts import TEXTS
from traces.list_answers import NAMES, cells
from traces.search.asked import SORTS
from traces.search.index import index_marked

KEY = "00" * 16
PLACES = [
    "~",
    "x~y",
    f"~{KEY}",
    f"9999-12-31T23:59:59.999999-14:00~{KEY}",
    f"0001-01-01T00:00:00+14:00~{KEY}",
    "2026-01-01T00:00:00+00:00~" + "00" * 9,
    "2026-02-30T00:00:00+00:00~",
    *(f"{number}~{KEY}" for number in ("9" * 5_000, "-1", "sNaN", "NaN", "-Infinity", "1e999999", "1e-999999", "٣")),
    "9" * 20,
    "9" * 5_000,
    "²",
    "-1",
    "\0~\0",
    f"1~{KEY}\0",
    "\ud800~é",
    "a" * 20_000,
]


@pytest.fixture
def listed(project):
    make.stored(
        project.pk,
        *make.trace(trace_id=b"\xab" * 16, session_id="s-1", user_id="u-1", feature="faq", input="Where is it?"),
    )
    index_marked()


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ascii(place[:20]))
def test_a_place_in_a_list_that_nobody_wrote_breaks_nothing(listed, admin_of_project_client, read_key, client, place):
    said = quote(place, errors="surrogatepass")
    pages = [f"/p/shop/{page}?before={said}" for page in ("inbox", "incidents", "cases", "sessions/s-1")]
    pages += [
        f"/p/shop/users/u-1?before={said}",
        f"/p/shop/newer?since={said}&seen={said}&shown={said}&follow=1",
        f"/p/shop/sessions/s-1?after={said}",
        f"/p/shop/sessions/s-1?trace={said}",
    ]
    pages += [f"/p/shop/cases?view={said}&assignee={said}&feature={said}&q={said}", f"/p/shop/cases/new?trace={said}"]
    for sort in [*SORTS, *(f"-{sort}" for sort in SORTS)]:
        asked = f"sort={sort}&after={said}&q=feature:faq"
        pages += [f"/p/shop/traces?{asked}", f"/p/shop/traces/{'ab' * 16}?list={quote(asked)}"]
        answer = client.get(f"/api/v1/traces?{asked}", headers={"x-api-key": read_key})
        assert answer.status_code in (200, 400)
        assert answer.status_code == 200 or answer.json()["message"]
    for page in pages:
        assert admin_of_project_client.get(page).status_code == 200, page[:80]
    answer = admin_of_project_client.get(f"/p/shop/export?format=csv&after={said}")
    assert b"".join(answer.streaming_content).startswith(b"trace_id,")


QUERIES = [
    "%",
    "&&=;",
    "q=%00",
    "q=%ff%fe",
    "q=model%3A%22",
    "sort=x&period=never&from=1",
    "add=(&q=)",
    "a=" * 5_000,
    "=" * 9,
]


@pytest.mark.parametrize("query", QUERIES)
def test_a_list_that_nobody_asked_for_has_no_neighbours_and_breaks_no_trace(listed, member_client, query):
    answer = member_client.get(f"/p/shop/traces/{'ab' * 16}", {"list": query})
    assert answer.status_code == 200
    assert "evil" not in answer.content.decode()


ELSEWHERE = [
    "https://evil.example/p/shop/traces",
    "//evil.example/p/shop/traces",
    "https://evil.example/p/shop/traces/" + "ab" * 16,
    "/p/shop/..//..//evil.example/",
    "/p/shop/traces/..//..//..//evil.example",
    "/p/shop\\..\\..\\evil.example",
    "https://evil.example@localhost/p/shop/traces",
    "javascript:/p/shop/traces",
    "https://evil.example/?next=/p/shop/traces",
    "/p//evil.example/traces",
    "/p/shop/traces?x=https://evil.example/",
    "/p/shop/traces\r\nSet-Cookie: a=b",
    "https://evil.example/p/shop//evil.example",
]


@pytest.mark.parametrize("pasted", ELSEWHERE)
def test_what_is_pasted_leads_to_no_other_host(listed, member_client, pasted):
    answer = member_client.get("/p/shop", {"q": pasted})
    assert answer.status_code in (200, 302)
    if answer.status_code == 302:
        there = answer.headers["Location"]
        assert there.startswith("/p/shop")
        assert "\\" not in there
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("name", TEXTS)
def test_the_name_of_a_file_holds_nothing_that_a_sender_chose_freely(project, member_client, name):
    root, call = make.trace(trace_text=TEXTS[name][:200], span_text=TEXTS[name][:200], input="Where is it?")
    make.stored(project.pk, root, call)
    page = root.trace_id.hex()
    for path in (f"download/{page}?", f"reproduce/{page}?as=curl&span={call.span_id.hex()}"):
        answer = member_client.get(f"/p/shop/{path}")
        assert answer.status_code == 200
        said = Message()
        said["Content-Disposition"] = answer.headers["Content-Disposition"]
        assert said.get_content_disposition() == "attachment"
        assert said.get_filename().strip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
        assert set(dict(said.get_params(header="Content-Disposition"))) == {"attachment", "filename"}
        b"".join(answer.streaming_content) if answer.streaming else answer.content


FORMULAS = [
    before + sign + "cmd|' /C calc'!A0"
    for sign in "=+-@＝＋－＠"
    for before in ("", " ", "\t", "\r", "\n", "\u00a0", "\u3000", "\u200b", "\ufeff", "\x00", "\x0b", " \t\u2003")
]


@pytest.mark.parametrize("formula", FORMULAS, ids=ascii)
def test_no_cell_of_a_table_is_a_formula(formula):
    row = dict.fromkeys(NAMES, formula)
    for cell in cells(row):
        assert cell.startswith("'")
        assert cell.endswith(formula)


def test_no_cell_of_an_export_is_a_formula(project, member_client):
    for formula in FORMULAS:
        sent = formula.replace("\0", "")  # which Postgres cannot hold
        make.stored(project.pk, *make.trace(user_id=sent, feature="x", input=sent))
    index_marked()
    answer = member_client.get("/p/shop/export?format=csv&period=30d")
    rows = list(csv.reader(StringIO(b"".join(answer.streaming_content).decode(), newline="")))
    assert len(rows) == len(FORMULAS) + 1
    assert [cell for row in rows for cell in row if re.match(r"[^\w'\"(]*[=+\-@＝＋－＠]", cell)] == []


def test_a_key_in_the_address_is_no_key(listed, client, project):
    key = make_key(project, Key.Scope.READ)
    for name in ("key", "api_key", "token", "access_token", "x-api-key"):
        assert client.get("/api/v1/traces", {name: key}).status_code == 401


@pytest.mark.parametrize("trace_id", ["", "//evil.example", "..", "/", "\\evil.example", "\0", "a\r\nb", "é" * 5_000])
def test_the_link_of_an_sdk_leads_to_no_other_host(client, db, trace_id):
    answer = client.get("/opik/v1/session/redirect/projects", {"trace_id": trace_id})
    assert answer.status_code in (302, 404)
    assert answer.status_code == 404 or answer.headers["Location"].startswith("/trace/")
