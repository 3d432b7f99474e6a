"""Our own export: whole traces, as `GET /api/v1/traces/<id>` answers them, alone or one a line."""

from typing import Final

import orjson

from traces.media import named
from traces.records import Json, RawSpan, SpanEvent
from traces.wire import scores as wire_scores
from traces.wire.exported.found import Found
from traces.wire.plain_record import raw_span
from traces.wire.plain_values import Refused, moment_ns

# What is worked out from the rest, and what stands apart from the record.
_DERIVED: Final = frozenset(
    ("received_at", "ended", "is_call", "cost_source", "events", "links", "scores", "dropped_attributes")
)
_KEPT: Final = ("input", "output", "attributes")  # as they are
_DEEPEST: Final = 200
_NO_SPANS: Final = "It is a row of a list, without its spans. Export again with whole traces (format=ndjson&spans=1)."


def recognises(value: dict[str, Json]) -> bool:
    """By what only our answers have: the totals of a trace, or the outcome in a row of the list."""
    return "trace_id" in value and ("totals" in value or "outcome" in value or "spans" in value)


def read(value: dict[str, Json]) -> Found:
    """The spans of a trace and the scores of it and of them."""
    spans = value.get("spans")
    if not isinstance(spans, list):
        raise Refused(_NO_SPANS if "outcome" in value else "It is no trace that llmobs exported.")
    found = Found()
    given = list(_listed(value, "scores"))
    for index, span in enumerate(spans):
        try:
            found.spans.append(_span(index, span))
            given += _listed(span, "scores")
        except Refused as problem:
            found.refused.append(f"spans[{index}]: {problem}")
    if given:
        found.scores, rejected = wire_scores.decode(orjson.dumps([_score(one) for one in given]), "application/json")
        found.refused += [one.reason for one in rejected]
    return found


def _span(index: int, span: Json) -> RawSpan:
    if not isinstance(span, dict):
        raise Refused("this is no JSON object.")
    said = {name: value for name, value in span.items() if name not in _DERIVED and value not in (None, [], {})}
    if span.get("cost_source") != "sent":  # it is priced again, by the prices of its day
        said.pop("cost_usd", None)
    if said.get("feature") == said.get("service"):  # which it fell back to
        said.pop("feature", None)
    if not isinstance(said.get("attributes", {}), dict):
        raise Refused('"attributes" is no JSON object.')
    kept = {name: _without_urls(said.pop(name)) for name in _KEPT if name in said}
    raw = raw_span(index, said)
    raw.fields["kept"] = kept
    if span.get("ended") is True:
        raw.fields["ended"] = True
    raw.events = [_event(one) for one in _listed(span, "events")]
    _place_between_microseconds(raw, _listed(span, "events"))
    raw.links = [one for one in _listed(span, "links") if isinstance(one, dict)]
    dropped = span.get("dropped_attributes")
    raw.dropped_attributes = dropped if isinstance(dropped, int) else 0
    return raw


def _without_urls(value: Json, depth: int = 0) -> Json:
    """Without the addresses that an answer gives parts that stand in files: they are those of one installation."""
    if depth == _DEEPEST:
        return value
    if isinstance(value, list):
        return [_without_urls(inner, depth + 1) for inner in value]
    if isinstance(value, dict):
        here = named(value) is not None
        return {key: _without_urls(inner, depth + 1) for key, inner in value.items() if not (here and key == "url")}
    return value


def _event(event: Json) -> SpanEvent:
    if not isinstance(event, dict):
        raise Refused("one of its events is no JSON object.")
    attributes = event.get("attributes")
    at = event.get("at")
    return SpanEvent(
        str(event.get("name", "")),
        None if at is None else moment_ns("at", at),
        attributes if isinstance(attributes, dict) else {},
    )


def _place_between_microseconds(raw: RawSpan, events: list[Json]) -> None:
    """Moments and offsets are both whole microseconds of what were nanoseconds: choose some of which both are true."""
    start = raw.start_ns
    if start is None:
        return
    for event, said in zip(raw.events, events, strict=True):
        if event.time_ns is not None and said.get("offset_us") == (event.time_ns - start) // 1000 - 1:
            raw.start_ns = start + 999
    for event, said in zip(raw.events, events, strict=True):
        if (
            event.time_ns is not None
            and raw.start_ns != start
            and said.get("offset_us") == (event.time_ns - start) // 1000
        ):
            event.time_ns += 999


def _score(score: Json) -> Json:
    """As `POST /api/v1/scores` takes it: of one target, with its moment under the name that it is sent by."""
    if not isinstance(score, dict):
        return score
    target = score.get("target")
    names = ("trace_id", "span_id") if target == "span" else (f"{target}_id",)
    kept = ("id", "name", "value", "data_type", "source", "comment", "metadata", *names)
    return {name: score[name] for name in kept if score.get(name) is not None} | {"timestamp": score.get("given_at")}


def _listed(value: Json, name: str) -> list[Json]:
    found = value.get(name)
    return found if isinstance(found, list) else []
