"""A plain trace, `{"request_id": …, "spans": [{…}, {…}]}`, as the flat records that it stands for."""

from collections.abc import Iterator
from typing import Final

from traces.records import Json
from traces.wire.plain_record import Refused, digest

# What holds for every span of a trace when the trace says it once.
INHERITED: Final = (
    "trace_id",
    "request_id",
    "session_id",
    "user_id",
    "feature",
    "service",
    "environment",
    "release",
    "tags",
)
# What is the root span's when the trace says it and the root does not.
OF_THE_ROOT: Final = ("name", "input", "output", "status", "status_message", "failure", "fallback")


def flattened(trace: dict[str, Json]) -> Iterator[Json | Refused]:
    """Each span with what it inherits. Totals and other words of the trace go to the `trace` attribute of its roots.

    Totals are not fields of a root: they would be counted again beside those of its spans.
    """
    spans = trace["spans"]
    if not isinstance(spans, list) or not spans:
        yield Refused('"spans" holds no span; write a list of at least one record.')
        return
    shared = {name: trace[name] for name in INHERITED if trace.get(name) is not None}
    if "trace_id" not in shared and "request_id" not in shared:
        shared["trace_id"] = digest(trace, 16)
    of_root = {name: trace[name] for name in OF_THE_ROOT if trace.get(name) is not None}
    rest = {name: said for name, said in trace.items() if name not in (*INHERITED, *OF_THE_ROOT, "spans")}
    for span in spans:
        yield _with_trace(span, shared, of_root, rest) if isinstance(span, dict) and span else span


def _with_trace(
    span: dict[str, Json], shared: dict[str, Json], of_root: dict[str, Json], rest: dict[str, Json]
) -> dict[str, Json]:
    said = {name: value for name, value in span.items() if value is not None}
    whole = {**shared, **said}
    if "parent_id" not in said and "parent_span_id" not in said:
        whole = {**shared, **of_root, **said}
        if rest:
            whole.setdefault("trace", rest)
    return whole
