"""Tokens and cost of an observation that Langfuse exported, as its SDKs send them."""

from typing import Final

from traces.records import Json
from traces.wire.jsontext import embedded

_LARGEST: Final = 1e15
_OLDER: Final = (
    ("input", ("input_usage", "prompt_tokens"), ("input", "promptTokens")),
    ("output", ("output_usage", "completion_tokens"), ("output", "completionTokens")),
    ("total", ("total_usage", "total_tokens"), ("total", "totalTokens")),
)
_CACHED: Final = ("cache_read_input_tokens", "cache_creation_input_tokens")


def counted(row: dict[str, Json]) -> dict[str, Json]:
    """The attributes for usage and cost. Langfuse takes cached and other special tokens out of `input` and `output`,
    and keeps them beside it (`input_cached_tokens`); with us they are part of it.
    """
    found: dict[str, Json] = {}
    if usage := _numbers(row.get("usage_details")) or _older(row):
        found["langfuse.observation.usage_details"] = _with_parts(usage)
    costs = _numbers(row.get("cost_details"))
    if not costs and (total := number(row.get("total_cost"))):
        costs = {"total": total}
    if any(costs.values()):  # all zero is what is said where no price is known
        found["langfuse.observation.cost_details"] = costs
    return found


def _with_parts(usage: dict[str, float]) -> dict[str, float]:
    parts = dict(usage)
    for side in ("input", "output"):
        if side in usage:
            parts[side] = sum(count for name, count in usage.items() if name.split("_")[0] == side)
    beside = sum(usage.get(name, 0) for name in _CACHED)
    if beside and parts.get("total") == parts.get("input", 0) + parts.get("output", 0) + beside:
        parts["input"] = parts.get("input", 0) + beside
    return parts


def _older(row: dict[str, Json]) -> dict[str, float]:
    """Where usage is not a table but columns, or `usage` with the names of before."""
    usage = row.get("usage")
    held = embedded(usage) if isinstance(usage, str) else usage
    held = held if isinstance(held, dict) else {}
    found: dict[str, float] = {}
    for name, columns, members in _OLDER:
        said = [row.get(column) for column in columns] + [held.get(member) for member in members]
        counts = [count for one in said if (count := number(one)) is not None]
        if counts:
            found[name] = counts[0]
    return found if any(found.values()) else {}


def _numbers(value: Json) -> dict[str, float]:
    held = embedded(value) if isinstance(value, str) else value
    if not isinstance(held, dict):
        return {}
    return {name: count for name, one in held.items() if (count := number(one)) is not None}


def number(value: Json) -> float | None:
    """A number of 0 or more, also where a cell spells it; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    if not 0 <= found <= _LARGEST:
        return None
    return int(found) if found.is_integer() else found
