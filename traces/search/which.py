"""Traces by the facts that they hold, and which of those that were looked for each one holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection

from traces.search import facts
from traces.search.find import by_facts

MOST_OF_A_FACT: Final = 100  # traces
# One value may be that of every trace, and hide the others: those that were met are left out the next time.
_ROUNDS: Final = 4
_READ: Final = 20  # traces at a time, whose words are unpacked

WHICH = """
    SELECT e.trace_id, lexeme
    FROM traces_summary t
    JOIN traces_entry e ON e.project_id = t.project_id AND e.trace_id = t.trace_id
        AND e.day = (t.happened_at AT TIME ZONE 'UTC')::date
    CROSS JOIN LATERAL unnest(tsvector_to_array(e.words)) AS lexeme
    WHERE t.project_id = %(project)s AND t.trace_id = ANY(%(traces)s::bytea[])
        AND EXISTS (SELECT FROM unnest(%(sought)s::text[]) AS one
            WHERE lexeme = one OR (%(prefix)s AND starts_with(lexeme, one)))
"""

Fact = tuple[str, str]  # the name of a field, and a value


@dataclass(frozen=True, slots=True)
class Holder:
    """A trace that holds one of the facts. `value` is as it was looked for, of a beginning as it is indexed."""

    name: str
    value: str
    trace_id: bytes


def holders(project_id: int, sought: Sequence[Fact], *, prefix: bool = False, since: date = date.min) -> list[Holder]:
    """The newest traces since that day which hold one of the facts `sought`, by fact.

    With `prefix` the values are beginnings.
    """
    left = {(facts.beginning if prefix else facts.fact)(*one): one for one in sought}
    if len(left) == 1 and not prefix:
        found = by_facts(project_id, sought, limit=MOST_OF_A_FACT, since=since)
        return [Holder(*sought[0], one.trace_id) for one in found]
    told: list[Holder] = []
    for _ in range(_ROUNDS):
        found = by_facts(project_id, list(left.values()), prefix=prefix, limit=MOST_OF_A_FACT, since=since)
        new = _told(project_id, [one.trace_id for one in found[:_READ]], left, prefix)
        told += new
        met = {facts.fact(one.name, one.value) for one in new}
        left = {lexeme: one for lexeme, one in left.items() if not any(held.startswith(lexeme) for held in met)}
        if len(found) <= _READ or not left:
            break
    return told


def _told(project_id: int, traces: Sequence[bytes], sought: dict[str, Fact], prefix: bool) -> list[Holder]:
    if not traces:
        return []
    values: dict[str, Any] = {"project": project_id, "traces": list(traces), "sought": list(sought), "prefix": prefix}
    with connection.cursor() as cursor:
        cursor.execute(WHICH, values)
        held = [(bytes(trace_id), str(lexeme)) for trace_id, lexeme in cursor.fetchall()]
    newest = {trace_id: place for place, trace_id in enumerate(traces)}
    found = [_holder(trace_id, lexeme, sought) for trace_id, lexeme in held]
    return sorted(found, key=lambda one: newest[one.trace_id])


def _holder(trace_id: bytes, lexeme: str, sought: dict[str, Fact]) -> Holder:
    if lexeme in sought:
        return Holder(*sought[lexeme], trace_id)
    beginning = next(one for one in sought if lexeme.startswith(one))
    name = sought[beginning][0]
    return Holder(name, lexeme.removeprefix(facts.beginning(name, "")), trace_id)
