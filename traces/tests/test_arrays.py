"""Postgres takes an array of ours for the one that psycopg makes of the same list."""

import struct
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import example, given, settings
from hypothesis import strategies as st
from psycopg import errors

from traces.arrays import Statement, array

DAY = date(2026, 2, 3)
NOON = datetime(2026, 2, 3, 12, 30, 5, 999_999, tzinfo=UTC)


def integers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "bytea": st.binary(max_size=3) | st.binary(min_size=300, max_size=300),
    "text": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    "boolean": st.booleans(),
    "integer": integers(32),
    "bigint": integers(64),
    "double precision": st.floats(),
    "timestamptz": st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30))])),
    "date": st.dates(),
    "numeric": st.decimals(allow_nan=False, allow_infinity=False) | st.decimals(places=12, min_value=0, max_value=10),
}


def answered(kind: str, values: Any) -> list[Any]:
    """The list that Postgres was sent, as it says it back."""
    with connection.cursor() as cursor:
        sent = {"values": array(kind, values)}
        return Statement.of(f"SELECT %(values)s::{kind}[]").execute(cursor.connection, sent)[0][0]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bytea", []),
        ("bytea", [None, None]),
        ("bytea", [b"\x00" * 16, b"\xff" * 16]),
        ("bytea", [b"12345678", None, b"87654321"]),
        ("bytea", [b"", b"one", b"three"]),
        ("bytea", [b"", b""]),
        ("text", ["", "NULL", None, '{"a", \\}', "é漢🙂", "NULL"]),
        ("text", ["same"] * 1_000),
        ("boolean", [True, None, False]),
        ("integer", [-(2**31), None, 2**31 - 1]),
        ("bigint", [-(2**63), 0, 2**63 - 1]),
        ("double precision", [0.1, None, float("inf"), 5e-324]),
        ("timestamptz", [NOON, None, datetime(1, 1, 1, tzinfo=UTC), datetime(1999, 12, 31, 23, 59, tzinfo=UTC)]),
        ("date", [DAY, None, date.min, date.max]),
        ("numeric", [Decimal("0.000000000001"), None, Decimal("1e20")]),
        ("numeric", [None]),
    ],
)
def test_postgres_says_back_what_it_was_sent(kind: str, values: list[Any]) -> None:
    assert answered(kind, values) == answered(kind, tuple(values)) == values


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ELEMENTS)
def test_an_array_equals_what_psycopg_sends(kind: str) -> None:
    same = Statement.of(f"SELECT %(ours)s::{kind}[] = %(theirs)s::{kind}[]")

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.none() | ELEMENTS[kind], max_size=8) | st.lists(ELEMENTS[kind], max_size=8))
    @example([])
    @example([None])
    def check(values: list[Any]) -> None:
        with connection.cursor() as cursor:
            sent = {"ours": array(kind, values), "theirs": values}
            assert same.execute(cursor.connection, sent) == [(True,)]

    check()


@pytest.mark.parametrize(
    ("kind", "values", "error"),
    [
        ("integer", [2**31], struct.error),
        ("bigint", [0, None, -(2**63) - 1], struct.error),
        ("bigint", ["7"], struct.error),
        ("text", ["\ud800"], UnicodeEncodeError),
    ],
)
def test_what_the_type_cannot_hold_is_not_sent(kind: str, values: list[Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        array(kind, values)


@pytest.mark.django_db
def test_a_text_with_nul_is_refused_by_postgres() -> None:
    with pytest.raises(errors.CharacterNotInRepertoire):
        answered("text", ["a\0b"])
