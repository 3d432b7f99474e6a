"""The load of the benchmarks, as bodies of OTLP/HTTP requests in protobuf. The same seed and end give the same bytes.

    python benchmarks/load.py --spans 1000 --batch 100 --gzip --out /tmp/load

Needs opentelemetry-proto and nothing else.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtobufSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]

from benchmarks.application import Span, Trace, traces  # noqa: E402

Dialect = str  # of DIALECTS: how messages are carried; counts and names are always there in both
DIALECTS = ("genai", "openinference", "both")
GZIP_LEVEL = 6  # as the exporters of OpenTelemetry

_RESOURCE = {
    "service.name": "benchmark",
    "service.version": "2.3.1",
    "deployment.environment.name": "production",
    "telemetry.sdk.language": "python",
    "telemetry.sdk.name": "opentelemetry",
    "telemetry.sdk.version": "1.45.2",
    "openinference.project.name": "default",
}


def attributes(trace: Trace, span: Span, dialect: Dialect) -> dict[str, str | int | float]:
    """What instrumentation of that dialect would set on the span."""
    found: dict[str, str | int | float] = {
        "app.request_id": trace.request_id,
        "user.id": trace.user_id,
        "session.id": trace.session_id,
        "app.feature": trace.feature,
        "openinference.span.kind": span.kind.upper(),
    }
    if span.kind == "llm":
        found |= _of_call(span)
    if span.kind == "llm" and dialect != "openinference":
        found["gen_ai.input.messages"] = _messages("user", span.input)
        found["gen_ai.output.messages"] = _messages("assistant", span.output, finish_reason="stop")
    if span.kind == "tool":
        found |= {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": span.name.split()[-1]}
    for position, (content, score) in enumerate(span.documents):
        found[f"retrieval.documents.{position}.document.content"] = content
        found[f"retrieval.documents.{position}.document.score"] = score
    if span.kind != "llm" or dialect != "genai":
        found |= {name: value for name, value in (("input.value", span.input), ("output.value", span.output)) if value}
    return found


def _of_call(span: Span) -> dict[str, str | int | float]:
    named: dict[str, str | int | float] = {"gen_ai.response.id": span.response_id} if span.response_id else {}
    return named | {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": span.provider,
        "gen_ai.provider.name": span.provider,
        "gen_ai.request.model": span.model,
        "gen_ai.response.model": span.model,
        "gen_ai.request.temperature": span.temperature,
        "gen_ai.usage.input_tokens": span.input_tokens,
        "gen_ai.usage.output_tokens": span.output_tokens,
        "app.prompt_version": span.prompt_version,
        "llm.model_name": span.model,
        "llm.provider": span.provider,
        "llm.token_count.prompt": span.input_tokens,
        "llm.token_count.completion": span.output_tokens,
        "llm.token_count.total": span.input_tokens + span.output_tokens,
    }


def _messages(role: str, text: str, **more: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}], **more}])


def encode(spans: Iterable[tuple[Trace, Span]], dialect: Dialect = "genai") -> bytes:
    """One request that exports `spans`."""
    request = ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    of_resource.resource.attributes.extend(_pair(*one) for one in _RESOURCE.items())
    of_scope = of_resource.scope_spans.add()
    of_scope.scope.name = "benchmark"
    of_scope.spans.extend(_protobuf(trace, span, dialect) for trace, span in spans)
    return request.SerializeToString()


def _protobuf(trace: Trace, span: Span, dialect: Dialect) -> ProtobufSpan:
    root = trace.spans[-1]
    sent = ProtobufSpan(
        trace_id=trace.trace_id, span_id=span.span_id, parent_span_id=b"" if span is root else root.span_id,
        name=span.name, start_time_unix_nano=span.start, end_time_unix_nano=span.end,
        kind=ProtobufSpan.SPAN_KIND_CLIENT if span.kind == "llm" else ProtobufSpan.SPAN_KIND_INTERNAL,
        attributes=[_pair(name, value) for name, value in attributes(trace, span, dialect).items()],
        status=Status(code=Status.STATUS_CODE_ERROR if span.failure else Status.STATUS_CODE_OK, message=span.failure),
    )  # fmt: skip
    if span.failure:
        raised = {"exception.type": span.failure.split(":")[0], "exception.message": span.failure}
        sent.events.add(name="exception", time_unix_nano=span.end, attributes=[_pair(*one) for one in raised.items()])
    return sent


def _pair(name: str, value: str | int | float) -> KeyValue:
    if isinstance(value, str):
        return KeyValue(key=name, value=AnyValue(string_value=value))
    if isinstance(value, int):
        return KeyValue(key=name, value=AnyValue(int_value=value))
    return KeyValue(key=name, value=AnyValue(double_value=value))


def batches(source: Iterable[Trace], size: int | None) -> Iterator[list[tuple[Trace, Span]]]:
    """What goes into one request: `size` spans, traces cut as exporters cut them, or one trace where it is None."""
    waiting: list[tuple[Trace, Span]] = []
    for trace in source:
        waiting += [(trace, span) for span in trace.spans]
        while waiting and (size is None or len(waiting) >= size):
            yield waiting[:size]
            del waiting[:size]
    if waiting:
        yield waiting


def bodies(
    source: Iterable[Trace], size: int | None, *, dialect: Dialect = "genai", zipped: bool
) -> Iterator[tuple[bytes, int]]:
    """Bodies of requests, and the number of spans in each."""
    for batch in batches(source, size):
        body = encode(batch, dialect)
        yield gzip.compress(body, GZIP_LEVEL, mtime=0) if zipped else body, len(batch)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--spans", type=int, default=10_000)
    options.add_argument("--batch", default="trace", help="'trace', or a number of spans")
    options.add_argument("--gzip", action="store_true")
    options.add_argument("--dialect", choices=DIALECTS, default="genai")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--hours", type=float, default=168.0)
    options.add_argument("--out", type=Path, required=True, help="a folder; each body becomes a file")
    chosen = options.parse_args()
    size = None if chosen.batch == "trace" else int(chosen.batch)
    chosen.out.mkdir(parents=True, exist_ok=True)
    source = traces(chosen.spans, chosen.seed, hours=chosen.hours)
    for number, (body, _) in enumerate(bodies(source, size, dialect=chosen.dialect, zipped=chosen.gzip)):
        (chosen.out / f"{number:06d}.{'gz' if chosen.gzip else 'bin'}").write_bytes(body)


if __name__ == "__main__":
    main()
