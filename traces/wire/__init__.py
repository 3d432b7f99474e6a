"""Wire formats: bytes to RawSpan or LogRecord, and the reply in the format's own words. No Django.

A format of OTLP is chosen by its content type in WIRE_FORMATS. The plain record (`traces.wire.plain`) has an address
of its own and is no entry here.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from traces.errors import UnsupportedType
from traces.records import Receipt, Rejection
from traces.wire import otlp_json, otlp_protobuf
from traces.wire.decoded import Decoded, DecodedLogs


class WireFormat(Protocol):
    """One encoding: a module with these names."""

    content_type: str

    def decode(self, body: bytes) -> Decoded:
        """Raises Unreadable."""

    def reply(self, receipt: Receipt) -> bytes:
        """The body of a 200."""

    def refusal(self, message: str, http_status: int) -> bytes:
        """The body of any other answer."""

    def decode_logs(self, body: bytes) -> DecodedLogs:
        """Raises Unreadable."""

    def logs_reply(self, rejected: Sequence[Rejection]) -> bytes:
        """The body of a 200 to `/v1/logs`."""

    def metrics_reply(self) -> bytes:
        """The body of a 200 to `/v1/metrics`."""


WIRE_FORMATS: Final[dict[str, WireFormat]] = {
    "application/x-protobuf": otlp_protobuf,
    "application/protobuf": otlp_protobuf,
    "application/json": otlp_json,
}


def wire_format(content_type: str | None) -> WireFormat:
    """The format that a Content-Type names, parameters such as charset aside. Raises UnsupportedType."""
    word = (content_type or "").partition(";")[0].strip().lower()
    try:
        return WIRE_FORMATS[word]
    except KeyError:
        said = f"Content-Type is {word[:80]}" if word else "There is no Content-Type"
        raise UnsupportedType(f"{said}; send application/x-protobuf or application/json.") from None
