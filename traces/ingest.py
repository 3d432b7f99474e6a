"""Take spans in: normalise, price, store, and say what became of each. The only way back is the receipt."""

import logging
from collections.abc import Iterable
from datetime import datetime

from llmobs.lib.pages_first import giving_way
from traces import limits, media_files, pricing, rerun, store
from traces.computing import computing
from traces.normalise import normalise
from traces.placeholders import placeholders
from traces.records import LogReceipt, LogRecord, RawSpan, Receipt, Rejection, SpanRecord

log = logging.getLogger(__name__)


def ingest(
    project_id: int,
    raw_spans: list[RawSpan],
    rejected: Iterable[Rejection],
    now: datetime,
    key: bytes | None = None,
) -> Receipt:
    """Store what can be stored of `raw_spans`; `rejected` is what could not even be read. Safe to repeat.

    `key` is the digest of the API key they came with, if it must still be valid. Raises KeyRefused, StoreUnavailable;
    nothing is stored then.
    """
    with computing(spans=len(raw_spans)):
        records = [_record(raw, now) for raw in giving_way(raw_spans)]
    media_files.take_out(project_id, (record.payload for record in records))
    outcome = store.write(project_id, records, now, key)
    limits.note_spans(key, len(raw_spans))
    rerun.note(outcome.accepted + outcome.updated, outcome.duplicates)
    refused = [Rejection(raw_spans[position].index, reason) for position, reason in outcome.refused]
    return Receipt(
        accepted=outcome.accepted,
        duplicates=outcome.duplicates,
        updated=outcome.updated,
        rejected=sorted([*rejected, *refused], key=lambda one: one.index),
        traces=list(dict.fromkeys(raw.trace_id for raw in raw_spans)),
    )


def ingest_logs(
    project_id: int,
    log_records: list[LogRecord],
    rejected: Iterable[Rejection],
    now: datetime,
    key: bytes | None = None,
) -> LogReceipt:
    """Store the contents of spans that `log_records` hold, and pass over the rest. Safe to repeat.

    Contents of a span that cannot be stored cost all records that they came in. `key` and what is raised are as for
    `ingest`.
    """
    found = placeholders(log_records)
    media_files.take_out(project_id, (record.payload for record, _ in found))
    outcome = store.write(project_id, [record for record, _ in found], now, key)
    rerun.note(outcome.accepted + outcome.updated, outcome.duplicates)
    refused = [Rejection(index, reason) for position, reason in outcome.refused for index in found[position][1]]
    return LogReceipt(len(found) - len(outcome.refused), sorted([*rejected, *refused], key=lambda one: one.index))


def _record(raw: RawSpan, now: datetime) -> SpanRecord:
    return pricing.priced(normalise(raw, now))
