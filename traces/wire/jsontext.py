"""JSON as senders really write it: with NaN, lone surrogates, integers of any size, and nested to any depth.

orjson reads what is correct and refuses the rest; only the rest pays for the standard library's parser and a clean-up.
What comes out can always be written again: by orjson, as UTF-8, within its depth of 254.
"""

import json
import math
from typing import Final

import orjson

from traces.errors import Unreadable
from traces.records import Json

MAX_DEPTH: Final = 150  # levels of objects and lists in a body
# And in a string attribute, which may lie inside a body's deepest level: with a few levels of the record that is
# stored both fit in the 254 that orjson writes.
MAX_EMBEDDED_DEPTH: Final = 60
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1  # the integers that orjson writes


class TooDeep(Unreadable):
    """Nested deeper than is taken."""


def loads(text: bytes | str, depth: int = MAX_DEPTH) -> Json:
    """The value that `text` spells. Raises Unreadable, with where and why, or TooDeep, which is one.

    NaN and infinities become the strings "NaN", "Infinity" and "-Infinity" (as protobuf's JSON has them), integers
    that no 64 bits hold their digits, lone surrogates U+FFFD.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if "depth" in str(error) or "ecursion" in str(error):
            raise _too_deep(depth) from error
        return _lenient(text, depth)
    if _brackets(text) > depth and deeper_than(value, depth):
        raise _too_deep(depth)
    return value


def embedded(text: str) -> Json:
    """The object or list that a string attribute spells in JSON, else None: then the string is all there is."""
    head = text[:1]
    if head not in ("[", "{") and text.lstrip()[:1] not in ("[", "{"):
        return None
    try:
        return loads(text, MAX_EMBEDDED_DEPTH)
    except Unreadable:
        return None


def finite(number: float) -> float | str:
    """A float, or the word for it where JSON has none."""
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def deeper_than(value: Json, levels: int) -> bool:
    """Whether lists and objects are nested more than `levels` deep."""
    layer = [value]
    for _ in range(levels):
        layer = [child for container in layer for child in _children(container)]
        if not layer:
            return False
    return any(isinstance(item, (dict, list)) for item in layer)


def _children(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, (dict, list))]
    if isinstance(value, list):
        return [child for child in value if isinstance(child, (dict, list))]
    return []


def _brackets(text: bytes | str) -> int:
    """An upper bound of the depth, far cheaper than the depth."""
    if isinstance(text, bytes):
        return text.count(b"[") + text.count(b"{")
    return text.count("[") + text.count("{")


def _too_deep(depth: int) -> TooDeep:
    return TooDeep(f"The JSON is nested more than {depth} levels deep.")


def _lenient(text: bytes | str, depth: int) -> Json:
    try:
        decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        value = json.loads(decoded.lstrip("\ufeff"), parse_int=_integer)
        if deeper_than(value, depth):
            raise _too_deep(depth)
        return _clean(value)
    except RecursionError as error:
        raise _too_deep(depth) from error
    except ValueError as error:
        raise Unreadable(f"The JSON cannot be read: {error}.") from error


def _integer(digits: str) -> int | str:
    """Python refuses to read more than 4,300 digits; a number that long is kept as what was written."""
    if len(digits) > 20:
        return digits
    number = int(digits)
    return number if _SMALLEST <= number <= _LARGEST else digits


def _clean(value: Json) -> Json:
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, float):
        return finite(value)
    if isinstance(value, dict):
        return {whole_text(key): _clean(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_clean(child) for child in value]
    return value


def whole_text(text: str) -> str:
    """`text` without lone surrogates: two halves that belong together are joined, the others become U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
