"""The whole of a list as a file: complete, scoped, safe in a spreadsheet, and never in memory at once."""

import csv
import json
import tracemalloc
from datetime import timedelta
from io import StringIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import make
from traces import export
from traces.list_answers import NAMES, cells
from traces.search.asked import asked_of
from traces.search.index import index_marked

PAGE = "/p/shop/export"


@pytest.fixture
def download(member_client):
    """The file with these parameters, as text."""

    def _download(**query):
        answer = member_client.get(PAGE, query)
        assert answer.status_code == 200
        return b"".join(answer.streaming_content).decode()

    return _download


def rows(text):
    return [json.loads(line) for line in text.splitlines()]


def test_ndjson_has_a_trace_a_line(project, download):
    make.stored(project.pk, *make.trace(request_id="r-1", user_id="anna", feature="faq", input="Where is it?"))
    (row,) = rows(download())
    assert row["request_id"] == "r-1"
    assert row["asked"] == "Where is it?"
    assert (row["outcome"], row["failed"], row["spans"], row["calls"]) == ("Answered", False, 2, 1)
    assert (row["input_tokens"], row["duration_ms"], row["cost_usd"]) == (100, 1200.0, None)
    assert tuple(row) == NAMES


def test_csv_has_the_same_in_columns(project, download):
    make.stored(project.pk, *make.trace(request_id="r-1", input='Two\nlines, "quoted"'))
    (line,) = csv.DictReader(StringIO(download(format="csv")))
    assert (line["request_id"], line["asked"], line["failed"]) == ("r-1", 'Two lines, "quoted"', "no")
    assert (line["cost_usd"], line["input_tokens"], line["duration_ms"]) == ("", "100", "1200.0")


@pytest.mark.parametrize("beginning", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"])
def test_no_cell_of_a_csv_is_a_formula(beginning):
    row = dict.fromkeys(NAMES)
    assert cells({**row, "asked": beginning})[NAMES.index("asked")] == f"'{beginning}"


def test_numbers_stay_numbers():
    row = {**dict.fromkeys(NAMES), "duration_ms": -1.5, "spans": 3, "failed": True, "asked": "a-b"}
    assert [cell for cell in cells(row) if cell] == ["yes", "-1.5", "3", "a-b"]


def test_whole_traces_come_as_the_api_answers_them(project, download, member_client):
    (root, call) = make.trace(input="Hello", output="Hi")
    make.stored(project.pk, root, call)
    (whole,) = rows(download(spans="1"))
    assert whole == member_client.get(f"/api/v1/traces/{root.trace_id.hex()}").json()
    assert [span["output"] for span in whole["spans"]] == ["Hi", "Hi"]


def test_an_export_is_what_the_list_shows(project, download):
    for number in range(5):
        make.stored(project.pk, make.span(name=f"trace-{number}", user_id="anna", duration_us=number * 1_000))
    make.stored(project.pk, make.span(name="other", user_id="ben"))
    index_marked()
    found = rows(download(q="user:anna", sort="-latency"))
    assert [row["name"] for row in found] == [f"trace-{number}" for number in range(5)]


def test_the_file_has_a_name(project, member_client):
    answer = member_client.get(PAGE, {"format": "csv"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="traces-shop-20')
    assert answer["Content-Disposition"].endswith('.csv"')


def test_a_line_that_cannot_be_read_leads_to_the_list_that_says_why(project, member_client):
    answer = member_client.get(PAGE, {"q": "latency:2x", "format": "csv"}, follow=True)
    assert answer.request["PATH_INFO"] == "/p/shop/traces"
    assert "is not a time" in answer.content.decode()
    assert member_client.get(PAGE, {"format": "xlsx"}).status_code == 404


def test_strangers_get_nothing(project, stranger_client, other_project, download):
    assert stranger_client.get(PAGE).status_code == 404
    make.stored(other_project.pk, make.span())
    assert download() == ""


@pytest.fixture
def many(project, monkeypatch):
    """120 traces, read 50 at a time; their export."""
    monkeypatch.setattr(export, "PAGE_ROWS", 50)
    started_at = make.now() - timedelta(minutes=30)
    make.stored(project.pk, *(make.span(started_at=started_at + timedelta(seconds=n)) for n in range(120)))
    index_marked()
    return lambda **query: export.lines(export.Export(project, asked_of(query), timezone.now(), "ndjson"))


@pytest.mark.parametrize(("query", "each"), [({}, 3), ({"q": "status:ok", "sort": "latency"}, None)])
def test_a_page_costs_the_same_statements_however_many_there_are(many, query, each):
    file, counts, size = many(**query), [], 0
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            size += len(next(file).splitlines())
        counts.append(len(queries))
    assert size == 120
    assert len(set(counts[:2])) == 1
    assert each is None or counts[0] == each


def test_a_client_that_goes_away_stops_the_reading(many):
    file = many()
    next(file)
    with CaptureQueriesContext(connection) as queries:
        file.close()
        assert list(file) == []
    assert len(queries) == 0


@pytest.mark.long
def test_memory_does_not_grow_with_the_rows(project, monkeypatch):
    """20,000 rows, 100 at a time. psycopg remembers the last hundred statements: half of the pages fill that."""
    monkeypatch.setattr(export, "PAGE_ROWS", 100)
    began_at = make.now() - timedelta(hours=12)
    for part in range(20):
        moments = [began_at + timedelta(seconds=part * 1_000 + second) for second in range(1_000)]
        make.stored(project.pk, *(make.span(input="x" * 300, started_at=moment) for moment in moments))
    lines, peaks = 0, []
    tracemalloc.start()
    try:
        for number, piece in enumerate(export.lines(export.Export(project, asked_of({}), timezone.now(), "csv"))):
            lines += piece.count(b"\n")
            if number in (100, 200):
                peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert lines == 20_001
    assert peaks[1] < peaks[0] + 50_000
    assert peaks[1] < 5_000_000
