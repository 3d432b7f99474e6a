"""Attributes of OTLP in protobuf: their names, and their values as plain Python.

Those of spans are taken as bytes, since more than half of them are repeated by other spans of the request, and making
protobuf's objects of one takes longer than all else that is done with it.
https://opentelemetry.io/docs/specs/otlp/#binary-protobuf-encoding, https://protobuf.dev/programming-guides/encoding/
"""

from base64 import b64encode
from collections.abc import Iterable
from sys import intern
from typing import Final

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from traces.records import Json
from traces.wire.jsontext import finite

Known = dict[bytes, tuple[str, Json]]  # attributes of one request by their bytes
_LONG: Final = 130  # bytes; longer ones hardly ever come twice
# What stands between a name and a text of one byte or more, by the bytes that it takes together with the text.
_BEFORE_TEXT: Final = (*[None] * 5, *[bytes((0x12, rest - 2, 0x0A, rest - 4)) for rest in range(5, _LONG)])
_NAME: Final = 0x0A
_NUMBER: Final = bytes.fromhex("12 03 18")  # before a number of two bytes


def unread_attributes(message: DescriptorProto) -> None:
    """Let spans have the bytes of their attributes."""
    for field in message.field:
        if message.name == "Span" and field.name == "attributes":
            field.type = FieldDescriptorProto.TYPE_BYTES
            field.ClearField("type_name")


def read_once(unread: Iterable[bytes], known: Known) -> dict[str, Json]:
    """Attributes by their names; the last of a repeated name wins. Raises DecodeError.

    What is read is added to `known`, but for lists and objects, which may be changed later.
    """
    found: dict[str, Json] = {}
    for sent in unread:
        if len(sent) >= _LONG:
            name, value = _any(sent)
        elif sent in known:
            name, value = known[sent]
        else:
            name, value = pair = _read(sent)
            if not isinstance(value, (list, dict)):
                known[sent] = pair
        found[name] = value
    return found


def _read(sent: bytes) -> tuple[str, Json]:
    """The name and the value in a KeyValue of less than 130 bytes, whose lengths are a byte each.

    Texts and numbers of two bytes are read by hand where all libraries put them: a byte, the name's length, the name.
    """
    length = len(sent)
    at = sent[1] + 2 if length > 1 and sent[0] == _NAME else length
    if at + 5 > length:
        return _any(sent)
    head = sent[at : at + 4]
    try:
        if head == _BEFORE_TEXT[length - at]:
            return intern(sent[2:at].decode()), sent[at + 4 :].decode()
        if head[:3] == _NUMBER and length == at + 5 and sent[-2] >= 128 > sent[-1]:  # seven bits, then the rest
            return intern(sent[2:at].decode()), sent[-2] - 128 + sent[-1] * 128
    except UnicodeDecodeError:
        pass  # `_any` says so
    return _any(sent)


def _any(sent: bytes) -> tuple[str, Json]:
    pair = KeyValue.FromString(sent)
    value = pair.value
    return intern(pair.key), value.string_value or value.int_value or any_value(value)


def attributes(pairs: Iterable[KeyValue]) -> dict[str, Json]:
    """Key-value pairs as a dict; the last of a repeated key wins."""
    # Most values are strings that are not empty, or numbers that are not 0: asking for them first saves a WhichOneof.
    return {pair.key: (value := pair.value).string_value or value.int_value or any_value(value) for pair in pairs}


def any_value(value: AnyValue) -> Json:
    """An AnyValue as plain Python: bytes as base64 text, NaN and infinities as their names."""
    which = value.WhichOneof("value")
    if which == "int_value":
        return value.int_value
    if which == "double_value":
        return finite(value.double_value)
    if which == "bool_value":
        return value.bool_value
    if which == "string_value":
        return value.string_value
    if which == "array_value":
        return [any_value(item) for item in value.array_value.values]
    if which == "kvlist_value":
        return attributes(value.kvlist_value.values)
    if which == "bytes_value":
        return b64encode(value.bytes_value).decode()
    return None
