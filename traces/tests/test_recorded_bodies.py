"""Recorded bodies of real clients and plain records, through the real store."""

from datetime import timedelta

import orjson
import pytest

from tests.payloads import EXPECTED, NOW, raw_spans
from traces.ingest import ingest
from traces.wire import plain


@pytest.mark.parametrize("name", [name for name in EXPECTED if ".stream" not in name and ".err" not in name])
def test_a_body_that_is_sent_again_is_stored_once(project, name):
    first = ingest(project.pk, raw_spans(name), [], NOW)
    again = ingest(project.pk, raw_spans(name), [], NOW + timedelta(minutes=3))
    assert (first.accepted, first.rejected) == (EXPECTED[name]["spans"], [])
    assert (again.duplicates, again.accepted, again.updated) == (EXPECTED[name]["spans"], 0, 0)


def test_a_plain_record_without_a_start_that_is_sent_again_is_a_duplicate(project):
    body = orjson.dumps({"request_id": "r", "model": "m", "input": "Hi", "duration_ms": 1_500, "tags": ["a"]})

    def send(minutes):
        decoded = plain.decode(body, "application/json")
        return ingest(project.pk, decoded.spans, decoded.rejected, NOW + timedelta(minutes=minutes))

    assert send(0).accepted == 1
    assert send(4).duplicates == 1
    assert send(60 * 30).duplicates == 1


def test_hostile_plain_values_are_stored(project):
    texts = '"request_id": "a\\u0000\\ud800b", "name": "n\\u0000", "input": "\\ud800\\u0000", "tags": ["t\\u001fu"]'
    body = "{" + texts + ', "x": [NaN, 1e999]}'
    decoded = plain.decode(body.encode(), "application/json")
    assert ingest(project.pk, decoded.spans, decoded.rejected, NOW).accepted == 1
