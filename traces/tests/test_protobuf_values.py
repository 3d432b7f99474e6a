"""Attributes in protobuf are read from their bytes as protobuf itself reads them, however often each is repeated."""

import pytest
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from traces.wire.protobuf_values import attributes, read_once


def sent(name, **value):
    pair = KeyValue(key=name)
    for kind, said in value.items():
        setattr(pair.value, kind, said)
    return pair.SerializeToString()


@pytest.mark.parametrize("length", [0, 1, 2, 100, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 300, 20_000])
@pytest.mark.parametrize("name", ["", "a", "ü" * 3, "n" * 120, "n" * 130])
def test_a_text_of_any_length_is_read_as_protobuf_reads_it(name, length):
    pair = sent(name, string_value="x" * length)
    assert read_once([pair], {}) == attributes([KeyValue.FromString(pair)]) == {name: "x" * length}


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 16_383, 16_384, -1, 2**62])
def test_a_number_is_read_as_protobuf_reads_it(number):
    assert read_once([sent("tokens", int_value=number)], {}) == {"tokens": number}


def test_of_a_repeated_name_the_last_value_counts():
    known = {}
    pairs = [sent("a", string_value="one"), sent("b", bool_value=True), sent("a", string_value="two")]
    assert read_once(pairs, known) == read_once(pairs, known) == {"a": "two", "b": True}


@pytest.mark.parametrize(
    "broken", [b"\x0a", b"\x0a\xff", b"\x0a\x01a\x12\x09", sent("ab", string_value="xy").replace(b"xy", b"x\xff")]
)
def test_what_is_no_attribute_is_said_to_be_none(broken):
    with pytest.raises(DecodeError):
        read_once([broken], {})
