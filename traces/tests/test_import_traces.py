"""Files are imported: each format, broken lines, old days, twice is once, and a killed import goes on where it was."""

import csv
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from tests import make
from tests.otlp import as_json_line, logs_as_json_line
from tests.outages import disk_full
from tests.payloads import EXPECTED, FOLDER, raw_spans
from tests.web import database_url
from traces import export, import_batch, imports, partitions
from traces.errors import StoreUnavailable
from traces.ingest import ingest
from traces.models import ImportedFile, Refusal, RefusalCount
from traces.queries.scores import scores_of
from traces.queries.traces import trace_of
from traces.search.asked import asked_of
from traces.tests.test_wire_exported import OBSERVATION_ROW, SCORE_ROW, TRACE_ROW, cells

RECORDED = ["openinference.rag.pb", "openinference.chat.pb", "otel-genai-openai.rag.pb"]


@pytest.fixture
def run(project, settings):
    """Run the command; its exit status, and what it wrote to both ends."""
    settings.SPAN_RETENTION_DAYS = 36_500  # the recorded bodies have the dates on which they were recorded

    def _run(*arguments):
        out, err = io.StringIO(), io.StringIO()
        status = 0
        try:
            call_command("import_traces", *map(str, arguments), "--project=shop", stdout=out, stderr=err)
        except SystemExit as ended:
            status = ended.code
        return status, out.getvalue(), err.getvalue()

    return _run


@pytest.fixture
def file(tmp_path):
    def _file(body, name="traces.jsonl"):
        path = tmp_path / name
        data = body if isinstance(body, bytes) else "".join(json.dumps(one) + "\n" for one in body).encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return _file


def otlp_line(number, started=None, **span):
    start = time.time_ns() - 60_000_000_000 if started is None else int(started.timestamp() * 1_000_000_000)
    said = {
        "traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": f"span {number}",
        "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 1_000_000), **span,
    }  # fmt: skip
    return {"resourceSpans": [{"scopeSpans": [{"spans": [said]}]}]}


def stored_spans():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM traces_span")
        return cursor.fetchone()[0]


# --- formats


def test_lines_of_the_collector_are_stored_as_if_they_were_sent(run, file, project):
    recorded = b"".join(as_json_line((FOLDER / name).read_bytes()) for name in RECORDED)
    status, out, err = run(file(recorded))
    assert (status, err) == (0, "")
    spans = sum(
        len(line["resourceSpans"][0]["scopeSpans"][0]["spans"]) for line in map(json.loads, recorded.splitlines())
    )
    assert stored_spans() >= spans > 5
    assert f"{stored_spans():,} spans stored" in out


def test_log_lines_become_contents_and_metrics_are_passed_over(run, file, project):
    spans = as_json_line((FOLDER / "otel-genai-openai.chat_eventonly.pb").read_bytes())
    logs = logs_as_json_line((FOLDER / "otel-genai-openai.chat_eventonly.logs.pb").read_bytes())
    status, out, _ = run(file(logs + b'{"resourceMetrics": []}\n' + spans))
    assert status == 0
    trace_id = json.loads(spans)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"]
    trace = trace_of(project.pk, trace_id)
    assert trace.complete
    assert "log records read" in out


def test_our_own_export_comes_back_as_it_was(run, file, project, other_project):
    """Of every recorded body: into the project that it came from nothing changes, and another one has the same."""
    for name in sorted(EXPECTED):
        if ".logs." not in name:
            ingest(project.pk, raw_spans(name), [], timezone.now())
    asked = asked_of({"from": "2026-01-01", "to": "2027-01-01"}, default="30d")
    body = whole(project, asked)
    path = file(body)
    spans = stored_spans()
    assert run(path)[0] == 0
    assert lines(whole(project, asked)) == lines(body)
    assert f"0 spans stored; 0 scores stored; {spans:,} were there already" in run(path, "--again")[1]
    call_command("import_traces", str(path), "--project=bank", stdout=io.StringIO(), stderr=io.StringIO())
    assert lines(whole(other_project, asked)) == lines(body)


def whole(project, asked):
    return b"".join(export.lines(export.Export(project, asked, timezone.now(), "ndjson", spans=True)))


def lines(body):
    found = {}
    for trace in map(json.loads, body.replace(b"/p/bank/", b"/p/shop/").splitlines()):
        trace["notes"] = [one for one in trace["notes"] if one["code"] != "received_late"]
        found[trace["trace_id"]] = trace
        for span in trace["spans"]:
            del span["received_at"]
    return found


def test_a_downloaded_trace_is_read_whole_and_its_scores_too(run, file, project, other_project, member_client):
    root, call = make.trace(request_id="r-1", input="Where is it?")
    make.stored(project.pk, root, call)
    trace = root.trace_id.hex()
    member_client.post(f"/p/shop/feedback/{trace}", {"answer": "yes", "note": "Good"})
    member_client.post(f"/p/shop/feedback/{trace}", {"answer": "no", "span": call.span_id.hex()})
    body = b"".join(member_client.get(f"/p/shop/download/{trace}").streaming_content)
    path = file(json.dumps(json.loads(body), indent=2).encode(), "trace.json")
    out = io.StringIO()
    call_command("import_traces", str(path), "--project=bank", stdout=out, stderr=io.StringIO())
    assert "2 spans stored; 2 scores stored" in out.getvalue()
    with connection.cursor() as cursor:
        cursor.execute("SELECT project_id, name, number, source, comment, metadata FROM traces_score ORDER BY 1, 3")
        rows = cursor.fetchall()
    assert [row[1:] for row in rows[:2]] == [row[1:] for row in rows[2:]]


def test_a_list_without_spans_is_refused_with_the_cure(run, file, project):
    make.stored(project.pk, *make.trace(request_id="r-1"))
    body = b"".join(export.lines(export.Export(project, asked_of({}, default="30d"), timezone.now())))
    status, _, err = run(file(body))
    assert status == 1
    assert "line 1: It is a row of a list, without its spans." in err


def test_phoenix_files_are_stored_and_a_second_form_of_them_adds_nothing(run, project):
    folder = FOLDER / "exports"
    assert "13 spans stored; 2 scores stored" in run(folder / "phoenix.spans.json")[1]
    for name in ("phoenix.frame.jsonl", "phoenix.frame.csv"):
        status, _, err = run(folder / name)
        assert (status, err, stored_spans()) == (0, "", 13)


@pytest.mark.parametrize("rows_first", [True, False])
def test_langfuse_files_become_traces_in_any_order(run, file, project, rows_first):
    traces = file(json.dumps([TRACE_ROW]).encode(), "traces.json")
    below = OBSERVATION_ROW | {"id": "ob-2", "parent_observation_id": "ob-1", "type": "SPAN"}
    table = io.StringIO()
    writer = csv.DictWriter(table, list(OBSERVATION_ROW))
    writer.writeheader()
    writer.writerows([cells(OBSERVATION_ROW), cells(below)])
    observations = file(table.getvalue().encode(), "observations.csv")
    scores = file([SCORE_ROW], "scores.jsonl")
    order = [scores, observations, traces] if rows_first else [traces, observations, scores]
    status, _, err = run(*order)
    assert (status, err) == (0, "")
    trace = trace_of(project.pk, "tr-1")
    assert [span.record.name for span in trace.spans] == ["answer", "ask", "ask"]
    assert trace.complete
    assert [note.code for note in trace.notes] == ["received_late"]
    assert (trace.summary.user_id, trace.summary.request_id) == ("anna", "req-1")
    assert [score.name for score in scores_of(project.pk, trace)] == ["helpful"]


# --- files


def test_a_compressed_file_and_a_list_are_read_too(run, file):
    lines = [otlp_line(number) for number in (1, 2, 3)]
    assert run(file(lines, "one.jsonl.gz"))[0] == 0
    assert run(file(json.dumps([otlp_line(4), otlp_line(5)], indent=1).encode(), "two.json"))[0] == 0
    assert stored_spans() == 5


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_is_read(run, monkeypatch, packed):
    body = "".join(json.dumps(otlp_line(number)) + "\n" for number in (1, 2, 3)).encode()
    pipe = io.BytesIO(gzip.compress(body) if packed else body)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(pipe)))
    assert run("-")[:2] == (0, "standard input (otlp): 3 spans stored; 0 scores stored; 0 were there already.\n")
    assert not ImportedFile.objects.exists()


def test_what_cannot_be_read_at_all_says_what_to_do(run, file, tmp_path):
    for body, said in [
        (b"PAR1....", "pandas.read_parquet("),
        (b"\x28\xb5\x2f\xfd....", "zstd -dc"),
        (b"PK\x03\x04....", "Unpack it"),
        (b"", "No format is recognised"),
        (b'{"a": 1}\n', "No format is recognised in it. Name one with --format: otlp, phoenix, llmobs, langfuse."),
        (b"a,b\n1,2\n", "No format is recognised"),
    ]:
        status, _, err = run(file(body))
        assert status == 2
        assert said in err
    assert "No such file" in run(tmp_path / "none")[2]
    with pytest.raises(CommandError, match="There is no project nowhere"):
        call_command("import_traces", "x", "--project=nowhere")


def test_one_file_that_cannot_be_read_does_not_keep_the_others(run, file, tmp_path):
    status, out, _ = run(tmp_path / "none", file([otlp_line(1)]))
    assert status == 2
    assert "1 spans stored" in out


def test_a_format_that_is_forced_is_not_recognised(run, file):
    status, _, err = run(file([otlp_line(1)]), "--format=langfuse")
    assert status == 1
    assert "It is no trace, observation or score of Langfuse" in err


# --- what is refused


def test_broken_lines_are_told_counted_and_kept(run, file, project):
    bad = otlp_line(2, traceId="short")
    path = file(json.dumps(otlp_line(1)).encode() + b'\n{"broken\n' + json.dumps(bad).encode() + b"\n[1]\n")
    status, out, err = run(path)
    assert status == 1
    assert stored_spans() == 1
    assert f"{path}, line 2: The JSON cannot be read" in err
    assert f"{path}, line 3: spans[0]: " in err
    assert f"{path}, line 4: It is no JSON object." in err
    assert "3 lines or rows refused" in out
    kept = Refusal.objects.order_by("id")
    assert [(one.method, one.address, one.key_prefix) for one in kept] == [
        ("IMPORT", f"{path}, line {line}", "") for line in (2, 3, 4)
    ]
    assert bytes(kept[0].body) == b'{"broken\n'
    assert sum(one.items for one in RefusalCount.objects.all()) == 3


def test_a_refused_line_is_replayed_after_a_fix(run, file, project, engineer_client):
    run(file([otlp_line(1), otlp_line(2, traceId="short")]))
    refusal = Refusal.objects.get()
    assert "none: from a file" in engineer_client.get(f"/p/shop/inbox/{refusal.pk}").content.decode()
    engineer_client.post(f"/p/shop/inbox/{refusal.pk}/replay")
    refusal.refresh_from_db()
    assert (refusal.replay_stored, refusal.replay_reason[:8]) == (0, "spans[0]")
    body = bytes(refusal.body).replace(b'"short"', b'"%032x"' % 7)
    Refusal.objects.update(body=body, size_bytes=len(body))
    engineer_client.post(f"/p/shop/inbox/{refusal.pk}/replay")
    refusal.refresh_from_db()
    assert (refusal.taken, refusal.replay_stored, stored_spans()) == (True, 1, 2)


def test_a_truncated_archive_says_so_and_goes_on_when_it_is_whole(run, file):
    path = file([otlp_line(number) for number in range(1, 400)], "t.jsonl.gz")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    status, _, err = run(path)
    assert status == 1
    assert "The file cannot be read further" in err
    assert 0 < stored_spans() < 399
    path.write_bytes(whole)
    assert "goes on at line" in run(path)[2]
    assert stored_spans() == 399


def test_many_refused_lines_are_named_up_to_a_number(run, file):
    _, out, err = run(file(b'{"resourceSpans": []}\n' + b"{\n" * 50))
    assert err.count(", line ") == 20
    assert "50 lines or rows refused" in out


def test_a_file_that_is_broken_all_over_is_counted_and_does_not_fill_the_inbox(run, file, monkeypatch):
    monkeypatch.setattr(imports, "MOST_SINGLY", 3)
    monkeypatch.setattr(import_batch, "BATCH_PIECES", 10)
    _, out, _ = run(file(b'{"resourceSpans": []}\n' + b"7\n" * 39))
    assert "39 lines or rows refused" in out
    assert Refusal.objects.count() == 9 + 3  # the first batch one by one, of each other the first
    assert RefusalCount.objects.get().items == 39


# --- days


def test_days_of_the_past_are_made(run, file, settings):
    settings.SPAN_RETENTION_DAYS = 90
    began = timezone.now() - timedelta(days=40)
    assert run(file([otlp_line(1, began)]))[0] == 0
    assert began.date() in partitions.existing()
    with connection.cursor() as cursor:
        cursor.execute("SELECT day FROM traces_span")
        assert cursor.fetchall() == [(began.date(),)]


def test_what_began_before_the_retention_is_left_out_and_said(run, file, settings):
    now = timezone.now()
    path = file([otlp_line(1, now - timedelta(days=91)), otlp_line(2, now - timedelta(days=89)), otlp_line(3)])
    settings.SPAN_RETENTION_DAYS = 90
    status, out, _ = run_with(path)
    assert status == 1
    assert stored_spans() == 2
    assert "1 spans LEFT OUT because they began over 90 days ago" in out
    assert "set SPAN_RETENTION_DAYS higher" in out
    settings.SPAN_RETENTION_DAYS = 100
    assert run_with(path, "--again")[0] == 0
    assert stored_spans() == 3


def run_with(*arguments):
    out = io.StringIO()
    try:
        call_command("import_traces", *map(str, arguments), "--project=shop", stdout=out, stderr=io.StringIO())
    except SystemExit as ended:
        return ended.code, out.getvalue(), ""
    return 0, out.getvalue(), ""


# --- twice, and stopped


def test_twice_is_once(run, file):
    path = file([otlp_line(number) for number in (1, 2, 3)])
    run(path)
    assert "goes on at line 4" in run(path)[2]
    status, out, err = run(path, "--again")
    assert (status, err, stored_spans()) == (0, "", 3)
    assert "0 spans stored; 0 scores stored; 3 were there already." in out


def test_a_file_that_has_grown_is_read_from_where_it_ended(run, file, monkeypatch):
    path = file([otlp_line(1)])
    run(path)
    with path.open("ab") as more:
        more.write(json.dumps(otlp_line(2)).encode()[:40])
    assert run(path)[0] == 1  # a line that is being written
    with path.open("ab") as more:
        more.write(json.dumps(otlp_line(2)).encode()[40:] + b"\n")
    seen = []
    right = imports.ingest
    monkeypatch.setattr(imports, "ingest", lambda *args: seen.append(len(args[1])) or right(*args))
    run(path)
    assert (sum(seen), stored_spans()) == (1, 2)


def test_another_file_of_the_same_name_is_read_from_its_beginning(run, file):
    run(file([otlp_line(1), otlp_line(2)]))
    status, _, err = run(file([otlp_line(3), otlp_line(4), otlp_line(5)]))
    assert (status, err, stored_spans()) == (0, "", 5)


def test_an_import_that_stops_in_the_middle_goes_on_there(run, file, monkeypatch):
    monkeypatch.setattr(import_batch, "BATCH_SPANS", 2)
    monkeypatch.setattr(imports, "_ATTEMPTS", 1)
    path = file([otlp_line(number) for number in range(1, 8)])
    with disk_full("INSERT ON traces_span", "NEW.name = 'span 5'"):
        status, _, err = run(path)
    assert (status, stored_spans()) == (2, 4)
    assert "What came before is stored. The same command goes on there." in err
    status, out, err = run(path)
    assert (status, stored_spans()) == (0, 7)
    assert "goes on at line 5" in err
    assert "7 spans stored" in out


def test_while_the_database_is_away_it_waits(run, file, monkeypatch):
    monkeypatch.setattr(StoreUnavailable, "retry_after_seconds", 0.01)
    with disk_full("INSERT ON traces_span", "nextval('tries') < 3"):
        assert run(file([otlp_line(1)]))[0] == 0
    assert stored_spans() == 1


@pytest.mark.parametrize("name", ["killed.jsonl", "killed.jsonl.gz"])
@pytest.mark.django_db(transaction=True)
def test_a_killed_import_loses_and_doubles_nothing(project, file, tmp_path, name):
    total = 5_000
    path = file([otlp_line(number) for number in range(1, total + 1)], name)
    kills = 0
    while kills < 3:
        process = started(path)
        deadline = time.monotonic() + 60
        before = place()
        while place() == before and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.communicate()  # closes the pipes
        kills += 1
    assert kills == 3
    assert 0 < stored_spans() < total
    last = started(path)
    _, err = last.communicate(timeout=120)
    assert last.returncode == 0, err
    assert b"goes on at line" in err
    assert stored_spans() == total
    assert ImportedFile.objects.get().counts["spans"] + ImportedFile.objects.get().counts["known"] >= total


def started(path):
    return subprocess.Popen(
        [sys.executable, "manage.py", "import_traces", str(path), "--project", "shop"],
        env=os.environ | {"DATABASE_URL": database_url(connection.settings_dict)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def place():
    return ImportedFile.objects.values_list("byte", flat=True).first()


def test_a_terminal_has_a_bar(project, file, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(import_batch, "BATCH_SPANS", 1)
    monkeypatch.setattr("traces.management.commands.import_traces.Progress.SHOWN_SECONDS", 0.0)
    err = Terminal()
    path = file([otlp_line(number) for number in (1, 2, 3)])
    call_command("import_traces", str(path), "--project=shop", stdout=io.StringIO(), stderr=err, no_color=True)
    assert "█" in err.getvalue()
    assert "2 spans and scores, 0 refused" in err.getvalue()
    assert err.getvalue().endswith("\r\x1b[K")
