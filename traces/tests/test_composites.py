"""Postgres reads rows of ours as the values that they were made of, in types of its own making."""

import struct
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from django.db import connection
from hypothesis import example, given, settings
from hypothesis import strategies as st

from traces import upsert
from traces.arrays import Statement
from traces.composites import Shape
from traces.tests.test_arrays import ELEMENTS

pytestmark = pytest.mark.django_db

# Two of a kind beside each other, so that no field can stand in another's place unseen.
FIELDS = {f"{kind.replace(' ', '_')}_{number}": kind for kind in ELEMENTS for number in (1, 2)}
SHAPE = Shape("sent_by_a_test", FIELDS)


@pytest.fixture
def postgres() -> Iterator["psycopg.Connection[Any]"]:
    """A connection to a database that has SHAPE's type."""
    fields = ", ".join(f"{name} {'text' if kind == 'numeric' else kind}" for name, kind in FIELDS.items())
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TYPE {SHAPE.name} AS ({fields})")
        yield cursor.connection


def answered(to: "psycopg.Connection[Any]", columns: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The rows that Postgres was sent, as it says them back."""
    said = ", ".join(f"{name}::{kind}" for name, kind in FIELDS.items())
    statement = Statement.of(f"SELECT {said} FROM unnest(%(rows)s::{SHAPE.name}[])")
    return statement.execute(to, {"rows": SHAPE.rows(to, columns)})


def test_rows_of_every_type_come_back_as_they_were_sent(postgres):
    row = st.tuples(*(st.none() | ELEMENTS[kind].filter(lambda value: value == value) for kind in FIELDS.values()))
    nothing = (None,) * len(FIELDS)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(row, max_size=6))
    @example([])
    @example([nothing, nothing])
    def check(rows: list[tuple[Any, ...]]) -> None:
        columns = dict(zip(FIELDS, zip(*rows, strict=True) if rows else [()] * len(FIELDS), strict=True))
        assert answered(postgres, columns) == rows

    check()


def test_ids_of_one_length_and_of_several_keep_their_bytes(postgres):
    columns: dict[str, Any] = {name: [None] * 3 for name in FIELDS}
    columns["bytea_1"], columns["bytea_2"] = [b"\x00" * 16, None, b"\xff" * 16], [b"", b"12345678", b"1"]
    assert [line[:2] for line in answered(postgres, columns)] == [
        *zip(columns["bytea_1"], columns["bytea_2"], strict=True)
    ]


def test_one_sequence_may_be_two_columns(postgres):
    moments = [datetime(2026, 2, 3, 12, tzinfo=UTC), None]
    columns: dict[str, Any] = {name: [None] * 2 for name in FIELDS}
    columns["timestamptz_1"] = columns["timestamptz_2"] = moments
    at = list(FIELDS).index("timestamptz_1")
    assert [line[at : at + 2] for line in answered(postgres, columns)] == [(moment, moment) for moment in moments]


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("integer_1", 2**31, struct.error),
        ("bigint_2", -(2**63) - 1, struct.error),
        ("text_1", "\ud800", UnicodeEncodeError),
        ("text_2", "a\0b", psycopg.errors.CharacterNotInRepertoire),
    ],
)
def test_what_a_field_cannot_hold_is_an_error_of_its_own(postgres, field, value, error):
    with pytest.raises(error):
        answered(postgres, {**{name: [None] for name in FIELDS}, field: [value]})


def test_a_type_that_is_not_there_is_named(postgres):
    with pytest.raises(psycopg.errors.UndefinedObject, match="no_such_type"):
        Shape("no_such_type", {"day": "date"}).rows(postgres, {"day": [date(2026, 2, 3)]})


@pytest.mark.parametrize("shape", [upsert.SENT, upsert.summaries.SENT], ids=lambda shape: shape.name)
def test_what_spans_and_summaries_travel_in_has_the_fields_that_are_sent(shape):
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
            WHERE attrelid = (SELECT typrelid FROM pg_type WHERE oid = %s::regtype) ORDER BY attnum
            """,
            [shape.name],
        )
        had = {name: kind.replace("timestamp with time zone", "timestamptz") for name, kind in cursor}
    sent = {name: "text" if kind == "numeric" else kind for name, kind in shape.fields.items()}
    assert list(had.items()) == list(sent.items())
