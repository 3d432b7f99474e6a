"""Addresses of pages in templates: as Django makes them, though each only once."""

import pytest
from django.template import Context, Template
from django.urls import NoReverseMatch, reverse, set_script_prefix

from llmobs.lib.addresses import page, page_of


@pytest.fixture
def below():
    """llmobs behind a prefix, as a proxy may serve it."""
    set_script_prefix("/llm/")
    yield
    set_script_prefix("/")


def drawn(template, **context):
    return Template(template).render(Context(context))


@pytest.mark.parametrize("name", ["t-1", "a/b", "<b>", "50 %", "?x=1&y", "退款", "'"])
def test_an_address_is_the_one_that_django_makes(name):
    expected = reverse("traces:trace-detail", args=["shop", name])
    assert page("traces:trace-detail", "shop", name) == expected
    tag = "{% url 'traces:trace-detail' 'shop' name %}"
    assert drawn(f"{{% autoescape off %}}{tag}{{% endautoescape %}}", name=name) == expected


def test_a_senders_name_is_one_part_of_the_address():
    assert page_of("traces:user", "shop", "a/b?c#d") == "/p/shop/users/a%2Fb%3Fc%23d"


def test_a_template_escapes_it_and_may_keep_it():
    assert drawn("{% url 'traces:trace-detail' 'shop' 'a&b' %}") == "/p/shop/traces/a&amp;b"
    assert drawn("{% url 'traces:lookup' slug as there %}[{{ there }}]", slug="shop") == "[/p/shop]"
    assert drawn("{% url 'traces:lookup' project_slug=slug %}", slug="shop") == "/p/shop"


def test_a_page_that_is_not_there_is_a_mistake_or_nothing():
    with pytest.raises(NoReverseMatch):
        drawn("{% url 'traces:nowhere' %}")
    assert drawn("{% url 'traces:nowhere' as there %}[{{ there }}]") == "[]"


def test_what_was_made_for_one_prefix_is_not_given_for_another(below):
    assert page("traces:lookup", "shop") == "/llm/p/shop"
    set_script_prefix("/")
    assert page("traces:lookup", "shop") == "/p/shop"
