"""Tokens and costs as Langfuse's SDKs say them, old and new, to its `usageDetails` and `costDetails`. Pure."""

from typing import Final

from traces.conventions.values import dollars
from traces.records import Json

_TOKENS: Final = "TOKENS"
# https://api.reference.langfuse.com (IngestionUsage): Langfuse's own names, and OpenAI's.
_OLD_TOKENS: Final = {
    "input": "input", "output": "output", "total": "total",
    "promptTokens": "input", "completionTokens": "output", "totalTokens": "total",
}  # fmt: skip
_OLD_COSTS: Final = {"inputCost": "input", "outputCost": "output", "totalCost": "total"}


def usage_and_costs(said: dict[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    """Tokens by Langfuse's or OpenAI's names, and costs in US dollars, "total" among them; each empty if not said."""
    old = said.get("usage")
    old = old if isinstance(old, dict) else {}
    used = _object(said.get("usageDetails"))
    if not used:
        used = _of_tokens(old) if old.get("unit") in (None, _TOKENS) else _of_another_unit(old)
    costs = _object(said.get("costDetails"))
    if not costs:
        costs = {new: old[name] for name, new in _OLD_COSTS.items() if old.get(name) is not None}
    return used, _with_total(costs)


def _of_tokens(old: dict[str, Json]) -> dict[str, Json]:
    said = {name: one for name, one in old.items() if one is not None and name not in ("unit", *_OLD_COSTS)}
    return {_OLD_TOKENS.get(name, name): one for name, one in said.items()}


def _of_another_unit(old: dict[str, Json]) -> dict[str, Json]:
    """Characters, seconds, images: no tokens, and kept under names that are not theirs."""
    unit = str(old["unit"]).lower()
    return {f"{unit}.{name}": old[name] for name in _OLD_TOKENS if old.get(name) is not None}


def _object(value: Json) -> dict[str, Json]:
    return {name: one for name, one in value.items() if one is not None} if isinstance(value, dict) else {}


def _with_total(costs: dict[str, Json]) -> dict[str, Json]:
    """The costs, the sum of them as "total" where none was said; empty where a part of the sum is no amount."""
    if not costs or "total" in costs:
        return costs if dollars(costs.get("total", 0)) is not None else {}
    parts = [dollars(one) for one in costs.values()]
    known = [part for part in parts if part is not None]
    return {**costs, "total": float(sum(known))} if len(known) == len(parts) else {}
