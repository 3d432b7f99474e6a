"""One call of OpenTelemetry over gRPC, as it is answered. Knows nothing of gRPC itself: a replay has none.

https://opentelemetry.io/docs/specs/otlp/#otlpgrpc
"""

from collections.abc import Iterator, Mapping
from typing import Final

from django.conf import settings

from accounts.sent_key import sent_key
from traces import inbox, limits, otlp_signals
from traces.authorised import authorised
from traces.errors import TracesError, Unreadable
from traces.wire import otlp_protobuf

METHOD: Final = "gRPC"  # what the inbox says, beside HTTP's POST
SIGNALS: Final = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": otlp_signals.TRACES,
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": otlp_signals.LOGS,
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": otlp_signals.METRICS,
}


def answer(address: str, metadata: Mapping[str, str], messages: Iterator[bytes]) -> bytes | TracesError:
    """What is answered once all is stored that can be, or why nothing is. What is refused is kept in the inbox.

    `address` is one of SIGNALS. The key is looked at before the message is asked for.
    """
    signal = SIGNALS[address]
    key = sent_key(metadata.get)
    body: bytes | None = None

    def sent() -> inbox.Sent:
        most = settings.INBOX_MAX_BODY_BYTES
        client, size = metadata.get("user-agent", ""), None if body is None else len(body)
        return inbox.Sent(METHOD, address, client, "application/grpc", "", None if body is None else body[:most], size)

    try:
        holder = authorised(key, signal.find)
        body = _only(messages)
        with limits.admitted(holder, len(body)):
            taken = signal.take(otlp_protobuf, holder, body)
    except TracesError as error:
        inbox.keep_sent(key, sent, error)
        return error
    if taken.rejected:
        inbox.keep_sent(key, sent, taken.rejected, status=200 if taken.nothing else None)
    return taken.answer


def _only(messages: Iterator[bytes]) -> bytes:
    """The call's message. Raises Unreadable when there is none, and what gRPC raises when its sender has gone."""
    for message in messages:
        return message
    raise Unreadable("There is no message in this call; send an export request.")
