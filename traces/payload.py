"""The payload as stored: JSON, compressed by zstd at level 1, with a codec number in front of changes to come.

Measured against Postgres' own compression: 844 bytes a row against 1,302, and 10 µs less of the database's time.
"""

import json
import math
import threading
from dataclasses import fields
from operator import attrgetter
from typing import Any

import orjson
import zstandard

from traces.payload_dictionary import DICTIONARY
from traces.records import Json, Payload

ZSTD_JSON = 1  # zstd of JSON
ZSTD_JSON_DICTIONARY = 2  # the same with our dictionary; what is written now
_LEVEL = 1
_dictionary = zstandard.ZstdCompressionDict(DICTIONARY, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
_dictionary.precompute_compress(level=_LEVEL)
_FIELDS = tuple(field.name for field in fields(Payload))
_values_of = attrgetter(*_FIELDS)
# They may not be shared by threads; making one costs more than compressing a span.
_local = threading.local()


def encode(payload: Payload) -> bytes:
    """The JSON of what was sent, without the fields that were not; UTF-8, not compressed.

    Keys are sorted, so that equal payloads have equal bytes.
    """
    sent = {name: value for name, value in zip(_FIELDS, _values_of(payload), strict=True) if value is not None}
    if not payload.attributes:  # elsewhere 0, false and {} are what was sent
        del sent["attributes"]
    if not payload.dropped_attributes:
        del sent["dropped_attributes"]
    try:
        return orjson.dumps(sent, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # integers past 64 bits, lone surrogates: orjson refuses both
        return json.dumps(_sayable(sent), sort_keys=True, ensure_ascii=False).encode()


def canonical(value: Any) -> bytes:
    """The JSON of a value that a payload or a column holds: the same for what was sent and for what is read back."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # as in `encode`; bytes and Decimal too
        return json.dumps(_sayable(value), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _sayable(value: Json) -> Json:
    """`value` with what no JSON text can say replaced: lone surrogates by U+FFFD, NaN and infinities by their names."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_sayable(str(key)): _sayable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_sayable(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, bool | int | float) or value is None else str(value)


def decode(body: bytes) -> Payload:
    """The payload that `encode` made these bytes of."""
    return Payload(**loads(body))


def loads(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`."""
    try:
        sent: dict[str, Any] = orjson.loads(body)
    except orjson.JSONDecodeError:
        sent = json.loads(body)
    return sent


def compress(body: bytes) -> bytes:
    """`body` as the column holds it, in the codec ZSTD_JSON_DICTIONARY."""
    compressor: zstandard.ZstdCompressor | None = getattr(_local, "compressor", None)
    if compressor is None:
        compressor = zstandard.ZstdCompressor(level=_LEVEL, dict_data=_dictionary, write_dict_id=False)
        _local.compressor = compressor
    return compressor.compress(body)


def decompress(codec: int, column: bytes | memoryview) -> bytes:
    """What was compressed. Raises ValueError for a codec of a newer llmobs."""
    if codec == ZSTD_JSON_DICTIONARY:
        decompressor: zstandard.ZstdDecompressor | None = getattr(_local, "decompressor", None)
        if decompressor is None:
            decompressor = zstandard.ZstdDecompressor(dict_data=_dictionary)
            _local.decompressor = decompressor
        return decompressor.decompress(column)
    if codec == ZSTD_JSON:
        return zstandard.ZstdDecompressor().decompress(bytes(column))
    raise ValueError(f"Payload codec {codec} is unknown to this version of llmobs; update it.")
