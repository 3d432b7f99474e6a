"""In one process spans give way to pages: what takes spans in pauses, and only while a page is being made."""

import time

import pytest
from django.http import HttpResponse

from llmobs.lib import pages_first
from llmobs.lib.middleware import machine_addresses
from llmobs.lib.pages_first import EACH, giving_way


@pytest.fixture
def pauses(monkeypatch):
    """The seconds of every pause from now on, none of which is slept."""
    found = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


@pytest.mark.parametrize(("spans", "expected"), [(0, 0), (1, 1), (EACH, 1), (EACH + 1, 2), (3 * EACH, 3)])
def test_spans_pause_while_a_page_is_being_made(pauses, spans, expected):
    with pages_first.page():
        assert list(giving_way(range(spans))) == list(range(spans))
    assert len(pauses) == expected


def test_spans_do_not_pause_when_nobody_waits_for_a_page(pauses):
    with pages_first.page():
        pass
    assert list(giving_way(range(3 * EACH))) == list(range(3 * EACH))
    assert pauses == []


def test_a_page_that_failed_is_waited_for_no_longer(pauses):
    with pytest.raises(ZeroDivisionError), pages_first.page():
        raise ZeroDivisionError
    assert list(giving_way("ab")) == ["a", "b"]
    assert pauses == []


def test_of_two_pages_the_last_to_end_counts(pauses):
    with pages_first.page():
        with pages_first.page():
            pass
        list(giving_way("ab"))
    assert len(pauses) == 1


@pytest.mark.parametrize(("path", "expected"), [("/p/demo/traces", 1), ("/v1/nowhere", 0)])
def test_what_a_browser_asks_for_is_a_page_and_what_a_machine_asks_for_is_none(rf, pauses, path, expected):
    def made(_request):
        list(giving_way("ab"))
        return HttpResponse()

    assert machine_addresses(made)(rf.get(path)).status_code == 200
    assert len(pauses) == expected
