"""The payload's codecs: what was written by an older llmobs is read for ever."""

import pytest
import zstandard

from traces import payload
from traces.records import Payload

FULL = Payload(
    input=[{"role": "user", "content": "hi"}], output="yes", attributes={"a": [1, None]}, dropped_attributes=2
)


def test_a_payload_comes_back_as_it_was():
    stored = payload.compress(payload.encode(FULL))
    assert payload.decode(payload.decompress(payload.ZSTD_JSON_DICTIONARY, stored)) == FULL


def test_what_was_written_without_the_dictionary_is_still_read():
    stored = zstandard.ZstdCompressor().compress(payload.encode(FULL))
    assert payload.decode(payload.decompress(payload.ZSTD_JSON, stored)) == FULL


def test_what_was_written_with_the_dictionary_stays_readable():
    # Written once and kept here: a changed dictionary would make every stored payload unreadable.
    stored = bytes.fromhex(
        "28b52ffd206c9d010004022261223a5b312c6e756c6c5d7d2c2264726f707065645f32686922796573227d05006c9b006461fc5d0a7b14271176d90a"
    )
    assert payload.decode(payload.decompress(2, stored)) == FULL


def test_a_codec_of_the_future_is_named():
    with pytest.raises(ValueError, match="codec 9"):
        payload.decompress(9, b"")


@pytest.mark.parametrize("value", [0, False, "", {}, []])
def test_an_input_that_is_nothing_is_not_the_same_as_none(value):
    assert payload.decode(payload.encode(Payload(input=value))).input == value


def test_what_no_json_can_say_is_said_otherwise():
    body = payload.encode(Payload(input={"big": 2**70, "half": "a\ud800b", "nan": [float("inf")]}))
    assert payload.loads(body)["input"] == {"big": 2**70, "half": "a?b", "nan": ["inf"]}
