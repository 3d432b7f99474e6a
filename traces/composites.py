"""Rows as one Postgres array of a composite type, in binary form, for statements that take many columns.

Postgres keeps a table in memory for each array that a statement unnests, and puts each row together from all of them.
With sixty columns that was a fifth of the work of taking spans in, and half of it for a trace of five; an array of
rows is read into rows at once.

An element is the number of its fields, then the type, the length and the bytes of each (record_recv in
src/backend/utils/adt/rowtypes.c); the array around them is that of `arrays.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from struct import Struct
from typing import Any
from weakref import WeakKeyDictionary

import psycopg

from traces import arrays

_COUNT = Struct(">i")
_TYPE = Struct(">I")


@dataclass(frozen=True, slots=True)
class Shape:
    """A composite type of the database: its name, and the names and types of its fields, in order.

    A numeric field is text in the type, which the statement casts. A type that is in use never changes: a worker of an
    older version still sends what it knew. Other fields are another type, beside it.
    """

    name: str
    fields: Mapping[str, str]

    def rows(self, connection: "psycopg.Connection[Any]", columns: Mapping[str, Sequence[Any]]) -> arrays.Rows:
        """The values of `columns`, one sequence for each field and all of one length, as rows; None is NULL.

        Asks the connection for the type's number, once. Raises as `arrays.array` does.
        """
        count = len(next(iter(columns.values())))
        parts: list[bytes | list[bytes]] = [_COUNT.pack(len(self.fields))]
        seen: dict[tuple[str, int], list[bytes]] = {}  # the same sequence may be two columns
        for name, kind in self.fields.items():
            values = columns[name]
            part = seen.get((kind, id(values))) or _fields(kind, values)
            if isinstance(part, list):
                seen[kind, id(values)] = part
                parts.append(part)
            elif isinstance(parts[-1], bytes):  # what all rows have side by side, most often nothing, is one text
                parts[-1] += part
            else:
                parts.append(part)
        lines = zip(*(repeat(part, count) if isinstance(part, bytes) else part for part in parts), strict=True)
        return arrays.of_rows(_number(connection, self.name), [b"".join(line) for line in lines])


def _fields(kind: str, values: Sequence[Any]) -> bytes | list[bytes]:
    """Each value with its type and length; where all are NULL, what each row has."""
    if kind == "numeric":
        kind, values = "text", [None if value is None else str(value) for value in values]
    element, written = arrays.element(kind)
    head = _TYPE.pack(element)
    null = head + arrays.NULL
    if values.count(None) == len(values):
        return null
    if kind in arrays.REPEATED:
        known = {value: null if value is None else head + written(value) for value in {*values}}
        return [known[value] for value in values]
    if kind == "bytea" and len(lengths := {len(value) for value in values if value is not None}) == 1:  # ids
        head += _COUNT.pack(lengths.pop())
        return [null if value is None else head + value for value in values]
    return [null if value is None else head + written(value) for value in values]


def _number(connection: "psycopg.Connection[Any]", name: str) -> int:
    """The type's number in pg_type, which differs from database to database."""
    known = _numbers.setdefault(connection, {})
    if name not in known:
        ((known[name],),) = connection.execute("SELECT %s::regtype::oid", [name]).fetchall()
    return known[name]


_numbers: "WeakKeyDictionary[psycopg.Connection[Any], dict[str, int]]" = WeakKeyDictionary()
