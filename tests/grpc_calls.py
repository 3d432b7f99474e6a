"""gRPC for tests: the server as `up` starts it, in a process of its own, and calls over a real channel."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message

from tests.web import START_SECONDS, free_port

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
ANSWER_SECONDS = 30


@contextmanager
def grpc_served(folder: Path, threads: int = 4, **env: str) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A server with this environment beside our own: `host:port` and process. Its words are in `folder`/grpc.log."""
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "manage.py", "otlp_grpc", "--port", address.partition(":")[2]]
    with (folder / "grpc.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=Path(__file__).parent.parent,
            env=os.environ | {"WEB_THREADS": str(threads)} | env,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_it_answers(address, process, folder / "grpc.log")
            yield address, process
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until_it_answers(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with grpc.insecure_channel(address) as channel:
        ready = grpc.channel_ready_future(channel)
        while time.monotonic() < deadline and process.poll() is None:
            try:
                return ready.result(timeout=0.5)
            except grpc.FutureTimeoutError:
                continue
    raise AssertionError(f"The gRPC server did not start: {log.read_text()}")


def called(
    address: str, method: str, body: Message | bytes, key: str | None = None, compression: Any = None, **metadata: str
) -> tuple[bytes | None, grpc.Call]:
    """The answer, None where there is none but a status, and the call, which has that. `key` is sent as Bearer.

    Underscores in the names of `metadata` stand for dashes.
    """
    named = [(name.replace("_", "-"), value) for name, value in metadata.items()]
    named += [("authorization", f"Bearer {key}")] if key else []
    sent = body if isinstance(body, bytes) else body.SerializeToString()
    with grpc.insecure_channel(address, options=[("grpc.max_send_message_length", -1)]) as channel:
        export = channel.unary_unary(method)
        try:
            return export.with_call(sent, metadata=named, compression=compression, timeout=ANSWER_SECONDS)
        except grpc.RpcError as error:
            return None, error
