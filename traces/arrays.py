"""Columns of values as Postgres arrays in binary form, for statements that take a batch as one array per column.

psycopg writes arrays as text, value by value and with a regular expression: a third of the ingest's time. This is
the form that the server keeps them in: a header, then each element's length and bytes.
https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-FORMAT-CODES, src/backend/utils/adt/arrayfuncs.c
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from struct import Struct
from typing import Any
from weakref import WeakSet

import psycopg
from psycopg import adapt, pq

_INT2 = Struct(">ih")
_INT4 = Struct(">ii")
_INT8 = Struct(">iq")
_FLOAT8 = Struct(">id")
_LENGTH = Struct(">i")
# Dimensions, whether there are nulls, the element's type, the length, the first index.
_HEADER = Struct(">iiIii")
NULL = b"\xff\xff\xff\xff"
_TRUE, _FALSE = b"\x00\x00\x00\x01\x01", b"\x00\x00\x00\x01\x00"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(2000, 1, 1).toordinal()
_PARAMETER = re.compile(r"%\((\w+)\)s")
_NUMBER = re.compile(r"\$(\d+)")
_MICROSECOND = timedelta(microseconds=1)


def _bytes(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _LENGTH.pack(len(encoded)) + encoded


def _moment(value: datetime) -> bytes:
    since = value - _EPOCH
    return _INT8.pack(8, (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


# The element's type by its name in SQL: its number in pg_type, that of its array, and how a value is written.
_TYPES: dict[str, tuple[int, int, Callable[[Any], bytes]]] = {
    "bytea": (17, 1001, _bytes),
    "text": (25, 1009, _text),
    "boolean": (16, 1000, lambda value: _TRUE if value else _FALSE),
    "integer": (23, 1007, partial(_INT4.pack, 4)),
    "bigint": (20, 1016, partial(_INT8.pack, 8)),
    "double precision": (701, 1022, partial(_FLOAT8.pack, 8)),
    "timestamptz": (1184, 1185, _moment),
    "date": (1082, 1182, lambda value: _INT4.pack(4, value.toordinal() - _FIRST_DAY)),
}
# The same again and again: names, models, the ids of one trace.
REPEATED = frozenset({"text", "boolean", "date"})


class Array(bytes):
    """An array ready to be sent; each type has a class of its own, by which psycopg knows what to call it."""


class Rows(Array):
    """An array of a composite type (`composites.py`). Which one that is, the statement says."""


class _ArrayDumper(adapt.Dumper):
    format = pq.Format.BINARY

    def dump(self, obj: Array) -> bytes:
        return obj


_CLASSES: dict[str, type[Array]] = {kind: type(f"{kind} array", (Array,), {}) for kind in _TYPES}
_DUMPERS = {_CLASSES[kind]: type(f"{kind} dumper", (_ArrayDumper,), {"oid": of[1]}) for kind, of in _TYPES.items()}
_DUMPERS[Rows] = type("rows dumper", (_ArrayDumper,), {})


def array(kind: str, values: Sequence[Any]) -> Array:
    """`values` as an array of the type `kind`; None is NULL. At most one dimension.

    `numeric` is sent as text, which the statement casts. Raises struct.error for a number that the type cannot hold,
    and UnicodeEncodeError for a text that is not one.
    """
    if kind == "numeric":
        kind, values = "text", [None if value is None else str(value) for value in values]
    nulls = values.count(None)
    if nulls == len(values):  # most columns of most batches
        return _nulls(kind, len(values))
    element, _, written = _TYPES[kind]
    if kind in REPEATED:
        known = {value: NULL if value is None else written(value) for value in {*values}}
        items = b"".join([known[value] for value in values])
    elif kind == "bytea" and not nulls and len({*map(len, values)}) == 1:  # ids and digests
        length = _LENGTH.pack(len(values[0]))
        items = length + length.join(values)
    elif nulls:
        items = b"".join([NULL if value is None else written(value) for value in values])
    else:
        items = b"".join([written(value) for value in values])
    return _CLASSES[kind](_HEADER.pack(1, 1, element, len(values), 1) + items)


def element(kind: str) -> tuple[int, Callable[[Any], bytes]]:
    """The number of the type `kind` in pg_type, and what writes a value's length and bytes."""
    return _TYPES[kind][0], _TYPES[kind][2]


def of_rows(number: int, lines: Sequence[bytes]) -> Rows:
    """An array of the composite type with this number in pg_type, whose elements have these bytes."""
    return Rows(
        _HEADER.pack(1, 0, number, len(lines), 1) + b"".join([_LENGTH.pack(len(line)) + line for line in lines])
    )


@lru_cache(maxsize=4096)
def _nulls(kind: str, length: int) -> Array:
    return _CLASSES[kind](_HEADER.pack(1, 1, _TYPES[kind][0], length, 1) + NULL * length)


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with numbered parameters, and their names in that order.

    psycopg reads the names in a statement anew at each call when there are over fifty of them: 0.2 ms a request.
    """

    sql: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, sql: str) -> "Statement":
        """From SQL with %(name)s for its parameters."""
        names = tuple(dict.fromkeys(_PARAMETER.findall(sql)))
        return cls(_PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", sql), names)

    def written_out(self, **values: date) -> "Statement":
        """The same, with these of its values in its SQL, where the planner sees them."""
        named = _NUMBER.sub(lambda found: _named(self.names[int(found[1]) - 1], values), self.sql)
        return Statement.of(named)

    def send(self, connection: "psycopg.Connection[Any]", values: Mapping[str, Any]) -> "psycopg.RawCursor[Any]":
        """Run it; its rows, if it has any, are read from what comes back. In a pipeline that waits for the answer."""
        teach(connection)
        return psycopg.RawCursor(connection).execute(self.sql, [values[name] for name in self.names])

    def execute(self, connection: "psycopg.Connection[Any]", values: Mapping[str, Any]) -> list[Any]:
        """Run it, and give back its rows if it has any."""
        with self.send(connection, values) as cursor:
            return cursor.fetchall() if cursor.description else []

    def planned_once(self, connection: "psycopg.Connection[Any]", values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it, and give back its rows. Planned at its first use on a connection, and then for any values.

        For what is asked now and then over many days: planning 300 partitions takes longer than asking them. For values
        of few days a plan of its own looks cheaper to Postgres, but making it is what costs.
        """
        with self.send_planned(connection, values) as cursor:
            return cursor.fetchall()

    def send_planned(
        self, connection: "psycopg.Connection[Any]", values: Mapping[str, Any], *, at_once: bool = True
    ) -> "psycopg.RawCursor[tuple[Any, ...]]":
        """The same; its rows are read from what comes back. In a pipeline that waits for the answer.

        Without `at_once` its plan is kept only from its fifth use on, as psycopg does by itself.
        """
        teach(connection)
        if connection not in _planning_once:
            connection.execute("SET plan_cache_mode = force_generic_plan")
            _planning_once.add(connection)
        prepare = True if at_once else None
        return psycopg.RawCursor(connection).execute(self.sql, [values[name] for name in self.names], prepare=prepare)


def _named(name: str, values: Mapping[str, date]) -> str:
    return f"DATE '{values[name].isoformat()}'" if name in values else f"%({name})s"


_planning_once: "WeakSet[psycopg.Connection[Any]]" = WeakSet()
_taught: "WeakSet[psycopg.Connection[Any]]" = WeakSet()


def teach(connection: "psycopg.Connection[Any]") -> None:
    """Let all cursors that this connection makes from now on take these arrays."""
    if connection not in _taught:
        for kind, dumper in _DUMPERS.items():
            connection.adapters.register_dumper(kind, dumper)
        _taught.add(connection)
