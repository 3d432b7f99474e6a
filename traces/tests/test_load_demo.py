"""`manage.py load_demo`: the demo's week through the real ingest, once."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from traces.demo.cases import GUIDE
from traces.demo.scripts import SESSION
from traces.queries.lookup import exact


def loaded(**options):
    said = StringIO()
    call_command("load_demo", project="shop", days=1, stdout=said, **options)
    return said.getvalue()


def count(what, **fields):
    where = " AND ".join(f"{name} = %({name})s" for name in fields) or "true"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {what} WHERE {where}", fields)
        return cursor.fetchone()[0]


def test_loading_twice_stores_once(project):
    first = loaded()
    spans = count("traces_span", project_id=project.pk)
    assert f"Stored {spans:,} spans" in first
    assert GUIDE in first
    assert "already" in loaded()
    assert count("traces_span", project_id=project.pk) == spans


def test_the_same_end_and_seed_are_all_duplicates(project):
    end = timezone.now() - timedelta(minutes=3)
    first = loaded(end=end)
    spans = count("traces_span", project_id=project.pk)
    assert f"Stored 0 spans; {spans:,} were there before." in loaded(end=end)
    assert f"Stored {spans:,} spans" in first


def test_the_story_and_the_session_are_found_and_all_is_counted_and_indexed(project):
    loaded()
    assert [hit.kind for hit in exact(project.pk, [GUIDE])] == ["request"]
    assert len(exact(project.pk, [SESSION])) == 5
    assert count("traces_mark", project_id=project.pk) == 0
    assert count("traces_unindexed", project_id=project.pk) == 0
    assert count("traces_entry", project_id=project.pk) == count("traces_summary", project_id=project.pk) > 0
    assert count("traces_rollup", project_id=project.pk, level="project") > 200


def test_what_has_a_list_price_is_priced_and_the_rest_is_unknown(project):
    loaded()
    assert count("traces_span", cost_source="priced") > 200
    unpriced = count("traces_span", kind="llm", status="ok", cost_source="unknown")
    assert unpriced == count("traces_span", provider="vllm") > 0
    assert count("traces_span", kind="chain", cost_source="priced") == 0


def test_a_project_that_is_not_there_is_a_sentence(db):
    with pytest.raises(CommandError, match="There is no project shop"):
        loaded()
