"""The parts that every OTLP/JSON body is made of, read leniently: what is not what it should be is passed over.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from collections.abc import Callable
from typing import Final

from traces.records import Json
from traces.wire.jsontext import finite


def attributes(pairs: Json) -> dict[str, Json]:
    """Key-value pairs as a dict; the last of a repeated key wins, and what is no pair is passed over."""
    found: dict[str, Json] = {}
    for pair in pairs if isinstance(pairs, list) else ():
        if isinstance(pair, dict) and isinstance(key := pair.get("key"), str):
            found[key] = any_value(pair.get("value"))
    return found


def any_value(value: Json) -> Json:
    """An AnyValue as plain Python. Bytes stay the base64 text that they are in JSON; what no kind names is None."""
    if isinstance(value, dict):
        for kind, said in value.items():
            if kind in _KINDS:
                return _KINDS[kind](said)
    return None


def _string(said: Json) -> str | None:
    return said if isinstance(said, str) else None


def _boolean(said: Json) -> bool | None:
    return said if isinstance(said, bool) else None


def _values(said: Json) -> list[Json]:
    return items(said, "values") if isinstance(said, dict) else []


def _array(said: Json) -> list[Json]:
    return [any_value(item) for item in _values(said)]


def _object_of(said: Json) -> dict[str, Json]:
    return attributes(_values(said))


def integer(said: Json) -> Json:
    """A 64-bit integer, which is a string or a number; what is none stays as it is."""
    if isinstance(said, str):
        try:
            number = int(said)
        except ValueError:
            return said
        return number if -(2**63) <= number < 2**63 else said
    return said if isinstance(said, (int, float)) else None


def _double(said: Json) -> Json:
    """Null is what JavaScript writes for NaN; the strings "NaN" and "Infinity" are what protobuf writes."""
    if isinstance(said, str):
        try:
            return finite(float(said))
        except ValueError:
            return said
    return said if isinstance(said, (int, float)) else None


_KINDS: Final[dict[str, Callable[[Json], Json]]] = {
    "stringValue": _string,
    "intValue": integer,
    "doubleValue": _double,
    "boolValue": _boolean,
    "arrayValue": _array,
    "kvlistValue": _object_of,
    "bytesValue": _string,
}


def items(holder: dict[str, Json], name: str) -> list[Json]:
    """A member that is a list."""
    found = holder.get(name)
    return found if isinstance(found, list) else []


def objects(holder: dict[str, Json], name: str) -> list[dict[str, Json]]:
    """The objects in a member that is a list."""
    return [item for item in items(holder, name) if isinstance(item, dict)]


def member(holder: dict[str, Json], name: str) -> dict[str, Json]:
    """A member that is an object."""
    found = holder.get(name)
    return found if isinstance(found, dict) else {}


def text(holder: dict[str, Json], name: str) -> str:
    """A member that is a string."""
    found = holder.get(name)
    return found if isinstance(found, str) else ""


def bad_id(what: str, spelled: Json, length: int) -> str | None:
    """What is wrong with an id that must be `length` hexadecimal digits; None when nothing is."""
    if not isinstance(spelled, str) or not spelled:
        return f"the {what} id is missing; OTLP ids are {length} hexadecimal digits."
    if len(spelled) != length:
        return f"the {what} id is {len(spelled)} characters long; OTLP ids are {length} hexadecimal digits."
    if not _is_hex(spelled):
        return f"the {what} id is not hexadecimal; OTLP ids are {length} hexadecimal digits."
    if not spelled.strip("0"):
        return f"the {what} id is all zeros."
    return None


def _is_hex(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) * 2 == len(text)  # fromhex passes over blanks
    except ValueError:
        return False


def nanoseconds(said: Json) -> int | None:
    """A moment; None for 0, which is how protobuf says "not sent", and for what is no number."""
    number = integer(said)
    return int(number) or None if isinstance(number, (int, float)) and 0 < number < 2**64 else None
