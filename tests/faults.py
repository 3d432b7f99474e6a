"""Trouble for a running `up`: what is killed, stopped, frozen or filled, and the real SDK that sends meanwhile."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg

from llmobs import embedded, servers
from tests.test_up import ROOT, Up, eventually

SDK_SPANS = 200
# The real SDK, with time to go on trying: it stops at the exporter's timeout.
SDK = f"""
import sys
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
key = (("authorization", "Bearer " + sys.argv[3]),)
if sys.argv[1] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    exporter = OTLPSpanExporter(sys.argv[2], insecure=True, headers=key, timeout=60)
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    exporter = OTLPSpanExporter(sys.argv[2] + "/v1/traces", headers=dict(key), timeout=60)
provider.add_span_processor(BatchSpanProcessor(exporter, export_timeout_millis=60000))
tracer = provider.get_tracer("test")
for _ in range({SDK_SPANS}):
    with tracer.start_as_current_span("answer", attributes={{"gen_ai.operation.name": "invoke_agent"}}) as span:
        print(format(span.get_span_context().span_id, "016x"))
provider.force_flush(60000)
provider.shutdown()
"""


@contextmanager
def exporting(up: Up, protocol: str = "http") -> Iterator["subprocess.Popen[str]"]:
    """A program that makes SDK_SPANS spans, prints their ids and ends when they are exported, or given up.

    `protocol` is http or grpc.
    """
    address = up.address if protocol == "http" else f"http://127.0.0.1:{up.grpc_port}"
    command = [sys.executable, "-c", SDK, protocol, address, up.key()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def postgres(up: Up) -> psutil.Process:
    return up.named("postgres -D")[0]


@contextmanager
def away(up: Up) -> Iterator[None]:
    """Postgres stopped; the `up` that would start it again is held still meanwhile."""
    up.process.send_signal(signal.SIGSTOP)
    try:
        server = postgres(up)
        server.send_signal(signal.SIGINT)
        eventually(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE, "Postgres has stopped")
        yield
    finally:
        up.process.send_signal(signal.SIGCONT)


@contextmanager
def without_grpc(up: Up) -> Iterator[None]:
    """The process that serves gRPC killed; the `up` that would start it again is held still meanwhile."""
    up.process.send_signal(signal.SIGSTOP)
    try:
        up.named("otlp_grpc")[0].kill()
        yield
    finally:
        up.process.send_signal(signal.SIGCONT)


@contextmanager
def frozen(up: Up) -> Iterator[None]:
    """Every process of Postgres held still: connections are taken and nothing answers."""
    server = postgres(up)
    server.suspend()
    still = server.children(recursive=True)
    for process in still:
        process.suspend()
    try:
        yield
    finally:
        for process in [*still, server]:
            process.resume()


@contextmanager
def read_only(up: Up) -> Iterator[None]:
    """A database that takes no writes, as after a failover to a standby."""
    with database(up, servers.SUPERUSER) as server:
        server.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        server.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            server.execute("SET default_transaction_read_only = off")
            server.execute("ALTER SYSTEM RESET default_transaction_read_only")
            server.execute("SELECT pg_reload_conf()")


@contextmanager
def database(up: Up, user: str = "") -> Iterator["psycopg.Connection[Any]"]:
    """A connection to the database of `up`, as its own role unless another is named."""
    access = embedded.database(up.data_dir)
    with psycopg.connect(
        host=access["HOST"], port=access["PORT"], user=user or access["USER"], password=access["PASSWORD"],
        dbname=access["NAME"], autocommit=True,
    ) as connection:  # fmt: skip
        yield connection


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A folder on a disk of its own that can be filled."""
    folder = Path(tempfile.mkdtemp(prefix="llmobs-full-", dir="/tmp"))
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    options = f"size={megabytes}m,mode=0711,uid={os.geteuid()}"
    subprocess.run([*as_root, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*as_root, "umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


def fill(filler: Path) -> None:
    """Write until there is no room."""
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 20)):
                pass
        except OSError:
            pass
