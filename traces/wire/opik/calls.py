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
_SETTINGS: Final = {name: f"metadata.{name}" for name in sorted(_NAMES)}
_OF_CALLS: Final = {"metadata.user": "opik.user", "metadata.id": "opik.response_id"}


def settle_call(raw: RawSpan) -> None:
    """Take apart what an integration recorded of a call to a model, and let it be one from its start on.

    Opik says "general" of a call that still runs, and "llm" once it is complete. Its metadata names the model that was
    asked until the answer names another.
    """
    attributes = raw.attributes
    settings: dict[str, Json] = {}
    if isinstance(attributes.get("metadata.created_from"), str):
        settings = {name: attributes.pop(place) for name, place in _SETTINGS.items() if place in attributes}
        if raw.end_ns is None or raw.status == "error":
            settings["model"] = attributes.pop("metadata.model", None)
        elif attributes.get("metadata.model") == attributes.get("opik.model"):
            attributes.pop("metadata.model", None)
        for place, name in _OF_CALLS.items():
            if place in attributes:
                attributes[name] = attributes.pop(place)
        attributes["opik.settings"] = settings
    if attributes.get("opik.type") == "general" and (attributes.get("opik.model") or settings.get("model")):
        del attributes["opik.type"]
    if attributes.get("opik.type") == "tool" and raw.name:
        raw.fields["tool_name"] = raw.name
