"""What both encodings of OTLP answer, before it is written down.

https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
"""

from collections.abc import Sequence
from typing import Final

from traces.records import Rejection

# The gRPC code that a google.rpc.Status carries beside the HTTP status; UNKNOWN for what is not listed.
RPC_CODES: Final = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 411: 3, 413: 8, 415: 3, 429: 8, 500: 13, 503: 14}
UNKNOWN: Final = 2
_MAX_REASONS = 5


def partial_message(rejected: Sequence[Rejection]) -> str:
    """Why some were refused, in one line: the first few reasons, and how many more there are."""
    reasons = [rejection.reason for rejection in rejected[:_MAX_REASONS]]
    more = len(rejected) - len(reasons)
    return " ".join(reasons + ([f"And {more:,} more."] if more else []))
