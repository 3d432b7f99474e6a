"""Saved views: made from a list, opened by their address, shared, changed, deleted and brought back."""

from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from accounts.models import Role
from conftest import client_of, person
from tests import make
from tests.hostile_texts import TEXTS
from tests.markup import Markup
from traces import saved_views
from traces.models import ListChoice, SavedView
from traces.search.index import index_marked

LIST = "/p/shop/traces"
VIEWS = "/p/shop/views"
ASKED = "q=feature%3Afaq&sort=cost&period=7d&columns=asked%2Ccost%3A90&density=compact"


@pytest.fixture
def listed(project):
    make.stored(project.pk, *make.trace(feature="faq", input="Where is it?"))
    index_marked()


def saved(client, name="Refund parser", query=ASKED, **more):
    """The address that saving leads to."""
    answer = client.post(VIEWS, {"name": name, "list": query, **more})
    assert answer.status_code == 302
    return answer.headers["Location"]


def page(client, address=LIST):
    answer = client.get(address)
    assert answer.status_code == 200
    return Markup(answer)


def views(markup):
    """The names in the line of views, and of which it says that it is the current one."""
    start = markup.text.index("Traces", markup.text.index("Look up an id"))
    line = markup.text[start:].partition("Save")[0]
    return " ".join(line.split())


def test_a_view_keeps_what_its_list_asks_and_how_it_is_shown(listed, member_client):
    address = saved(member_client)
    (view,) = SavedView.objects.all()
    assert parse_qs(urlsplit(address).query) == {**parse_qs(ASKED), "view": [str(view.pk)]}
    markup = page(member_client, address)
    assert "Refund parser is saved." in markup.words
    current = [one for one in markup.all("a", class_="views__one") if one.get("aria-current")]
    assert [one["href"] for one in current] == [address]
    assert "changed" not in views(markup)
    assert [one.get("width") for one in markup.all("col")][:2] == [None, "90"]


def test_a_view_says_that_it_was_changed_and_can_be_saved_or_saved_as_new(listed, member_client):
    address = saved(member_client)
    (view,) = SavedView.objects.all()
    turned = address.replace("sort=cost", "sort=latency")
    markup = page(member_client, turned)
    assert "Refund parser changed" in views(markup)
    assert "Save as new" in markup.words
    (form,) = [one for one in markup.all("form") if one.get("action") == f"{VIEWS}/{view.pk}"]
    query = turned.partition("?")[2]
    assert member_client.post(form["action"], {"list": query}).headers["Location"] == turned
    view.refresh_from_db()
    assert "sort=latency" in view.query
    assert "changed" not in views(page(member_client, turned))


def test_what_another_tab_or_member_made_of_a_view_is_not_written_over_unseen(listed, engineer_client, project):
    saved(engineer_client, shared="1")
    (view,) = SavedView.objects.all()
    address = f"{VIEWS}/{view.pk}"
    markup = page(engineer_client, f"{LIST}?q=model%3Am&view={view.pk}")
    (was,) = [one["value"] for one in markup.all("input", name="was")]
    another = client_of(person("eli@example.org", project, Role.ENGINEER))
    another.post(address, {"list": "q=feature%3Aother", "was": was})
    answer = engineer_client.post(address, {"list": "q=model%3Am", "was": was})
    markup = page(engineer_client, answer.headers["Location"])
    assert "Refund parser was changed meanwhile, so nothing is saved yet." in markup.words
    assert asked_of_view(view) == "feature:other"
    (was,) = [one["value"] for one in markup.all("input", name="was")]
    (line,) = [one["value"] for one in markup.all("input", name="list") if "model" in one["value"]][:1]
    engineer_client.post(address, {"list": line, "was": was})
    assert asked_of_view(view) == "model:m"


def asked_of_view(view):
    view.refresh_from_db()
    return parse_qs(view.query)["q"][0]


def test_what_narrows_a_view_further_keeps_its_name(listed, member_client):
    markup = page(member_client, saved(member_client))
    (view,) = SavedView.objects.all()
    for link in [one for one in markup.links if "sort=tokens" in one or one.startswith("?period=1h")]:
        assert f"view={view.pk}" in link
    assert markup.all("input", type="hidden", name="view", value=str(view.pk))


def test_the_views_of_every_project_are_there_and_the_one_that_is_shown_is_marked(listed, member_client):
    assert views(page(member_client)).startswith("Traces")
    for one in saved_views.BUILT_IN:
        links = [link for link in page(member_client).links if link.endswith(f"view={one.key}")]
        markup = page(member_client, links[0])
        marked = [tag["href"] for tag in markup.all("a", class_="views__one") if tag.get("aria-current")]
        assert marked == links
        assert "query-problem" not in str(markup.tags)
    assert [tag["href"] for tag in page(member_client).all("a", class_="views__one") if tag.get("aria-current")] == [
        link for link in page(member_client).links if link.endswith("view=all")
    ]


def test_a_view_of_the_project_is_for_all_its_members_and_its_address_too(
    project, listed, engineer_client, member_client
):
    address = saved(engineer_client, shared="1")
    assert "Refund parser" in views(page(member_client))
    assert "Refund parser" in views(page(member_client, address))
    (view,) = SavedView.objects.all()
    changed = page(member_client, address.replace("cost", "latency"))
    assert not [one for one in changed.all("form") if one.get("action") == f"{VIEWS}/{view.pk}"]
    for path in ("", "/delete", "/restore"):
        assert member_client.post(f"{VIEWS}/{view.pk}{path}", {"name": "Mine"}).status_code == 403
    assert engineer_client.post(f"{VIEWS}/{view.pk}", {"name": "Parser"}).status_code == 302
    assert "Parser" in views(page(member_client))


def test_sharing_needs_an_engineer(listed, member_client):
    assert member_client.post(VIEWS, {"name": "For all", "list": ASKED, "shared": "1"}).status_code == 403
    assert not SavedView.objects.exists()
    markup = page(member_client)
    assert not markup.all("input", name="shared")
    assert "Views of the whole project need the role engineer." in markup.words


def test_a_view_of_another_member_is_not_shown_but_its_address_is_answered(listed, member_client, engineer_client):
    address = saved(member_client)
    (view,) = SavedView.objects.all()
    markup = page(engineer_client, address)
    assert "This view is deleted, or another member's." in markup.words
    assert "Refund parser" not in views(markup)
    assert [one["data-chip"] for one in markup.all("span", class_="chip")] == ["feature:faq"]
    for path in ("", "/delete", "/restore"):
        assert engineer_client.post(f"{VIEWS}/{view.pk}{path}", {"name": "Mine"}).status_code == 404
    assert "Refund parser" not in page(engineer_client, VIEWS).words


@pytest.mark.parametrize("named", ["0", "999999999", "x", "-1", "9" * 400, "%00", "٣", "all%20", "1%27"])
def test_a_view_that_there_is_not_falls_back_to_the_address(listed, member_client, named):
    assert "Where is it?" in page(member_client, f"{LIST}?view={named}").words


def test_a_deleted_view_can_be_brought_back_from_the_page_that_follows(listed, member_client):
    address = saved(member_client)
    (view,) = SavedView.objects.all()
    after = page(member_client, member_client.post(f"{VIEWS}/{view.pk}/delete").headers["Location"])
    assert "Refund parser is deleted." in after.words
    assert "This view is deleted" in page(member_client, address).words
    assert "Where is it?" in page(member_client, address).words
    (undo,) = [one["action"] for one in after.all("form") if one.get("action", "").endswith("/restore")]
    for _ in range(2):
        markup = page(member_client, member_client.post(undo).headers["Location"])
    assert "Refund parser is back." in markup.words
    assert "Refund parser" in views(page(member_client, address))


def test_a_view_cannot_be_brought_back_over_another_of_its_name(listed, member_client):
    saved(member_client)
    (view,) = SavedView.objects.all()
    member_client.post(f"{VIEWS}/{view.pk}/delete")
    saved(member_client, "refund PARSER")
    answer = member_client.post(f"{VIEWS}/{view.pk}/restore", follow=True)
    assert "You have a view called Refund parser already." in Markup(answer).words


def test_what_was_deleted_a_day_ago_is_gone(project, member):
    mine = {"project": project, "owner": member, "query": "period=7d"}
    old, new = (saved_views.save(SavedView(name=name, **mine)) for name in ("Old", "New"))
    saved_views.delete(old, make.now() - timedelta(days=2))
    saved_views.delete(new, make.now())
    assert [one.name for one in SavedView.objects.all()] == ["New"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "Write a name, such as Refund parser."),
        ("   ", "Write a name, such as Refund parser."),
        ("x" * 61, "A name has at most 60 characters."),
        ("REFUND  parser", "You have a view called REFUND parser already. Choose another name."),
        ("a\u202eb", "A name is a text of one line, without signs that cannot be seen."),
        ("a\0b", "Null characters are not allowed."),
    ],
)
def test_a_name_that_cannot_be_taken_is_said_beside_its_field_and_nothing_is_lost(listed, member_client, name, said):
    saved(member_client)
    answer = member_client.post(VIEWS, {"name": name, "list": ASKED})
    assert answer.status_code == 200
    markup = Markup(answer)
    assert said in markup.words
    assert markup.all("input", id="view-name", aria_invalid="true")
    assert markup.all("input", type="hidden", name="list", value=ASKED)
    assert SavedView.objects.count() == 1


def test_the_same_name_may_be_a_members_own_and_the_projects(listed, engineer_client, member_client):
    saved(engineer_client)
    saved(engineer_client, shared="1")
    saved(member_client)
    assert SavedView.objects.filter(name="Refund parser").count() == 3


def test_there_is_an_end_to_views_and_to_what_one_keeps(project, member, member_client):
    mine = [SavedView(project=project, owner=member, name=f"v{n}", query="period=7d") for n in range(saved_views.MOST)]
    SavedView.objects.bulk_create(mine)
    answer = member_client.post(VIEWS, {"name": "One more", "list": ASKED})
    assert "There are 50 views already." in Markup(answer).words
    SavedView.objects.all().delete()
    answer = member_client.post(VIEWS, {"name": "Long", "list": urlencode({"q": "é" * 20_000})})
    assert "This list asks for more than a view can keep." in Markup(answer).words
    answer = member_client.post(VIEWS, {"name": "Wrong", "list": "q=latency%3A2x"})
    assert "The query line cannot be read" in Markup(answer).words


@pytest.mark.parametrize("name", TEXTS)
def test_any_name_is_text(listed, member_client, name):
    answer = member_client.post(VIEWS, {"name": TEXTS[name], "list": ASKED}, follow=True)
    assert answer.status_code == 200
    for markup in (Markup(answer), page(member_client), page(member_client, VIEWS)):
        assert [one for one in markup.inline if " value=" not in one] == []  # in a field it is text
        assert not markup.all("img")


def test_a_list_that_is_posted_leads_to_no_other_host(listed, member_client):
    for query in ("//evil.example", "https://evil.example/?q=x", "a\r\nSet-Cookie: b=c", "\0", "view=7&next=//evil"):
        for path, more in ((VIEWS, {"name": ascii(query)}), ("/p/shop/columns", {"columns": "asked"})):
            answer = member_client.post(path, {"list": query, **more})
            assert answer.status_code == 302
            assert answer.headers["Location"].startswith("/p/shop/traces?period=24h")


def test_a_member_chooses_what_the_list_opens_with(listed, member_client, engineer_client):
    address = saved(member_client)
    (view,) = SavedView.objects.all()
    member_client.post(f"{VIEWS}/first", {"view": str(view.pk)})
    assert member_client.get(LIST).headers["Location"] == address
    assert engineer_client.get(LIST).status_code == 200
    assert member_client.get(f"{LIST}?view=all").status_code == 200
    member_client.post(f"{VIEWS}/{view.pk}/delete")
    assert member_client.get(LIST).status_code == 200
    member_client.post(f"{VIEWS}/first", {"view": "slow"})
    assert "view=slow" in member_client.get(LIST).headers["Location"]
    for nothing in ("", "none", "-1", "\0", "9" * 99):
        assert member_client.post(f"{VIEWS}/first", {"view": nothing}).status_code == 302
        assert member_client.get(LIST).status_code == 200


def test_columns_are_kept_for_the_member_and_the_project(project, listed, member_client, engineer_client):
    said = {
        "columns": ["cost:80", "asked", "user"],
        "density": "roomy",
        "list": "q=feature%3Afaq&columns=time&period=1h",
    }
    answer = member_client.post("/p/shop/columns", said)
    assert answer.headers["Location"] == f"{LIST}?q=feature%3Afaq&period=1h#trace-rows"
    markup = page(member_client)
    assert [one.get("data-column") for one in markup.all("col")][:3] == ["cost", "asked", "user"]
    assert "trace-table--roomy" in str(markup.all("table"))
    assert "trace-table--normal" in str(page(engineer_client).all("table"))
    assert page(member_client, f"{LIST}?columns=asked").all("col")[0]["data-column"] == "asked"
    member_client.post("/p/shop/columns", {"usual": "1", "columns": ["cost"], "list": ""})
    assert page(member_client).all("col")[0]["data-column"] == "time"


def test_columns_of_a_saved_view_become_part_of_its_address_and_not_the_members(listed, member_client):
    address = saved(member_client)
    answer = member_client.post("/p/shop/columns", {"columns": ["user", "asked"], "list": address.partition("?")[2]})
    assert "columns=user%2Casked" in answer.headers["Location"]
    assert "changed" in views(page(member_client, answer.headers["Location"]))
    assert not ListChoice.objects.exists()


@pytest.mark.parametrize(
    ("said", "columns"),
    [
        ({"columns": ["time", "asked", "cost"], "move": "cost:up"}, "time,cost,asked"),
        ({"columns": ["time", "asked", "cost"], "move": "time:down"}, "asked,time,cost"),
        ({"columns": ["asked"], "key": " metadata.order_id "}, "asked,metadata.order_id"),
        ({"columns": ["asked", "metadata.a%2Cb"], "move": "metadata.a%2Cb:up"}, "metadata.a%2Cb,asked"),
        ({"columns": ["asked"], "move": "x"}, "asked"),
        ({"columns": ["asked"], "key": "\0"}, "asked"),
        ({}, ""),
    ],
)
def test_the_form_moves_columns_and_takes_a_key_of_metadata(listed, member_client, said, columns):
    assert member_client.post("/p/shop/columns", said).status_code == 302
    assert ListChoice.objects.get().columns == columns


def test_htmx_gets_the_address_of_the_list_alone(listed, member_client):
    answer = member_client.post("/p/shop/columns", {"columns": "asked:300", "list": ""}, headers={"HX-Request": "true"})
    assert answer.content.decode() == f"{LIST}?period=24h"


def test_another_project_has_views_of_its_own(project, other_project, listed, member_client):
    saved(member_client)
    (view,) = SavedView.objects.all()
    elsewhere = client_of(person("both@example.org", other_project, Role.ADMIN))
    assert elsewhere.post(f"/p/bank/views/{view.pk}", {"name": "x"}).status_code == 404
    assert "Refund parser" not in page(elsewhere, "/p/bank/traces").words


def test_a_preview_tells_what_happened_and_leads_to_the_trace(project, member_client):
    root, call = make.trace(input="Where is it?", output="In Lyon.", request_id="req-1", user_id="anna")
    below = {"trace_id": root.trace_id, "parent_id": root.span_id}
    broken = make.span(kind="parser", status="error", failure="parser_failed", **below)
    make.stored(project.pk, root, call, broken)
    answer = member_client.get(f"/p/shop/preview/{root.trace_id.hex()}", {"list": "q=user%3Aanna&period=7d"})
    markup = Markup(answer)
    for said in ("Where is it?", "In Lyon.", "req-1", "anna", "It took 1.2 s", "could not be read"):
        assert said in markup.words, said
    assert f"{LIST}/{root.trace_id.hex()}?list=q%3Duser%253Aanna%26period%3D7d" in markup.links
    assert "Where is it?" in page(member_client, f"{LIST}?preview={root.trace_id.hex()}").words


@pytest.mark.parametrize("named", ["none", "%00", "9" * 3_000, "..", "%2F%3F"])
def test_a_preview_of_what_is_not_there_breaks_nothing(listed, member_client, named):
    assert member_client.get(f"/p/shop/preview/{named}").status_code == 404
    assert page(member_client, f"{LIST}?preview={named}")
