"""What Opik's integrations leave in metadata: the settings of the request, beside what the application put there."""

from typing import Final

from traces.records import Json, RawSpan

# Of requests to models, as the integrations of Opik's SDK name them.
_NAMES: Final = (
    {"temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "max_output_tokens", "stop", "seed", "n"}
    | {"stop_sequences", "presence_penalty", "frequency_penalty", "response_format", "reasoning_effort", "reasoning"}
    | {"stream", "stream_options", "tools", "tool_choice", "parallel_tool_calls", "logprobs", "top_logprobs"}
    | {"logit_bias", "modalities", "dimensions", "encoding_format", "service_tier", "verbosity"}
)
_KINDS: Final = {"llm": "llm", "tool": "tool", "guardrail": "guardrail", "general": "chain"}
_SETTINGS: Final = {name: f"metadata.{name}" for name in sorted(_NAMES)}
_OF_CALLS: Final = {"metadata.user": "opik.user", "metadata.id": "opik.response_id"}


def settle_call(raw: RawSpan) -> None:
    """Take apart what an integration recorded of a call to a model, and let it be one from its start on.

    Opik says "general" of a call that still runs, and "llm" once it is complete.
    """
    attributes = raw.attributes
    settings = _settings(raw)
    if settings:
        attributes["opik.settings"] = settings
    kind = _KINDS.get(str(attributes.get("opik.type")))
    if kind is None:
        return
    del attributes["opik.type"]
    calls = attributes.get("opik.model") or settings.get("model")
    raw.fields["kind"] = "llm" if calls and kind == "chain" else kind
    if kind == "tool" and raw.name:
        raw.fields["tool_name"] = raw.name


def _settings(raw: RawSpan) -> dict[str, Json]:
    """What an integration's metadata says of the request, taken out of it.

    It names the model that was asked until the answer names another.
    """
    attributes = raw.attributes
    if not isinstance(attributes.get("metadata.created_from"), str):
        return {}
    settings = {name: attributes.pop(place) for name, place in _SETTINGS.items() if place in attributes}
    if raw.end_ns is None or raw.status == "error":
        settings["model"] = attributes.pop("metadata.model", None)
    elif attributes.get("metadata.model") == attributes.get("opik.model"):
        attributes.pop("metadata.model", None)
    for place, name in _OF_CALLS.items():
        if place in attributes:
            attributes[name] = attributes.pop(place)
    return settings
