import gzip
import tracemalloc
import zlib

import pytest
import zstandard

from traces.errors import TooLarge, Unreadable, UnsupportedType
from traces.wire.inflate import inflate

TEXT = b"what the model said " * 1_000


def raw_deflate(data):
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(data) + squeeze.flush()


def streamed_zstd(data):
    """As LangSmith's client writes it: nothing says how much will come out."""
    squeeze = zstandard.ZstdCompressor().compressobj()
    return squeeze.compress(data) + squeeze.flush()


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (TEXT, None),
        (TEXT, "identity"),
        (gzip.compress(TEXT), "gzip"),
        (gzip.compress(TEXT), " GZIP "),
        (gzip.compress(TEXT[:500]) + gzip.compress(TEXT[500:]), "gzip"),
        (gzip.compress(TEXT) + bytes(100), "gzip"),
        (zlib.compress(TEXT), "deflate"),
        (raw_deflate(TEXT), "deflate"),
        (zstandard.compress(TEXT), "zstd"),
        (streamed_zstd(TEXT[:500]) + streamed_zstd(TEXT[500:]), "ZSTD"),
    ],
)
def test_every_encoding_gives_the_same_bytes(body, encoding):
    assert inflate(body, encoding, 1_000_000) == TEXT


def test_incompressible_data_larger_than_a_window_comes_through():
    noise = b"".join(zlib.crc32(bytes([n % 256, n // 256])).to_bytes(4, "big") for n in range(60_000))
    assert inflate(gzip.compress(noise), "gzip", 1_000_000) == noise


@pytest.mark.parametrize(
    "body",
    [b"", b"not gzip", gzip.compress(TEXT)[:-9], gzip.compress(TEXT) + b"tail"],
    ids=["empty", "not gzip", "cut short", "with a tail"],
)
def test_a_broken_gzip_body_is_unreadable(body):
    with pytest.raises(Unreadable):
        inflate(body, "gzip", 1_000_000)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not zstd",
        streamed_zstd(TEXT)[:-4],
        zstandard.compress(TEXT) + b"tail",
        zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=26)).compress(
            bytes(100_000_000)
        ),
    ],
    ids=["empty", "not zstd", "cut short", "with a tail", "of a window of 64 MiB"],
)
def test_a_broken_zstd_body_is_unreadable(body):
    with pytest.raises(Unreadable):
        inflate(body, "zstd", 1_000_000_000)


def test_noise_comes_through_zstd():
    noise = b"".join(zlib.crc32(bytes([n % 256, n // 256])).to_bytes(4, "big") for n in range(60_000))
    assert inflate(streamed_zstd(noise), "zstd", 1_000_000) == noise


def test_something_after_the_end_of_deflate_is_unreadable():
    with pytest.raises(Unreadable):
        inflate(zlib.compress(TEXT) + b"tail", "deflate", 1_000_000)


@pytest.mark.parametrize(
    ("encoding", "squeeze"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", streamed_zstd)]
)
def test_a_bomb_is_stopped_while_it_inflates(encoding, squeeze):
    bomb = squeeze(bytes(50_000_000))
    with pytest.raises(TooLarge, match="over 1,000,000 bytes uncompressed"):
        inflate(bomb, encoding, 1_000_000)


@pytest.mark.parametrize(("encoding", "squeeze"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_many_members_may_not_pass_the_limit_together(encoding, squeeze):
    with pytest.raises(TooLarge):
        inflate(squeeze(TEXT) * 60, encoding, 1_000_000)


def test_a_bomb_of_zstd_takes_little_memory_before_it_is_stopped():
    bomb = streamed_zstd(bytes(2_000_000_000))
    tracemalloc.start()
    with pytest.raises(TooLarge):
        inflate(bomb, "zstd", 1_000_000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 40_000_000


def test_the_limit_holds_for_plain_bodies_and_includes_itself():
    assert inflate(b"12345", None, 5) == b"12345"
    assert inflate(gzip.compress(b"12345"), "gzip", 5) == b"12345"
    with pytest.raises(TooLarge):
        inflate(b"123456", None, 5)


def test_another_encoding_is_refused_with_the_ones_that_are_taken():
    with pytest.raises(UnsupportedType, match=r"Content-Encoding is br; send gzip, deflate, zstd or none\."):
        inflate(TEXT, "br", 1_000_000)


def test_a_bit_that_was_turned_on_the_way_is_noticed_or_changes_nothing():
    body = gzip.compress(TEXT[:400] + bytes(range(256)))
    for place in range(len(body)):
        for bit in range(8):
            turned = bytearray(body)
            turned[place] ^= 1 << bit
            try:
                assert inflate(bytes(turned), "gzip", 1_000_000) == TEXT[:400] + bytes(range(256))
            except Unreadable:
                continue
