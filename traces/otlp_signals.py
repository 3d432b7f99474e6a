"""What becomes of an export of OpenTelemetry, over HTTP as over gRPC, by its signal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from accounts.keys import FindHolder, KeyHolder, holder_of, recalled
from traces.computing import computing
from traces.ingest import ingest, ingest_logs
from traces.records import Rejection
from traces.wire import WireFormat


@dataclass(frozen=True, slots=True)
class Taken:
    """What is answered, what of the request was refused, and whether nothing of it is stored for that."""

    answer: bytes
    rejected: Sequence[Rejection] = ()
    nothing: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    """`take` reads and stores a body that came from a holder found by `find`. It raises TracesError."""

    take: Callable[[WireFormat, KeyHolder, bytes], Taken]
    find: FindHolder


def _traces(form: WireFormat, holder: KeyHolder, body: bytes) -> Taken:
    with computing(size_bytes=len(body)):
        decoded = form.decode(body)
    receipt = ingest(holder.project.pk, decoded.spans, decoded.rejected, timezone.now(), holder.digest)
    return Taken(form.reply(receipt), receipt.rejected, receipt.took_nothing)


def _logs(form: WireFormat, holder: KeyHolder, body: bytes) -> Taken:
    decoded = form.decode_logs(body)
    receipt = ingest_logs(holder.project.pk, decoded.records, decoded.rejected, timezone.now(), holder.digest)
    return Taken(form.logs_reply(receipt.rejected), receipt.rejected, receipt.took_nothing)


def _metrics(form: WireFormat, _holder: KeyHolder, _body: bytes) -> Taken:
    return Taken(form.metrics_reply())


TRACES: Final = Signal(_traces, recalled)  # stored when they are answered well
LOGS: Final = Signal(_logs, recalled)  # the contents of spans in them are stored, the rest is discarded
METRICS: Final = Signal(_metrics, holder_of)  # discarded, the one exception to "what is answered well is stored"
