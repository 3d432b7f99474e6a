"""What leaves Phoenix as text: spans of its REST interface, traces of its command line, rows of its data frames.

The three say the same under other names: `context.trace_id` is a member of a member or the name of a column, and
`attributes.llm.model_name` a member of `attributes` or a column. Frames are written by `to_json(orient="records",
lines=True)` or `to_csv()`, in which lists and objects are Python's own notation.
https://arize.com/docs/phoenix/tracing/how-to-tracing/importing-and-exporting-traces
"""

import ast
import math
import re
from collections.abc import Iterator
from typing import Final

import orjson

from traces.records import Json, RawSpan, SpanEvent
from traces.wire import scores as wire_scores
from traces.wire.exported.found import Found
from traces.wire.jsontext import embedded
from traces.wire.plain_values import Refused, moment_ns

_OWN: Final = frozenset(
    (
        *("id", "name", "context", "context.trace_id", "context.span_id", "parent_id", "span_kind", "start_time"),
        *("end_time", "status_code", "status_message", "attributes", "events", "annotations", "conversation"),
        *("latency_ms", "index"),
    )
)
_DERIVED: Final = ("cumulative_", "Unnamed: ")  # of a span and those below it; the number of a row
# OpenInference's names whose members are attributes of their own.
_FLAT: Final = ("llm.input_messages", "llm.output_messages", "llm.tools", "llm.token_count", "llm.cost", "retrieval")
_FLAT_TOO: Final = ("embedding.embeddings", "reranker", "llm.prompts", "llm.choices")
_STRUCTURED: Final = ("tag.tags", "metadata")
_COUNTED: Final = "llm.token_count."
# In a name like `llm.input_messages.0.message.content`: its value is a leaf, also where its text spells an object.
_NUMBERED: Final = re.compile(r"\.\d+\.")
_STATUSES: Final = {"OK": "ok", "ERROR": "error"}
_LONGEST_NOTATION: Final = 1_000_000  # characters of Python's notation; what is longer stays text
_SOURCES: Final = {"LLM": "judge", "HUMAN": "member", "CODE": "code"}


def recognises(value: dict[str, Json]) -> bool:
    """By how the ids of a span are called, or by a trace of its command line."""
    if "context.trace_id" in value or "context.span_id" in value:
        return True
    if isinstance(value.get("context"), dict):
        return "trace_id" in value["context"]
    return "traceId" in value and isinstance(value.get("spans"), list)


def read(value: dict[str, Json]) -> Found:
    """The span of a row, or the spans of a trace; annotations beside them are scores."""
    found = Found()
    spans = value["spans"] if isinstance(value.get("spans"), list) else [value]
    given: list[Json] = []
    for index, span in enumerate(spans):
        try:
            raw = _span(index, span)
            found.spans.append(raw)
            given += _scores(raw, span)
        except Refused as problem:
            found.refused.append(f"spans[{index}]: {problem}" if len(spans) > 1 else str(problem))
    if given:
        found.scores, rejected = wire_scores.decode(orjson.dumps(given), "application/json")
        found.refused += [one.reason for one in rejected]
    return found


def _span(index: int, span: Json) -> RawSpan:
    if not isinstance(span, dict):
        raise Refused("this is no JSON object.")
    context = _structured(span.get("context"))
    context = context if isinstance(context, dict) else {}
    trace_id = span.get("context.trace_id") or context.get("trace_id")
    span_id = span.get("context.span_id") or context.get("span_id")
    if not isinstance(trace_id, str) or not isinstance(span_id, str):
        raise Refused("There is no trace id or no span id in it.")
    parent = span.get("parent_id")
    return RawSpan(
        index,
        trace_id,
        span_id,
        parent if isinstance(parent, str) and parent else None,
        name=str(_known(span.get("name")) or ""),
        start_ns=_moment(span, "start_time"),
        end_ns=_moment(span, "end_time"),
        status=_STATUSES.get(str(span.get("status_code")).upper(), "unset"),
        status_message=str(_known(span.get("status_message")) or ""),
        attributes=_attributes(span),
        scope="openinference",
        events=[_event(one) for one in _listed(span.get("events")) if isinstance(one, dict)],
    )


def _attributes(span: dict[str, Json]) -> dict[str, Json]:
    attributes: dict[str, Json] = {}
    held = _structured(span.get("attributes"))
    if isinstance(held, dict):
        for name, value in held.items():
            _take(attributes, name, value)
    for name, value in span.items():
        if name and name not in _OWN and not name.startswith(_DERIVED):
            _take(attributes, name.removeprefix("attributes."), value)
    kind = _known(span.get("span_kind"))
    if isinstance(kind, str) and kind not in ("UNKNOWN", ""):
        attributes.setdefault("openinference.span.kind", kind)
    return attributes


def _take(attributes: dict[str, Json], name: str, value: Json) -> None:
    """Put a value where instrumentations put it: members of messages and the like each under a name of its own."""
    if _known(value) is None:
        return
    if name == "llm" or name.startswith((*_FLAT, *_FLAT_TOO)):
        for path, leaf in _leaves(name, value if _NUMBERED.search(name) else _structured(value)):
            if _known(leaf) is not None:
                attributes[path] = _whole(leaf) if path.startswith(_COUNTED) else leaf
    elif name in _STRUCTURED:
        attributes[name] = _structured(value)
    elif isinstance(value, dict) and name not in ("metadata", "llm.invocation_parameters"):
        for member, inner in value.items():
            _take(attributes, f"{name}.{member}", inner)
    else:
        attributes[name] = value


def _leaves(name: str, value: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(value, dict) and name not in ("llm.invocation_parameters", "llm.prompt_template.variables"):
        for member, inner in value.items():
            yield from _leaves(f"{name}.{member}", inner)
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        for place, inner in enumerate(value):
            yield from _leaves(f"{name}.{place}", inner)
    else:
        yield name, value


def _whole(value: Json) -> Json:
    """A count as a whole number: columns with gaps are floats."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return value
    return int(number) if number.is_integer() else value


def _structured(value: Json) -> Json:
    """A list or object that a cell of a CSV spells, in JSON or in Python's notation; anything else as it is."""
    if not isinstance(value, str) or value[:1] not in ("[", "{"):
        return value
    found = embedded(value)
    if found is not None or len(value) > _LONGEST_NOTATION:
        return value if found is None else found
    try:
        found = ast.literal_eval(value)
        return orjson.loads(orjson.dumps(found, option=orjson.OPT_NON_STR_KEYS))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return value


def _listed(value: Json) -> list[Json]:
    found = _structured(value)
    return found if isinstance(found, list) else []


def _event(event: dict[str, Json]) -> SpanEvent:
    attributes = event.get("attributes")
    at = _known(event.get("timestamp"))
    return SpanEvent(
        str(event.get("name", "")),
        None if at is None else moment_ns("timestamp", at),
        attributes if isinstance(attributes, dict) else {},
    )


def _moment(span: dict[str, Json], name: str) -> int | None:
    value = _known(span.get(name))
    return None if value is None else moment_ns(name, value)


def _known(value: Json) -> Json:
    """None for what a data frame has where there is nothing."""
    if isinstance(value, float) and math.isnan(value):
        return None
    return None if value in ("NaT", "nan", "NaN", "None", "") else value


def _scores(raw: RawSpan, span: dict[str, Json]) -> Iterator[Json]:
    """Annotations of a span. One with a score and a label is the score; a later version of one takes its place."""
    for one in _listed(span.get("annotations")):
        result = one.get("result") if isinstance(one, dict) else None
        if not isinstance(result, dict):
            continue
        number, label = _known(result.get("score")), _known(result.get("label"))
        name, again = str(one.get("name") or ""), str(one.get("identifier") or "")
        yield {
            "id": f"{raw.span_id}:{name}:{again}",
            "trace_id": raw.trace_id,
            "span_id": raw.span_id,
            "name": name,
            "value": label if number is None else number,
            "source": _SOURCES.get(str(one.get("annotator_kind")).upper(), "code"),
            "comment": _known(result.get("explanation")),
            "timestamp": one.get("updated_at") or one.get("created_at"),
            "metadata": {"label": label} if number is not None and label is not None else None,
        }
