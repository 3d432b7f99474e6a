import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traces.errors import TooLarge, Unreadable
from traces.wire import multipart
from traces.wire.multipart import Part

TYPE = "multipart/form-data; boundary=b8ab6148"


def part(name, data=b"{}", *more):
    head = [f'Content-Disposition: form-data; name="{name}"', "Content-Type: application/json", *more]
    return b"--b8ab6148\r\n" + "\r\n".join(head).encode() + b"\r\n\r\n" + data + b"\r\n"


def body(*some):
    return b"".join(some) + b"--b8ab6148--\r\n"


def read(whole, content_type=TYPE):
    return list(multipart.parts(whole, content_type))


def test_parts_come_in_their_order_with_name_type_and_bytes():
    whole = body(part("post.1", b'{"id": 1}'), part("attachment.1.a", bytes(range(256))))
    assert read(whole) == [
        Part("post.1", "application/json", b'{"id": 1}'),
        Part("attachment.1.a", "application/json", bytes(range(256))),
    ]


@pytest.mark.parametrize(
    "content_type",
    [
        'multipart/form-data; boundary="b8ab6148"',
        "multipart/form-data;charset=utf-8;Boundary=b8ab6148; x=y",
    ],
)
def test_the_boundary_is_found_however_it_is_written(content_type):
    assert [one.name for one in read(body(part("a")), content_type)] == ["a"]


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('form-data; name="a b"', "a b"),
        ("form-data; name=plain", "plain"),
        ('form-data; filename="x.png"; name="a"', "a"),
        ('form-data; name="say \\"hi\\""', 'say "hi"'),
        ('form-data; name="say %22hi%22"', 'say "hi"'),
        ('form-data; name="müller"', "müller"),
        ("form-data", ""),
    ],
)
def test_the_name_is_the_one_that_was_meant(disposition, name):
    head = f"--b8ab6148\r\nContent-Disposition: {disposition}\r\n\r\n".encode()
    assert [one.name for one in read(body(head + b"x\r\n"))] == [name]


def test_a_type_loses_its_parameters():
    whole = body(b"--b8ab6148\r\nContent-Type: Image/PNG; length=6\r\n\r\nx\r\n")
    assert read(whole) == [Part("", "image/png", b"x")]


def test_what_stands_before_the_first_boundary_and_after_the_last_is_no_part():
    assert [one.data for one in read(b"preamble\r\n" + body(part("a")) + b"epilogue")] == [b"{}"]
    assert read(body()) == []


def test_a_part_that_tells_its_length_may_hold_the_boundary():
    data = b"x\r\n--b8ab6148\r\ny"
    assert [one.data for one in read(body(part("a", data, f"Content-Length: {len(data)}"), part("b")))] == [data, b"{}"]


@pytest.mark.parametrize("length", ["0", "1", "999", "99999999999999999999", "-1", "x", "²"])
def test_a_length_that_is_wrong_is_not_believed(length):
    assert [one.data for one in read(body(part("a", b"data", f"Content-Length: {length}")))] == [b"data"]


@pytest.mark.parametrize(
    ("whole", "content_type", "why"),
    [
        (body(part("a")), None, "names no boundary"),
        (body(part("a")), "multipart/form-data", "names no boundary"),
        (body(part("a")), "multipart/form-data; boundary=" + "b" * 300, "names no boundary"),
        (b"", TYPE, "does not hold the boundary"),
        (b"something else", TYPE, "does not hold the boundary"),
        (part("a")[:-4], TYPE, "ends within a part"),
        (part("a"), TYPE, "ends within a part"),
        (part("a") + b"--b8ab6148\r\nContent-Dis", TYPE, "within the headers"),
        (part("a", b"", "X: " + "x" * 20_000), TYPE, "within the headers"),
    ],
)
def test_what_is_no_multipart_or_ends_too_early_is_unreadable(whole, content_type, why):
    with pytest.raises(Unreadable, match=re.escape(why)):
        read(whole, content_type)


def test_too_many_parts_are_too_large():
    with pytest.raises(TooLarge, match="over 20,000 parts"):
        read(body(*[part("a", b"")] * 20_001))


@given(st.lists(st.tuples(st.text("abc.-", max_size=5), st.binary(max_size=40)), max_size=8))
def test_any_bytes_come_back(some):
    whole = body(*[part(name, data, f"Content-Length: {len(data)}") for name, data in some])
    assert [(one.name, one.data) for one in read(whole)] == some


@given(st.binary(max_size=200))
def test_any_body_is_read_or_unreadable(tail):
    try:
        read(part("a") + b"--b8ab6148" + tail)
    except Unreadable:
        pass
