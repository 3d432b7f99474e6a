"""Who can send traces here, and the lines that each needs: what the page of an empty project and docs/clients/ show."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

ADDRESS: Final = "{url}"  # of this server, without a slash at its end
KEY: Final = "{key}"  # with the scope ingest
NO_KEY: Final = "YOUR_KEY"  # what stands in its place until there is one


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines to paste, and where they belong."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Sender:
    """A client; `slug` is also the name of its page in docs/clients/. `remark`: what else there is to know."""

    slug: str
    name: str
    lines: tuple[Lines, ...]
    remark: str = ""


def senders(url: str, key: str = NO_KEY) -> Iterator[Sender]:
    """All of them, with this server's address and a key filled in."""
    for sender in SENDERS:
        yield replace(sender, lines=tuple(Lines(one.place, filled(one.text, url, key)) for one in sender.lines))


def filled(text: str, url: str, key: str) -> str:
    """The lines with an address and a key. Braces of other languages stay."""
    return text.replace(ADDRESS, url).replace(KEY, key)


_ENVIRONMENT: Final = "In the environment of the service"
_OTEL: Final = Lines(
    _ENVIRONMENT,
    """\
OTEL_EXPORTER_OTLP_ENDPOINT={url}
OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
OTEL_EXPORTER_OTLP_HEADERS=x-api-key={key}""",
)
_NODE: Final = """\
import { NodeSDK } from "@opentelemetry/sdk-node";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";

new NodeSDK({
  traceExporter: new OTLPTraceExporter({
    url: "{url}/v1/traces",
    headers: { "x-api-key": "{key}" },
  }),
}).start();"""
_PROVIDER: Final = """\
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

exporter = OTLPSpanExporter("{url}/v1/traces", headers={"x-api-key": "{key}"})
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(exporter))"""

_LITELLM: Final = """\
litellm_settings:
  callbacks: ["llmobs"]
callback_settings:
  llmobs:
    callback_type: generic_api
    endpoint: {url}/api/litellm
    headers:
      x-api-key: {key}
    max_retries: 5
    retry_delay: 2"""
_KONG: Final = """\
plugins:
  - name: opentelemetry
    config:
      traces_endpoint: {url}/v1/traces
      headers:
        x-api-key: {key}"""
_CURL: Final = """\
curl {url}/api/v1/traces \\
  -H 'Authorization: Bearer {key}' \\
  -d '{
  "request_id": "hello-1", "feature": "try-it", "model": "gpt-4o-mini",
  "input": "What is a trace?", "output": "What one request did, step by step.",
  "input_tokens": 12, "output_tokens": 9, "duration_ms": 640
}'"""
_PYTHON: Final = """\
import json
from urllib.request import Request, urlopen

call = {
    "request_id": "hello-2", "feature": "try-it", "model": "gpt-4o-mini",
    "input": "What is a trace?", "output": "What one request did, step by step.",
    "input_tokens": 12, "output_tokens": 9, "duration_ms": 640,
}
headers = {"Authorization": "Bearer {key}", "Content-Type": "application/json"}
print(urlopen(Request("{url}/api/v1/traces", json.dumps(call).encode(), headers)).read().decode())"""

SENDERS: Final = (
    Sender(
        "curl",
        "curl",
        (Lines("In a terminal", _CURL),),
        "One call as JSON. Every field is optional; a trace of several steps is a record with spans.",
    ),
    Sender("python", "Plain Python", (Lines("Without any package", _PYTHON),)),
    Sender(
        "opentelemetry",
        "OpenTelemetry",
        (_OTEL,),
        "The same three lines for every language; for gRPC the port is 4317 and the protocol grpc. Contents of messages"
        " come when the instrumentation is told to capture them: OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
        "=SPAN_ONLY, or =true for older ones.",
    ),
    Sender(
        "opentelemetry-python",
        "OpenTelemetry, Python",
        (
            Lines(
                "Once, when the service starts",
                f"from opentelemetry import trace\n{_PROVIDER}\ntrace.set_tracer_provider(provider)",
            ),
        ),
    ),
    Sender("opentelemetry-js", "OpenTelemetry, JavaScript", (Lines("Once, before everything else", _NODE),)),
    Sender(
        "langfuse",
        "Langfuse",
        (
            Lines(
                _ENVIRONMENT,
                """\
LANGFUSE_BASE_URL={url}
LANGFUSE_HOST={url}
LANGFUSE_PUBLIC_KEY=llmobs
LANGFUSE_SECRET_KEY={key}""",
            ),
        ),
        "Newer SDKs read LANGFUSE_BASE_URL, older ones LANGFUSE_HOST, JavaScript 3 LANGFUSE_BASEURL."
        " The public key may be anything.",
    ),
    Sender(
        "langsmith",
        "LangSmith",
        (Lines(_ENVIRONMENT, "LANGSMITH_TRACING=true\nLANGSMITH_ENDPOINT={url}\nLANGSMITH_API_KEY={key}"),),
    ),
    Sender(
        "opik",
        "Opik",
        (Lines(_ENVIRONMENT, "OPIK_URL_OVERRIDE={url}/opik\nOPIK_API_KEY={key}\nOPIK_WORKSPACE=default"),),
    ),
    Sender(
        "traceloop",
        "Traceloop",
        (Lines(_ENVIRONMENT, "TRACELOOP_BASE_URL={url}\nTRACELOOP_API_KEY={key}"),),
        "OpenLLMetry’s own name; Traceloop.init() reads both.",
    ),
    Sender(
        "openinference",
        "OpenInference",
        (
            Lines(
                "Once, when the service starts",
                "from openinference.instrumentation.openai import OpenAIInstrumentor\n"
                f"{_PROVIDER}\nOpenAIInstrumentor().instrument(tracer_provider=provider)",
            ),
        ),
        "The instrumentors for LangChain, LlamaIndex and the others are used in the same way.",
    ),
    Sender(
        "vercel-ai",
        "Vercel AI SDK",
        (
            Lines("In instrumentation.ts", _NODE),
            Lines("AI SDK 5 and 6, in each call", 'experimental_telemetry: { isEnabled: true, functionId: "answer" }'),
            Lines(
                "AI SDK 7, once",
                'import { registerTelemetry } from "ai";\nimport { OpenTelemetry } from "@ai-sdk/otel";\n\n'
                "registerTelemetry(new OpenTelemetry());",
            ),
        ),
    ),
    Sender(
        "pydantic-ai",
        "pydantic-ai, Logfire",
        (
            _OTEL,
            Lines(
                "Once, when the service starts",
                "import logfire\n\nlogfire.configure(send_to_logfire=False)\nlogfire.instrument_pydantic_ai()",
            ),
        ),
    ),
    Sender("openlit", "OpenLIT", (_OTEL, Lines("Once, when the service starts", "import openlit\n\nopenlit.init()"))),
    Sender(
        "langwatch",
        "LangWatch",
        (Lines(_ENVIRONMENT, "LANGWATCH_ENDPOINT={url}\nLANGWATCH_API_KEY={key}"),),
    ),
    Sender(
        "promptlayer",
        "PromptLayer",
        (Lines(_ENVIRONMENT, "PROMPTLAYER_OTLP_TRACES_ENDPOINT={url}/v1/traces\nPROMPTLAYER_API_KEY={key}"),),
        "Tracing has to be on: PromptLayer(enable_tracing=True). The SDK has one key for all, so prompts can then not"
        " be fetched from PromptLayer; to have both, set OpenTelemetry up yourself and keep PromptLayer’s variables.",
    ),
    Sender(
        "litellm",
        "LiteLLM",
        (
            Lines("In the proxy’s config.yaml", _LITELLM),
            Lines("Or over OpenTelemetry: in config.yaml", 'litellm_settings:\n  callbacks: ["otel"]'),
            Lines("and in the proxy’s environment", _OTEL.text),
        ),
        "The first way sends more: tags, the caller’s metadata, the user, the time to the first token.",
    ),
    Sender(
        "portkey",
        "Portkey",
        (
            Lines(
                "In the environment of the gateway",
                "EXPERIMENTAL_GEN_AI_OTEL_TRACES_ENABLED=true\n"
                "EXPERIMENTAL_GEN_AI_OTEL_EXPORTER_OTLP_ENDPOINT={url}\n"
                "EXPERIMENTAL_GEN_AI_OTEL_EXPORTER_OTLP_HEADERS=x-api-key={key}",
            ),
        ),
        "Portkey has this in its enterprise and self-hosted gateways only.",
    ),
    Sender(
        "kong",
        "Kong",
        (
            Lines("In kong.yaml, beside the plugin ai-proxy", _KONG),
            Lines("In the environment of Kong", "KONG_TRACING_INSTRUMENTATIONS=all\nKONG_TRACING_SAMPLING_RATE=1.0"),
        ),
        "From Kong 3.13 on. Messages come when ai-proxy’s logging.log_payloads is true.",
    ),
    Sender(
        "helicone",
        "Helicone",
        (Lines("As the destination of a webhook, with Include Data", "{url}/api/helicone?key={key}"),),
        "Helicone’s servers send it, so they must reach this address.",
    ),
)
