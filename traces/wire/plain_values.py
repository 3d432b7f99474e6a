"""How single values of a plain record are read. Each reader gets the field's name, for its sentence, and the value."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import orjson

from traces.records import Json

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST: Final = 2**63 - 1
_LARGEST_MONEY: Final = Decimal(10) ** 12
# A number is a moment in the first unit whose year 5138 is past it: 1e11 seconds, milliseconds, microseconds.
_UNITS_NS: Final = ((1e11, 1_000_000_000), (1e14, 1_000_000), (1e17, 1_000))


class Refused(ValueError):
    """One record cannot be taken; says what is wrong with it and what to write."""


def refused(name: str, value: Json, cure: str) -> Refused:
    """The sentence for a field whose value cannot be taken."""
    try:
        shown = orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        shown = str(value)
    if len(shown) > 80:
        shown = shown[:77] + "…"
    return Refused(f'"{name}" is {shown}; write {cure}.')


def text(name: str, value: Json) -> str:
    """A string; numbers are taken as what they spell, because versions and ids are often numbers."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise refused(name, value, "a string")


def texts(name: str, value: Json) -> list[str]:
    """A list of strings, or one string."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise refused(name, value, "a list of strings")
    return [text(name, item) for item in value]


def count(name: str, value: Json) -> int:
    """A whole number of 0 or more that fits in 64 bits."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        raise refused(name, value, "a whole number of 0 or more")
    return value


def whole_us(name: str, value: Json) -> int:
    """A duration in microseconds."""
    return _duration(name, value, 1, "microseconds")


def milliseconds(name: str, value: Json) -> int:
    """A duration in milliseconds, as microseconds."""
    return _duration(name, value, 1000, "milliseconds")


def _duration(name: str, value: Json, factor: int, unit: str) -> int:
    found = _number(value)
    if found is None or not 0 <= found * factor <= _LARGEST:
        raise refused(name, value, f"a number of {unit}, 0 or more")
    return round(found * factor)


def number(name: str, value: Json) -> float:
    """Any finite number."""
    found = _number(value)
    if found is None:
        raise refused(name, value, "a number")
    return float(found)


def money(name: str, value: Json) -> Decimal:
    """US dollars; a string keeps all of its digits."""
    try:
        amount = Decimal(value if isinstance(value, str) else repr(_number(value)))
    except ArithmeticError:
        raise refused(name, value, "an amount of US dollars, 0 or more") from None
    if not amount.is_finite() or not 0 <= amount < _LARGEST_MONEY:
        raise refused(name, value, "an amount of US dollars, 0 or more")
    return amount


def flag(name: str, value: Json) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise refused(name, value, "true or false")
    return value


def record(name: str, value: Json) -> dict[str, Json]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise refused(name, value, "a JSON object")
    return value


def items(name: str, value: Json) -> list[Json]:
    """A list of anything."""
    if not isinstance(value, list):
        raise refused(name, value, "a list")
    return value


def word(said: str) -> str:
    """A word of a closed list, however it is spelled."""
    return said.strip().lower().replace("-", "_").replace(" ", "_")


def choice(words: Mapping[str, str], otherwise: str | None) -> Callable[[str, Json], Json]:
    """A reader of one of some words; a word that is not among them is `otherwise`."""

    def read(name: str, value: Json) -> str | None:
        if not isinstance(value, str):
            raise refused(name, value, f"one of {', '.join(sorted(set(words.values())))}")
        return words.get(word(value), otherwise)

    return read


def moment_ns(name: str, value: Json) -> int:
    """Nanoseconds since 1970 of an RFC 3339 time, or of a number of seconds, ms, µs or ns since then, told by its size.

    A time without an offset is UTC.
    """
    since_1970 = _number(value)
    if since_1970 is not None:
        return _epoch_ns(name, since_1970)
    try:
        at = datetime.fromisoformat(value.strip() if isinstance(value, str) else "")
        return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1) * 1000
    except (ValueError, OverflowError):
        raise refused(name, value, "an RFC 3339 time such as 2026-01-31T12:00:00Z, or a number since 1970") from None


def _epoch_ns(name: str, since_1970: float) -> int:
    for limit, factor in _UNITS_NS:
        if abs(since_1970) < limit:
            return since_1970 * factor if isinstance(since_1970, int) else round(since_1970 * factor)
    if abs(since_1970) > _LARGEST:
        raise refused(name, since_1970, "a number of seconds, ms, µs or ns since 1970")
    return round(since_1970)


def _number(value: Json) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return value
