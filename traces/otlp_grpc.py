"""OpenTelemetry over gRPC: the calls of `otlp_calls`, as three services on a port of their own.

Messages are handed over as they came, and read by the module that reads them over HTTP. The core of gRPC inflates them
and ends a call whose message is larger than the limit, as sent or inflated, by RESOURCE_EXHAUSTED.
https://opentelemetry.io/docs/specs/otlp/#otlpgrpc
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import grpc
from django.conf import settings
from django.db import close_old_connections

from traces import otlp_calls
from traces.errors import TracesError
from traces.wire import grpc_status

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),  # a second server would take half of the connections instead of being told
    ("grpc.max_concurrent_streams", 128),  # of one connection; what is over waits at its sender
    # A sender that has gone without a word is noticed after 80 s, not after two hours.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Collectors ping every ten seconds; by default whoever pings oftener than every five minutes is sent away.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
)


_waiting: dict[grpc.ServicerContext, float] = {}  # calls whose message has not come, and since when, monotonic


def server(threads: int) -> grpc.Server:
    """A server, not started and without a port, that serves this many calls at a time; others wait unread."""
    largest = ("grpc.max_receive_message_length", settings.INGEST_MAX_INFLATED_BYTES)
    made = grpc.server(ThreadPoolExecutor(threads, thread_name_prefix="call"), options=[*_OPTIONS, largest])
    made.add_generic_rpc_handlers([_handler(*address[1:].split("/")) for address in otlp_calls.SIGNALS])
    return made


def _handler(service: str, method: str) -> grpc.GenericRpcHandler:
    # Called with an iterator, so that the key is looked at before the message is taken: a stream of one message and a
    # single message are the same on the wire.
    export: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_unary_rpc_method_handler(
        partial(_export, f"/{service}/{method}")
    )
    return grpc.method_handlers_generic_handler(service, {method: export})


def _export(address: str, messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
    """The answer to one call, once what it holds is stored; else the call is ended with a status."""
    metadata = {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}
    try:
        answer = otlp_calls.answer(address, metadata, _watched(messages, context))
    finally:
        close_old_connections()
    if isinstance(answer, TracesError):
        context.set_trailing_metadata(grpc_status.trailers(answer))
        context.abort(_CODES[grpc_status.code_of(answer)], str(answer))
    return answer


def _watched(messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
    """The first of `messages`, for which `end_the_silent` does not wait for ever."""
    _waiting[context] = time.monotonic()
    try:
        message = next(messages, None)
    finally:
        del _waiting[context]
    if message is not None:
        yield message


def end_the_silent() -> None:
    """End calls whose message does not come: each holds a thread, and a few would hold all. Call this now and then."""
    earliest = time.monotonic() - settings.GRPC_MESSAGE_SECONDS
    for context, since in list(_waiting.items()):
        if since < earliest:
            context.cancel()
