"""Log records to the versions of spans that they stand for: placeholders, which hold contents and nothing else. Pure.

Whichever comes first, the span or its contents: the store makes one of the two.
"""

from collections.abc import Iterable

from traces import logged
from traces.conventions import events
from traces.ids import span_key, trace_key
from traces.normalise import moment, sender
from traces.records import LogRecord, Payload, SpanRecord


def placeholders(records: Iterable[LogRecord]) -> list[tuple[SpanRecord, list[int]]]:
    """For each span that `records` hold contents of, a version with just these, and the indexes of their records.

    Records that belong to no span, or hold no GenAI contents, are passed over.
    """
    found: dict[tuple[str, str], tuple[LogRecord, list[logged.Logged], list[int]]] = {}
    for record in records:
        if not record.trace_id or not record.span_id:
            continue
        said = events.said(record.event, record.body, record.attributes)
        if said is not None:
            _, of_span, indexes = found.setdefault((record.trace_id, record.span_id), (record, [], []))
            indexes.append(record.index)
            of_span.append({"at": record.at_ns or 0, "place": len(of_span), **said})
    return [(_placeholder(first, of_span), indexes) for first, of_span, indexes in found.values()]


def _placeholder(first: LogRecord, of_span: list[logged.Logged]) -> SpanRecord:
    at_ns = min((one["at"] for one in of_span if one["at"]), default=None)
    placeholder = SpanRecord(
        trace_key(first.trace_id),
        span_key(first.span_id),
        kind="llm",
        started_at=None if at_ns is None else moment(at_ns),
        start_assumed=True,
        start_may_change=True,
        ended=False,
        payload=Payload(logged=logged.united(of_span, None)),
    )
    for name, value in sender(first.resource)[0].items():
        setattr(placeholder, name, value)
    return placeholder
