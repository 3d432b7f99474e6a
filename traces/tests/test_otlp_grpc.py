"""OpenTelemetry over gRPC: each status, over a real channel to the real process.

https://opentelemetry.io/docs/specs/otlp/#otlpgrpc
"""

import base64
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from django.db import connection, transaction
from django.utils import timezone
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from accounts.models import Key
from tests.grpc_calls import LOGS, METRICS, TRACES, called, grpc_served
from tests.otlp import SPAN, TRACE, export, export_logs, log, span
from tests.outages import WAITING, until
from tests.web import database_url
from traces.errors import StoreUnavailable, TooBusy, Unreadable
from traces.models import Refusal
from traces.queries.traces import trace_of
from traces.wire import grpc_status, otlp_protobuf

MEBIBYTE = 1 << 20


@pytest.fixture(scope="session")
def _address(django_db_setup, tmp_path_factory):
    database = database_url(connection.settings_dict)
    with grpc_served(tmp_path_factory.mktemp("grpc"), DATABASE_URL=database) as (address, _):
        yield address


@pytest.fixture
def address(transactional_db, _address):
    """`host:port` of a server that reads and writes what the test commits."""
    return _address


def stored(project, trace_id=TRACE):
    trace = trace_of(project.pk, trace_id)
    return {one.shown_id: one.record for one in trace.spans} if trace else {}


def status_of(call):
    """The code of a refusal, its sentence, and the seconds after which to come back; both forms of it agree."""
    trailers = dict(call.trailing_metadata())
    status = Status.FromString(trailers["grpc-status-details-bin"])
    assert (status.code, status.message) == (call.code().value[0], call.details())
    assert status.message.endswith(".")
    retry = RetryInfo()
    for detail in status.details:
        assert detail.Unpack(retry)
    assert trailers.get("google.rpc.retryinfo-bin", b"") == retry.SerializeToString()
    return call.code(), call.details(), retry.retry_delay.seconds or None


def test_spans_are_stored_when_the_answer_says_so(address, project, ingest_key):
    answer, call = called(address, TRACES, export(span(gen_ai__request__model="gpt-4o-mini")), ingest_key)
    assert (call.code(), answer) == (grpc.StatusCode.OK, b"")
    assert stored(project)[SPAN].model_requested == "gpt-4o-mini"


def test_contents_in_logs_are_stored_and_metrics_are_answered(address, project, ingest_key):
    records = export_logs(log("gen_ai.user.message", {"content": "May I send it back?"}))
    answer, call = called(address, LOGS, records, ingest_key)
    assert (call.code(), answer) == (grpc.StatusCode.OK, b"")
    assert SPAN in stored(project)
    assert called(address, METRICS, b"\xff", ingest_key)[1].code() is grpc.StatusCode.OK


def test_a_bad_id_costs_only_its_span_and_is_kept_in_the_inbox(address, project, ingest_key):
    bad = span()
    bad.trace_id = b"short"
    sent = export(bad, span())
    answer, call = called(address, TRACES, sent, ingest_key)
    said = ExportTraceServiceResponse.FromString(answer).partial_success
    assert (call.code(), said.rejected_spans) == (grpc.StatusCode.OK, 1)
    assert "spans[0]: the trace id is 5 bytes long" in said.error_message
    assert SPAN in stored(project)
    kept = Refusal.objects.get()
    assert (kept.method, kept.address, kept.status, kept.items) == ("gRPC", TRACES, None, 1)
    assert (bytes(kept.body), kept.size_bytes) == (sent.SerializeToString(), sent.ByteSize())
    assert kept.client.startswith("grpc-python/")


def test_a_refused_call_is_run_again_after_a_fix(address, project, ingest_key, monkeypatch, engineer_client):
    bad = span()
    bad.trace_id = b"short"
    called(address, TRACES, export(bad, span()), ingest_key)
    monkeypatch.setattr(otlp_protobuf, "_bad_id", lambda trace_id, span_id: None)
    page = engineer_client.post(f"/p/shop/inbox/{Refusal.objects.get().pk}/replay", follow=True).content.decode()
    assert "1 span or score stored, 1 was there already" in page
    assert Refusal.objects.get().taken


def test_a_bad_log_record_is_counted_in_the_answer(address, project, ingest_key):
    bad = log("gen_ai.user.message", {"content": "Hello"})
    bad.span_id = b"short"
    answer, _ = called(address, LOGS, export_logs(bad), ingest_key)
    assert ExportLogsServiceResponse.FromString(answer).partial_success.rejected_log_records == 1
    assert Refusal.objects.get().status == 200


def test_every_form_of_sending_a_key_is_understood(address, project, ingest_key):
    basic = base64.b64encode(f"any:{ingest_key}".encode()).decode()
    for metadata in (
        {"authorization": f"Bearer {ingest_key}"},
        {"authorization": ingest_key},
        {"authorization": f"Basic {basic}"},
        {"x_api_key": ingest_key},
        {"x_auth_token": ingest_key},
        {"x_api_key": ingest_key, "odd_bin": b"\xff\0"},
    ):
        assert called(address, TRACES, export(span()), **metadata)[1].code() is grpc.StatusCode.OK, metadata


def test_no_key_and_a_key_that_nobody_knows_are_unauthenticated(address, project, ingest_key):
    for method in (TRACES, LOGS, METRICS):
        code, words, later = status_of(called(address, method, export(span()))[1])
        assert (code, "no key" in words, later) == (grpc.StatusCode.UNAUTHENTICATED, True, None)
        code, words, _ = status_of(called(address, method, export(span()), "nobody")[1])
        assert (code, "unknown or revoked" in words) == (grpc.StatusCode.UNAUTHENTICATED, True)
    assert not stored(project)
    assert not Refusal.objects.exists()


def test_a_key_is_refused_as_soon_as_it_is_revoked(address, project, ingest_key):
    assert called(address, TRACES, export(span()), ingest_key)[1].code() is grpc.StatusCode.OK
    Key.objects.update(revoked_at=timezone.now())
    for method in (TRACES, LOGS, METRICS):
        code, _, _ = status_of(called(address, method, export(span()), ingest_key)[1])
        assert code is grpc.StatusCode.UNAUTHENTICATED


def test_a_key_that_may_only_read_is_denied_and_that_is_kept(address, project, read_key):
    code, _, later = status_of(called(address, TRACES, export(span()), read_key)[1])
    assert (code, later) == (grpc.StatusCode.PERMISSION_DENIED, None)
    kept = Refusal.objects.get()
    assert (kept.status, kept.body, kept.size_bytes) == (403, None, None)


@pytest.mark.parametrize("method", [TRACES, LOGS])
def test_what_is_no_export_is_an_invalid_argument_and_kept_as_it_came(address, project, ingest_key, method):
    code, words, later = status_of(called(address, method, b"\xff\0\xff", ingest_key)[1])
    assert (code, later) == (grpc.StatusCode.INVALID_ARGUMENT, None)
    kept = Refusal.objects.get()
    assert (kept.reason, kept.status, bytes(kept.body)) == (words, 400, b"\xff\0\xff")


def test_a_call_without_a_message_is_an_invalid_argument(address, project, ingest_key):
    with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as refused:
        channel.stream_unary(TRACES)(iter([]), metadata=[("authorization", ingest_key)], timeout=10)
    assert status_of(refused.value)[0] is grpc.StatusCode.INVALID_ARGUMENT


def test_another_method_is_unimplemented(address, project, ingest_key):
    method = TRACES.replace("Export", "Import")
    assert called(address, method, b"", ingest_key)[1].code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip])
def test_a_message_of_many_megabytes_is_taken(address, project, ingest_key, compression):
    large = span(gen_ai__completion="word " * (6 * MEBIBYTE))
    _, call = called(address, TRACES, export(large), ingest_key, compression)
    assert call.code() is grpc.StatusCode.OK
    assert SPAN in stored(project)


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip])
def test_a_message_over_the_limit_is_refused_as_sent_or_inflated(address, project, ingest_key, compression):
    _, call = called(address, TRACES, bytes(65 * MEBIBYTE), ingest_key, compression)
    assert (call.code(), "larger than max" in call.details()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, True)
    assert called(address, TRACES, export(span()), ingest_key)[1].code() is grpc.StatusCode.OK


def test_a_database_that_is_away_is_unavailable_and_says_when_to_come_back(tmp_path, project, ingest_key):
    nowhere = f"postgres://llmobs:secret@:5432/{tmp_path}/llmobs"
    with grpc_served(tmp_path, DATABASE_URL=nowhere) as (address, _):
        for method in (TRACES, LOGS, METRICS):
            code, words, later = status_of(called(address, method, export(span()), ingest_key)[1])
            assert (code, "send the spans again" in words, later) == (grpc.StatusCode.UNAVAILABLE, True, 5)


@pytest.mark.parametrize(
    ("error", "code", "seconds"),
    [
        (Unreadable("No."), grpc.StatusCode.INVALID_ARGUMENT, None),
        (TooBusy("Later."), grpc.StatusCode.RESOURCE_EXHAUSTED, 2),
        (StoreUnavailable("Later."), grpc.StatusCode.UNAVAILABLE, 5),
    ],
)
def test_only_what_may_be_taken_later_carries_retry_info(error, code, seconds):
    trailers = dict(grpc_status.trailers(error))
    assert grpc_status.code_of(error) == code.value[0]
    assert bool(Status.FromString(trailers["grpc-status-details-bin"]).details) == bool(seconds)
    if seconds:
        assert RetryInfo.FromString(trailers["google.rpc.retryinfo-bin"]).retry_delay.seconds == seconds


def test_more_calls_than_threads_are_all_answered_and_stored(address, project, ingest_key):
    def one(number):
        sent = span()
        sent.span_id = number.to_bytes(8, "big")
        return called(address, TRACES, export(sent), ingest_key)[1].code()

    with ThreadPoolExecutor(24) as senders:
        assert set(senders.map(one, range(1, 97))) == {grpc.StatusCode.OK}
    assert len(stored(project)) == 96


def test_senders_that_begin_a_call_and_fall_silent_do_not_hold_the_others(
    transactional_db, tmp_path, project, ingest_key
):
    env = {"DATABASE_URL": database_url(connection.settings_dict), "GRPC_MESSAGE_SECONDS": "1"}
    silence = threading.Event()
    with grpc_served(tmp_path, threads=2, **env) as (address, _), grpc.insecure_channel(address) as channel:
        silent = [
            channel.stream_unary(TRACES).future(iter(silence.wait, True), metadata=[("authorization", ingest_key)])
            for _ in range(2)
        ]
        assert called(address, TRACES, export(span()), ingest_key)[1].code() is grpc.StatusCode.OK
        assert {one.exception(timeout=10).code() for one in silent} == {grpc.StatusCode.CANCELLED}
        silence.set()
    assert (tmp_path / "grpc.log").read_text() == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_call_that_has_begun_is_answered_before_the_process_ends(
    transactional_db, tmp_path, project, ingest_key, number
):
    database = database_url(connection.settings_dict)
    with grpc_served(tmp_path, DATABASE_URL=database) as (address, process), ThreadPoolExecutor(1) as sender:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE traces_span IN EXCLUSIVE MODE")
            asked = sender.submit(called, address, TRACES, export(span()), ingest_key)
            until(WAITING, 1)
            process.send_signal(number)
            time.sleep(0.5)
            assert process.poll() is None
        assert asked.result()[1].code() is grpc.StatusCode.OK
        assert process.wait(10) == 0
    assert SPAN in stored(project)
    assert (tmp_path / "grpc.log").read_text() == ""


def test_a_busy_port_is_one_sentence(address):
    command = [sys.executable, "manage.py", "otlp_grpc", "--port", address.partition(":")[2]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert f"gRPC cannot listen on {address}; is something else listening there?" in done.stderr


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip])
def test_the_real_exporter_needs_only_endpoint_and_key(address, project, ingest_key, compression):
    provider = TracerProvider()
    key = (("authorization", f"Bearer {ingest_key}"),)
    exporter = OTLPSpanExporter(f"http://{address}", insecure=True, headers=key, compression=compression)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("chat", attributes={"gen_ai.request.model": "m"}) as made:
        trace_id = format(made.get_span_context().trace_id, "032x")
    provider.shutdown()
    assert [one.model_requested for one in stored(project, trace_id).values()] == ["m"]
