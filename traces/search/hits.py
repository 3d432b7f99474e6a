"""One stretch of days of a search: what the index finds there, and what of it fulfils what the index cannot answer."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import psycopg
from django.db import connection, transaction
from psycopg import errors

from traces import partitions
from traces.search import facts, match
from traces.search.entries import pages_of, text_of
from traces.search.match import Holding, Plan, Text

SORTS: Final = {"time": "happened_at", "latency": "duration_us", "cost": "cost_usd", "tokens": "tokens"}
MOST_READ: Final = 1_000  # entries at a time, where each is compared with its text

# The index of words and nothing else: without it every entry's words would be unpacked, of which the planner does not
# know what it costs. So each day's partition is named, and nothing asked of it that another index could answer.
# Of the transaction; a statement, as only single ones can be sent together with another.
SETTINGS: Final = "SELECT set_config('jit', 'off', true), set_config('enable_seqscan', 'off', true)"

_COLUMNS: Final = "e.trace_id, e.happened_at, e.duration_us, e.cost_usd, e.tokens, e.text_cut"
INDEXED: Final = """
    WITH e AS MATERIALIZED ({of_days})
    SELECT {columns} FROM e
    WHERE e.project_id = %(project)s AND e.happened_at >= %(start)s AND e.happened_at < %(end)s {conditions}
    ORDER BY {order} LIMIT %(limit)s
"""
OF_DAY: Final = "SELECT * FROM {table} WHERE {asked}"
READ: Final = """
    SELECT {columns} FROM traces_entry e
    WHERE e.project_id = %(project)s AND e.day >= %(first_day)s AND e.day <= %(last_day)s
        AND e.happened_at >= %(start)s AND e.happened_at < %(end)s {conditions}
    ORDER BY {order} LIMIT %(limit)s
"""
# Of what is not sorted by time all must be known to sort it. So it is seen first whether enough of those in front are
# among it, as they are when what is asked is common; what is rare is soon sorted.
PEEK: Final = (
    """
    SELECT {columns} FROM ("""
    + READ.replace("{columns}", "*").replace("%(limit)s", "%(peeked)s")
    + """) e
    WHERE {asked} ORDER BY {order} LIMIT %(limit)s
"""
)
_MOST_PEEKED: Final = 1_000

_LAST_ID: Final = b"\xff" * 17  # longer than any

Line = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class After:
    """Where the next page goes on: behind the trace with this value of what is sorted by (None: unknown) and id."""

    value: datetime | Decimal | int | None
    trace_id: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """A trace that was found. `span_id` is the step that says most of the text that was sought, None without a text.

    `after` is where a page that ends with it goes on. `text_cut`: not all of its text was indexed.
    """

    trace_id: bytes
    happened_at: datetime
    duration_us: int | None
    cost_usd: Decimal | None
    tokens: int | None
    text_cut: bool
    span_id: bytes | None
    after: After


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is read: these days, in the order of `sort`. `known` False: traces whose value of it is not known."""

    days: Sequence[date]
    sort: str
    known: bool = True

    @property
    def by(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def ascending(self) -> bool:
        return self.sort.startswith("-")

    @property
    def column(self) -> str:
        return SORTS[self.by]

    @property
    def passed(self) -> After:
        """Where a page goes on that has all of it."""
        if self.by != "time":
            return After(None, b"" if self.ascending else _LAST_ID)
        last = self.days[-1] + timedelta(days=self.ascending)
        return After(datetime(last.year, last.month, last.day, tzinfo=UTC), b"")

    def after(self, line: Line) -> After:
        """Where a page that ends with this line goes on."""
        return After(line[1 + list(SORTS).index(self.by)], line[0])


class Hits:
    """The traces of a stretch that fulfil a plan, piece by piece: each `more` reads on where the last one ended."""

    def __init__(self, plan: Plan, stretch: Stretch, holding: Holding, after: After | None) -> None:
        self.after = after
        self.ended = not stretch.days
        self.passed = stretch.passed if stretch.days else None
        self._plan = plan
        self._stretch = stretch
        self._asked = plan.ask(holding)
        self._size = 0

    def more(self, limit: int) -> list[Found]:
        """Some more of them, perhaps none, and not more than `limit`; `ended` when there are no others."""
        self._size = min(self._size * 4, MOST_READ) if self._asked.unanswered and self._size else limit
        found: list[Found] = []
        lines = self._lines(self._size)
        for line in lines:
            one = self._found(line)
            found += [one] if one else []
            self.after = self._stretch.after(line)
            if len(found) == limit:
                return found
        self.ended = len(lines) < self._size
        return found

    def _lines(self, limit: int) -> list[Line]:
        """The next entries that the index finds."""
        try:
            return self._read(limit)
        except errors.UndefinedTable:  # the retention has just dropped a day
            there = partitions.existing("traces_entry")
            self._stretch = replace(self._stretch, days=[day for day in self._stretch.days if day in there])
            return self._read(limit) if self._stretch.days else []

    def _read(self, limit: int) -> list[Line]:
        stretch = self._stretch
        queries = {f"query_{number}": self._scoped(query) for number, query in enumerate(self._asked.queries)}
        clauses, place = self._clauses(queries)
        days = {"first_day": min(stretch.days), "last_day": max(stretch.days)}
        sizes = {"limit": limit, "peeked": max(_MOST_PEEKED, limit)}
        values = {**self._plan.values, **queries, **place, **days, **sizes}
        with transaction.atomic():
            if not queries:
                return _rows(READ.format(**clauses), values)
            peeked = _rows(PEEK.format(**clauses), values) if stretch.by != "time" else []
            if len(peeked) == limit:
                return peeked
            return _rows(INDEXED.format(**clauses), values, SETTINGS, keep_plan=len(queries) == 1)

    def _clauses(self, queries: Collection[str]) -> tuple[dict[str, str], dict[str, Any]]:
        """The parts of the statements, and the values of the place that is read on from."""
        stretch, direction = self._stretch, "" if self._stretch.ascending else " DESC"
        behind, place = _behind(stretch, self.after)
        known = f"e.{stretch.column} IS {'NOT ' if stretch.known else ''}NULL"
        asked = " OR ".join(f"words @@ %({name})s::tsquery" for name in queries)
        tables = [partitions.name_of("traces_entry", day) for day in stretch.days]
        return {
            "asked": asked,
            "of_days": " UNION ALL ".join(OF_DAY.format(table=table, asked=asked) for table in tables),
            "columns": _COLUMNS + (", e.codec, e.text" if self._plan.texts else ""),
            "conditions": "".join(f" AND {condition}" for condition in [*self._plan.conditions, known, *behind]),
            "order": (f"e.{stretch.column}{direction}, " if stretch.known else "") + f"e.trace_id{direction}",
        }, place

    def _scoped(self, query: str) -> str:
        """A query within the project, in the index already."""
        return f"{match.quoted(facts.project_fact(self._plan.values['project']))} & {query}"

    def _found(self, line: Line) -> Found | None:
        """The trace of a line; None where its text does not fulfil what the index could not answer."""
        trace_id, happened_at, duration_us, cost_usd, tokens, text_cut, *packed = line
        span_id: bytes | None = None
        if packed:
            fulfils, span_id = read_text(text_of(*packed), self._asked.unanswered, self._plan.texts)
            if not fulfils:
                return None
        after = self._stretch.after(line)
        return Found(trace_id, happened_at, duration_us, cost_usd, tokens, text_cut, span_id, after)


def read_text(text: str, unanswered: Sequence[Text], texts: Sequence[Text]) -> tuple[bool, bytes | None]:
    """Whether the text of an entry fulfils what the index could not answer, and which step says most of `texts`."""
    if not all(_may_fulfil(one, text) for one in unanswered):
        return False, None
    pages = list(pages_of(text))
    if not all(_fulfilled(one, pages) for one in unanswered):
        return False, None
    return True, _telling(pages, [one for one in texts if not one.negated])


def _rows(
    statement: str, values: Mapping[str, Any], settings: str | None = None, *, keep_plan: bool = False
) -> list[Line]:
    """The rows of a statement, in binary form: texts need not be spelled out.

    `keep_plan` where one plan is right for all values: what is asked of the index of words alone.
    """
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        with connection.connection.pipeline() if settings else nullcontext():
            if settings:
                psycopg.Cursor(connection.connection).execute(settings)
            cursor.execute(statement, values, prepare=None if keep_plan else False, binary=True)
        return cursor.fetchall()


def _behind(stretch: Stretch, after: After | None) -> tuple[list[str], dict[str, Any]]:
    """The condition that an entry comes after a place, and its values."""
    sign = ">" if stretch.ascending else "<"
    if after is None or (after.value is None and stretch.known):
        return [], {}
    if stretch.known:
        place = {"after_value": after.value, "after_id": after.trace_id}
        return [f"(e.{stretch.column}, e.trace_id) {sign} (%(after_value)s, %(after_id)s)"], place
    return ([f"e.trace_id {sign} %(after_id)s"], {"after_id": after.trace_id}) if after.value is None else ([], {})


def _may_fulfil(text: Text, whole: str) -> bool:
    """A quick look: what is not in the whole is not in a part of it."""
    return text.negated or text.needle in whole


def _fulfilled(text: Text, pages: Sequence[tuple[bytes, str]]) -> bool:
    return text.negated is not any(text.found_in(page) for _, page in pages)


def _telling(pages: Sequence[tuple[bytes, str]], texts: Sequence[Text]) -> bytes | None:
    """The step that says most of what is sought, of several the first; None where none says any."""
    best, most = None, 0
    for span_id, page in pages if texts else ():
        said = sum(text.found_in(page) for text in texts)
        if said > most:
            best, most = span_id, said
        if most == len(texts):
            break
    return best
