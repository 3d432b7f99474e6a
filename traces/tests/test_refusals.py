"""Reasons without what differs, and bodies made readable."""

import gzip
import zlib

import pytest
import zstandard

from traces.refusals import LONGEST_REASON, alike, readable

ZIPPED = gzip.compress(b'{"a": 1}', mtime=0)  # in names of tests, which must be the same in every process


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("spans[3]: the trace id is 30 characters long.", "spans[12]: the trace id is 9 characters long.", True),
        ('records[0]: "model" is 7; write a string.', 'records[5]: "model" is [1, "; write x"]; write a string.', True),
        ('records[0]: "model" is 7; write a string.', 'records[0]: "name" is 7; write a string.', False),
        ("The body is 21,000,001 bytes.", "The body is 35,000,000 bytes.", True),
        ("No key 3f2a9c8e77aa.", "No key 00112233aabb.", True),
        ("No 01890a5d-ac96-774b-bcce-b302099a8057 here.", "No 11890a5d-ac96-774b-bcce-b302099a8058 here.", True),
        ('"confidence" is -1e-7; write a number.', '"confidence" is "much"; write a number.', True),
        ("Content-Type is text/plain; send JSON.", "Content-Type is image/png; send JSON.", False),
        ("deadbeef is a word too.", "cafebabe is a word too.", False),
    ],
)
def test_refusals_of_one_kind_are_counted_together(one, other, together):
    assert (alike(one) == alike(other)) is together


def test_a_reason_stays_readable_and_short():
    assert alike('spans[3]: "cost_usd" is "cheap"; write a number.') == 'spans[…]: "cost_usd" is …; write a number.'
    assert len(alike("x" * 5_000)) == LONGEST_REASON


RAW = zlib.compressobj(wbits=-15)
BARE = RAW.compress(b'{"a": 1}') + RAW.flush()


@pytest.mark.parametrize(
    ("body", "encoding", "text"),
    [
        (b'{"a": 1}', "", '{"a": 1}'),
        (b'{"a": 1}', "gzip", '{"a": 1}'),
        (ZIPPED, "gzip", '{"a": 1}'),
        (ZIPPED, "", '{"a": 1}'),
        (ZIPPED[:-9], "gzip", '{"a": 1}'),
        (zlib.compress(b'{"a": 1}'), "deflate", '{"a": 1}'),
        (BARE, "deflate", '{"a": 1}'),
        (zstandard.compress(b'{"a": 1}'), "zstd", '{"a": 1}'),
        (zstandard.compress(b"a" * 300_000 + bytes(range(256)) * 900)[:-9], "zstd", "a" * 1_000),
        (b"\x28\xb5\x2f\xfd nothing", "zstd", "(\ufffd/\ufffd nothing"),
        (b"\x0a\x05\x12\x03abc", "", "\n··\u00b7abc"),
        (b"one\ntwo\tthree", "", "one\ntwo\tthree"),
        ("safe\u202egpj.exe\u200b".encode(), "", "safe·gpj.exe·"),
        (b"\xff\xfe", "", "\ufffd\ufffd"),
        (b"", "", ""),
    ],
)
def test_a_body_is_readable(body, encoding, text):
    assert readable(body, encoding, 1_000) == text


@pytest.mark.parametrize(("encoding", "squeeze"), [("deflate", zlib.compress), ("zstd", zstandard.compress)])
def test_a_bomb_is_not_inflated_past_what_is_shown(encoding, squeeze):
    assert readable(squeeze(b"a" * 50_000_000), encoding, 100) == "a" * 100
