"""The overview, over HTTP: it shows what the spans say, to members only, quickly."""

import json
import re
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import Project
from alerts.models import Incident, Rule
from alerts.rules import ensure_rules
from tests import make
from traces import rollups


@pytest.fixture
def url(project: Project) -> str:
    return reverse("dashboards:overview", args=[project.slug])


@pytest.fixture
def busy(project: Project) -> Project:
    """Forty traces of the last hours, a tenth of them failed, of two features."""
    now = make.now()
    for number in range(40):
        fields = {"started_at": now - timedelta(minutes=7 * number), "feature": ["search", "refund"][number % 2]}
        root = make.span(**fields, status="error" if number % 10 == 0 else "ok")
        call = make.call(**fields, trace_id=root.trace_id, parent_id=root.span_id, cost_usd=Decimal("0.01"))
        make.stored(project.pk, root, call)
    rollups.rebuild_marked()
    return project


def shown(client: Client, url: str, **query: str) -> str:
    response = client.get(url, query)
    assert response.status_code == 200
    return response.content.decode().replace("\u00a0", " ")


def charts(page: str) -> dict[str, dict]:
    found = re.findall(r'<script id="panel-([\w-]+)-data" type="application/json">(.*?)</script>', page, re.S)
    return {name: json.loads(text) for name, text in found}


@pytest.mark.django_db
def test_it_shows_the_numbers_of_the_spans(busy: Project, member_client: Client, url: str) -> None:
    page = shown(member_client, url)
    assert "4 of 40 requests failed" in page
    drawn = charts(page)
    assert list(drawn) == ["requests", "error-rate", "latency", "tokens", "cost", "cost-per-request"]
    assert [sum(trace["y"]) for trace in drawn["requests"]["data"]] == [4, 36]
    assert sum(drawn["tokens"]["data"][0]["y"][-145:][place] or 0 for place in range(145)) == 4_000
    assert sum(value or 0 for value in drawn["cost"]["data"][0]["y"]) == pytest.approx(0.4)


@pytest.mark.django_db
def test_one_feature_and_one_model_narrow_it(busy: Project, member_client: Client, url: str) -> None:
    page = shown(member_client, url, feature="refund", model="gpt-4o-mini", period="7d")
    assert sum(charts(page)["requests"]["data"][1]["y"]) == 20
    assert "<option selected>refund</option>" in page
    assert "feature=refund&amp;model=gpt-4o-mini" in page
    assert "No requests in this period." in shown(member_client, url, model="no such model")


@pytest.mark.django_db
def test_every_panel_leads_to_its_traces_and_has_its_numbers_as_a_table(
    busy: Project, member_client: Client, url: str
) -> None:
    page = shown(member_client, url, feature="refund")
    links = set(re.findall(r'data-traces-url="([^"]+)"', page))
    assert len(links) == 1
    found = urlsplit(links.pop().replace("&amp;", "&"))
    assert found.path == reverse("traces:trace-list", args=[busy.slug])
    assert set(parse_qs(found.query)) == {"from", "to", "feature"}
    assert member_client.get(f"{found.path}?{found.query}").status_code == 200
    assert page.count("<summary>Table") == 6


@pytest.mark.django_db
def test_htmx_gets_only_the_fragment(busy: Project, member_client: Client, url: str) -> None:
    response = member_client.get(url, headers={"HX-Request": "true"})
    assert response.content.decode().lstrip().startswith('<div id="overview"')
    assert "HX-Request" in response["Vary"]


@pytest.mark.django_db
def test_strangers_get_404_and_nobody_the_login(
    busy: Project, stranger_client: Client, client: Client, url: str
) -> None:
    assert stranger_client.get(url).status_code == 404
    assert client.get(url).status_code == 302


@pytest.mark.django_db
def test_its_queries_do_not_grow_with_the_numbers(
    busy: Project, member_client: Client, url: str, django_assert_max_num_queries
) -> None:
    with django_assert_max_num_queries(9):
        member_client.get(url, {"period": "30d"})


@pytest.mark.django_db
def test_an_empty_project_says_how_to_begin(project: Project, member_client: Client, url: str) -> None:
    page = shown(member_client, url)
    assert "No traces yet" in page
    assert reverse("traces:send", args=[project.slug]) in page
    assert "All features" not in page  # nothing to narrow down
    assert charts(page) == {}


@pytest.mark.django_db
def test_a_period_without_requests_keeps_its_axes(busy: Project, member_client: Client, url: str) -> None:
    page = shown(member_client, url, **{"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"})
    assert "No requests in this period." in page
    assert set(charts(page)["error-rate"]["data"][0]["y"]) == {None}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query", [{"period": "x"}, {"from": "soon", "to": "later"}, {"feature": "a\0b"}, {"feature": "</script><b>"}]
)
def test_a_hostile_address_is_answered_calmly(
    busy: Project, member_client: Client, url: str, query: dict[str, str]
) -> None:
    assert "</script><b>" not in shown(member_client, url, **query)


@pytest.mark.django_db
def test_a_hostile_feature_is_only_text(project: Project, member_client: Client, url: str) -> None:
    make.stored(project.pk, *make.trace(feature="</script><img src=x>"))
    rollups.rebuild_marked()
    assert "<img src=x>" not in shown(member_client, url)


@pytest.mark.django_db
def test_an_open_incident_is_named_first_and_drawn(busy: Project, member_client: Client, url: str) -> None:
    ensure_rules(busy)
    began = make.now() - timedelta(minutes=30)
    incident = Incident.objects.create(
        project=busy, rule=Rule.objects.filter(project=busy)[0], severity="page", title="Shop fails", sentence="",
        last_sentence="", began_at=began, opened_at=began, last_broken_at=began, peak=0.5, limit=0.1, n=40,
    )  # fmt: skip
    page = shown(member_client, url)
    assert "<strong>Shop fails.</strong>" in page
    assert reverse("alerts:incident-detail", args=[busy.slug, incident.pk]) in page
    assert [shape["meta"] for shape in charts(page)["latency"]["layout"]["shapes"]] == [{"ink": "incident-band"}]


@pytest.mark.django_db
def test_it_says_up_to_when_the_numbers_go(busy: Project, member_client: Client, url: str) -> None:
    marked = make.now() - timedelta(hours=3)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO traces_mark (project_id, starts_at) VALUES (%s, %s)", [busy.pk, marked])
    assert f"Numbers up to {marked:%H:%M:%S}" in shown(member_client, url)
