"""Content-Encoding: from the bytes on the wire to the bytes that were meant, never more than a limit of them."""

from collections.abc import Iterable, Iterator

import zstandard

# Intel's igzip, with the names of the standard library's zlib: 1.8 µs a span of the benchmark's load instead of 4.1. It
# overlooks flags of a header that mean nothing yet; the data's checksum is checked all the same.
from isal import isal_zlib
from isal.igzip_lib import IsalError

from traces.errors import TooLarge, Unreadable, UnsupportedType

_Broken: type[Exception] = IsalError  # type: ignore[assignment]  # its stubs have an instance
_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's words for what surrounds the deflated data
# Input is fed in windows, because zlib copies what follows the end of a gzip member: with all of a body at once, a
# body of many tiny members would cost the square of its size.
_WINDOW_BYTES = 64 * 1024
_MAX_MEMBERS = 10_000
# Zstandard's library has no limit on what comes out of one call, and 4 bytes may say 128 KiB: so much goes in that at
# most 32 MiB come out. The window is what RFC 8878, 3.1.1.1.2 asks of every decoder; a larger one is memory of ours.
_ZSTD_BYTES = 1024
_ZSTD_WINDOW_BYTES = 8 * 1024 * 1024


def inflate(data: bytes, encoding: str | None, limit: int) -> bytes:
    """`data` without its Content-Encoding: none, identity, gzip, zstd (of several members too), deflate (zlib or raw).

    Raises TooLarge as soon as more than `limit` bytes have come out, UnsupportedType for any other encoding, and
    Unreadable for a stream that is broken or ends too early.
    """
    word = (encoding or "identity").strip().lower()
    if word in ("identity", ""):
        return _within(data, limit)
    if word in ("gzip", "x-gzip"):
        return _inflated(_parts(data, _GZIP, limit), limit)
    if word == "deflate":
        return _inflated(_parts(data, _ZLIB if _has_zlib_header(data) else _RAW, limit), limit)
    if word == "zstd":
        return _inflated(_zstd_parts(data), limit)
    raise UnsupportedType(f"Content-Encoding is {word[:80]}; send gzip, deflate, zstd or none.")


def _within(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise TooLarge(f"The body is over {limit:,} bytes; send smaller batches.")
    return data


def _has_zlib_header(data: bytes) -> bool:
    """Deflate is meant to have zlib's two-byte header, but some clients send it bare. RFC 1950, 2.2."""
    return len(data) >= 2 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0


def _inflated(parts: Iterable[bytes], limit: int) -> bytes:
    taken: list[bytes] = []
    size = 0
    try:
        for part in parts:
            size += len(part)
            if size > limit:
                raise TooLarge(f"The body is over {limit:,} bytes uncompressed; send smaller batches.")
            taken.append(part)
    except (_Broken, zstandard.ZstdError) as error:
        raise Unreadable(f"The compressed body is broken: {error}.") from error
    return taken[0] if len(taken) == 1 else b"".join(taken)


def _parts(data: bytes, wbits: int, limit: int) -> Iterator[bytes]:
    position, members, ended = 0, 0, True
    stream = isal_zlib.decompressobj(wbits)
    while position < len(data):
        if ended:
            if members and not data[position:].strip(b"\0"):
                return  # padding after the last member
            members += 1
            if members > _MAX_MEMBERS or (members > 1 and wbits != _GZIP):
                raise Unreadable("Something follows the end of the compressed body.")
            stream, ended = isal_zlib.decompressobj(wbits), False
        window = data[position : position + _WINDOW_BYTES]
        yield stream.decompress(window, limit + 1)
        if stream.unconsumed_tail:
            raise TooLarge(f"The body is over {limit:,} bytes uncompressed; send smaller batches.")
        ended = stream.eof
        position += len(window) - len(stream.unused_data)
    if not ended or not members:
        raise Unreadable("The compressed body ends too early.")


def _zstd_parts(data: bytes) -> Iterator[bytes]:
    frames = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
    position, members, ended = 0, 0, True
    stream = frames.decompressobj()
    while position < len(data):
        if ended:
            members += 1
            if members > _MAX_MEMBERS:
                raise Unreadable("The compressed body has too many frames.")
            stream = frames.decompressobj()
        window = data[position : position + _ZSTD_BYTES]
        yield stream.decompress(window)
        ended = stream.eof
        position += len(window) - len(stream.unused_data)
    if not ended or not members:
        raise Unreadable("The compressed body ends too early.")
