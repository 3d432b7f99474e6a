"""What traces are counted by beside their list."""

import pytest
from django.db import connection

from accounts.models import Project
from tests import make
from traces.search import facets
from traces.search.index import index_marked


def stored_facets() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT facets FROM traces_entry")
        (told,) = cursor.fetchone()
    return told


@pytest.mark.parametrize(
    ("told", "elements"),
    [
        ({("model", "gpt-4o"), ("has", "retry"), ("status", "ok")}, (":model:gpt-4o", ":status:ok")),
        ({("model", "GPT-4o")}, (":model:gpt-4o", ":model:gpt-4o\x1eGPT-4o")),
        ({("model", "GPT-4o"), ("model", "gpt-4o")}, (":model:gpt-4o", ":model:gpt-4o\x1eGPT-4o")),
        ({("prompt", "refund"), ("prompt", "refund@12")}, (":prompt:refund@12",)),
        ({("prompt", "refund"), ("prompt", "greeting@2")}, (":prompt:greeting@2", ":prompt:refund")),
        ({("status", "ok"), ("status", "unset")}, (":status:ok",)),
        ({("metadata.plan", "pro"), ("user", "u_9")}, (":user:u_9", ":metadata.plan:pro")),
        ({("tag", "a\x1fb\0")}, (":tag:a b",)),
        ({("session", "s_1"), ("name", "decide")}, ()),
    ],
)
def test_what_is_told_becomes_elements(told: facets.Told, elements: tuple[str, ...]) -> None:
    assert facets.elements_of(told) == elements


def test_a_value_is_read_as_it_was_sent() -> None:
    plain, sent = map(facets.read, facets.elements_of({("user", "Ann:Lee")}))
    assert (plain.name, plain.value, plain.sent) == ("user", "ann:lee", None)
    assert (sent.name, sent.value, sent.sent) == ("user", "ann:lee", "Ann:Lee")


def test_a_value_of_any_length_is_told_apart() -> None:
    one, other = (facets.elements_of({("user", "u" * 3_000 + end)}) for end in "ab")
    assert one != other
    assert len(one[0]) < 300


def test_ten_thousand_values_are_cut_after_the_fields() -> None:
    told = {("metadata.n", str(number)) for number in range(10_000)} | {("feature", "billing")}
    elements = facets.elements_of(told)
    assert elements[0] == ":feature:billing"
    assert sum(map(len, elements)) <= 4_000


@pytest.mark.django_db
def test_they_stand_in_the_entry_and_follow_the_spans(project: Project) -> None:
    root = make.span(feature="Billing", user_id="u_9", attributes={"metadata.plan": "pro"}, tags=["vip"])
    make.stored(project.pk, root)
    index_marked()
    assert set(stored_facets()) == {
        ":feature:billing", ":feature:billing\x1eBilling", ":user:u_9", ":status:ok", ":tag:vip", ":metadata.plan:pro",
    }  # fmt: skip
    make.stored(project.pk, make.call(trace_id=root.trace_id, parent_id=root.span_id, prompt_version="refund@12"))
    index_marked()
    assert {":prompt:refund@12", ":model:gpt-4o-mini", ":provider:openai"} <= set(stored_facets())


@pytest.mark.django_db
def test_a_trace_without_anything_to_count_by_is_indexed_too(project: Project) -> None:
    make.stored(project.pk, make.span(status="unset"))
    index_marked()
    assert stored_facets() == [":status:ok"]
