"""Take spans in: normalise, price, store, and say what became of each. The only way back is the receipt."""

import logging
from collections.abc import Iterable
from datetime import datetime

from traces import pricing, store
from traces.normalise import normalise
from traces.records import RawSpan, Receipt, Rejection, SpanRecord

log = logging.getLogger(__name__)


def ingest(project_id: int, raw_spans: list[RawSpan], rejected: Iterable[Rejection], now: datetime) -> Receipt:
    """Store what can be stored of `raw_spans`; `rejected` is what could not even be read. Safe to repeat.

    Raises StoreUnavailable; nothing is stored then.
    """
    records = [_record(raw, now) for raw in raw_spans]
    outcome = store.write(project_id, records, now)
    refused = [Rejection(raw_spans[position].index, reason) for position, reason in outcome.refused]
    return Receipt(
        accepted=outcome.accepted,
        duplicates=outcome.duplicates,
        updated=outcome.updated,
        rejected=sorted([*rejected, *refused], key=lambda one: one.index),
        traces=list(dict.fromkeys(raw.trace_id for raw in raw_spans)),
    )


def _record(raw: RawSpan, now: datetime) -> SpanRecord:
    return pricing.priced(normalise(raw, now))
