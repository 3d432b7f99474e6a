"""The box looks into the last days first, and further back where these know nothing, or when it is asked to."""

from datetime import timedelta

import pytest

from tests import make
from traces.lookup import RECENT_DAYS
from traces.search.index import index_marked

PAGE = "/p/shop"
OLD, NEW = b"\x01" * 16, b"\x02" * 16


@pytest.fixture
def look_up(member_client):
    return lambda **asked: member_client.get(PAGE, asked)


@pytest.fixture
def old(project):
    return _stored(project, OLD, make.now() - timedelta(days=RECENT_DAYS + 20))


@pytest.fixture
def new(project):
    return _stored(project, NEW, make.now() - timedelta(days=1))


def _stored(project, trace_id, started_at):
    root, call = make.trace(trace_id=trace_id, request_id="nightly-run", started_at=started_at)
    call.response_id = f"chatcmpl-{trace_id.hex()}"
    make.stored(project.pk, root, call)
    return f"{PAGE}/traces/{trace_id.hex()}"


@pytest.mark.parametrize("pasted", ["nightly-run", "nightly-", f"chatcmpl-{OLD.hex()}", "chatcmpl-0101"])
def test_what_only_older_days_know_is_found_at_once(look_up, old, pasted):
    answer = look_up(q=pasted)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(old)


def test_of_a_value_that_comes_again_and_again_the_newest_is_opened(look_up, old, new):
    assert look_up(q="nightly-run").headers["Location"].startswith(new)


def test_what_came_before_is_looked_for_when_it_is_asked_for(look_up, project, old, new):
    again = b"\x03" * 16
    _stored(project, again, make.now() - timedelta(days=2))
    answer = look_up(q="chatcmpl-0")
    assert answer.status_code == 200
    assert "Look further back" in answer.text
    assert "back=all" in answer.text
    assert OLD.hex() not in answer.text
    everything = look_up(q="chatcmpl-0", back="all")
    assert all(trace.hex() in everything.text for trace in (OLD, NEW, again))
    assert "Look further back" not in everything.text


def test_values_of_metadata_are_found_in_older_days_too(look_up, project):
    project.id_keys = ["order_id"]
    project.save()
    root = make.span(trace_id=OLD, started_at=make.now() - timedelta(days=RECENT_DAYS + 9))
    root.payload.attributes["metadata.order_id"] = "ord-77-b"
    make.stored(project.pk, root)
    index_marked()
    assert look_up(q="ord-77-b").headers["Location"] == f"{PAGE}/traces/{OLD.hex()}"
    assert look_up(q="ord-77").headers["Location"] == f"{PAGE}/traces/{OLD.hex()}"


@pytest.mark.parametrize("kind", ["request id", "metadata"])
def test_an_older_id_that_begins_a_newer_one_is_the_one_that_is_meant(look_up, project, kind):
    project.id_keys = ["order_id"]
    project.save()
    for trace_id, order, days in ((OLD, "order-12", RECENT_DAYS + 9), (NEW, "order-1234", 1)):
        root = make.span(trace_id=trace_id, started_at=make.now() - timedelta(days=days))
        if kind == "metadata":
            root.payload.attributes["metadata.order_id"] = order
        else:
            root.request_id = order
        make.stored(project.pk, root)
    index_marked()
    assert look_up(q="order-12").headers["Location"] == f"{PAGE}/traces/{OLD.hex()}"
    assert look_up(q="order-123").headers["Location"] == f"{PAGE}/traces/{NEW.hex()}"


def test_where_less_is_kept_than_the_last_days_nothing_is_further_back(look_up, project, settings, new):
    settings.SPAN_RETENTION_DAYS = RECENT_DAYS
    _stored(project, b"\x03" * 16, make.now() - timedelta(days=2))
    answer = look_up(q="chatcmpl-0")
    assert answer.status_code == 200
    assert "Look further back" not in answer.text
