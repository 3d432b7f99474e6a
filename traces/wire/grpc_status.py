"""How a refusal is said over gRPC: a code, and metadata that says when to come back.

https://opentelemetry.io/docs/specs/otlp/#otlpgrpc-response
"""

from typing import Final

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # it ships stubs, but no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from traces.errors import TracesError
from traces.wire.otlp_replies import RPC_CODES, UNKNOWN

DETAILS: Final = "grpc-status-details-bin"
# Where OpenTelemetry's exporter for Python looks, which does not read the details.
RETRY: Final = "google.rpc.retryinfo-bin"


def code_of(error: TracesError) -> int:
    """The number of a gRPC status: the one that says over gRPC what the HTTP status says."""
    return RPC_CODES.get(error.status, UNKNOWN)


def trailers(error: TracesError) -> tuple[tuple[str, bytes], ...]:
    """The metadata after a refusal: a google.rpc.Status, in it a RetryInfo where the same may be taken later.

    Without one, RESOURCE_EXHAUSTED tells an exporter to drop what it sent.
    """
    status = Status(code=code_of(error), message=str(error))
    if not error.retry_after_seconds:
        return ((DETAILS, status.SerializeToString()),)
    retry = RetryInfo(retry_delay=Duration(seconds=error.retry_after_seconds))
    detail = Any()
    detail.Pack(retry)
    status.details.append(detail)
    return ((DETAILS, status.SerializeToString()), (RETRY, retry.SerializeToString()))
