"""Finding traces in the index: the newest first, day by day, until there are enough; a page goes on where one ended.

So a common word costs what the newest day costs, and the hundredth page what the first did.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from llmobs.lib.timerange import TimeRange
from traces import partitions
from traces.rows import day_of
from traces.search import facts, match, vocabulary
from traces.search.entries import pages_of
from traces.search.grammar import Term
from traces.search.match import Holding, Plan, Text

SORTS = {"time": "happened_at", "latency": "duration_us", "cost": "cost_usd", "tokens": "tokens"}
# Parts of words: of more words than these, entries are read one by one instead, of which many have one then.
MOST_WORDS = 4_000
_MOST_READ = 1_000  # entries at a time, where each is compared with its text
_MOST_DAYS = 16  # at a time

# The index of words and nothing else: without it every entry's words would be unpacked, and the planner does not know
# what that costs.
SETTINGS = "SET LOCAL jit = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off"

_COLUMNS = "e.trace_id, e.happened_at, e.duration_us, e.cost_usd, e.tokens, e.text_cut"
INDEXED = """
    WITH e AS MATERIALIZED (
        SELECT * FROM traces_entry WHERE day >= %(first_day)s AND day <= %(last_day)s AND words @@ %(query)s::tsquery
    )
    SELECT {columns} FROM e
    WHERE e.project_id = %(project)s AND e.happened_at >= %(start)s AND e.happened_at < %(end)s {conditions}
    ORDER BY {order} LIMIT %(limit)s
"""
READ = """
    SELECT {columns} FROM traces_entry e
    WHERE e.project_id = %(project)s AND e.day >= %(first_day)s AND e.day <= %(last_day)s
        AND e.happened_at >= %(start)s AND e.happened_at < %(end)s {conditions}
    ORDER BY {order} LIMIT %(limit)s
"""
_EVER = TimeRange(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
OLDEST_MARK = "SELECT min(marked_at) FROM traces_unindexed WHERE project_id = %(project)s"


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


def find(  # noqa: PLR0913
    project_id: int,
    period: TimeRange,
    terms: Sequence[Term],
    *,
    sort: str = "time",
    after: After | None = None,
    limit: int = 50,
) -> list[Found]:
    """The traces that began in `period` and fulfil all `terms`, at most `limit`.

    `sort` is one of SORTS, the greatest first, or with a minus before it the least; what is unknown comes last.
    """
    search = _Search(project_id, period, match.plan_of(terms), sort, after)
    found: list[Found] = []
    for days, known in search.stretches():
        found += search.found_on(days, known, limit - len(found))
        if len(found) == limit:
            break
    return found


def by_facts(
    project_id: int, sought: Sequence[tuple[str, str]], *, prefix: bool = False, limit: int = 100
) -> list[Found]:
    """The newest traces of which one of these facts is known, such as ("metadata.order_id", "77").

    With `prefix` the values may be only the beginnings of those that are known.
    """
    if not sought:
        return []
    if prefix:
        asked = [match.quoted(facts.beginning(name, value)) + ":*" for name, value in sought]
    else:
        asked = [match.quoted(facts.fact(name, value)) for name, value in sought]
    search = _Search(project_id, _EVER, Plan(asked=[f"({' | '.join(asked)})"]), "time", None)
    return search.found_on(search.days(), True, limit)


def indexed_up_to(project_id: int, now: datetime) -> datetime:
    """The moment before which everything that came is in the index: the oldest mark that nobody took, else `now`."""
    with connection.cursor() as cursor:
        cursor.execute(OLDEST_MARK, {"project": project_id})
        (oldest,) = cursor.fetchone()
    return min(oldest or now, now)


class _Search:
    """One search: what is sought, in which order, and from where on."""

    def __init__(self, project_id: int, period: TimeRange, plan: Plan, sort: str, after: After | None) -> None:
        self._plan = plan
        self._by = sort.removeprefix("-")
        self._column = SORTS[self._by]
        self._ascending = sort.startswith("-")
        self._after = after
        self._period = period
        self._values = {"project": project_id, "start": period.start, "end": period.end, **plan.values}

    def stretches(self) -> Iterator[tuple[list[date], bool]]:
        """The days to search one after the other; False: those traces of them whose value is not known."""
        days = self.days()
        if self._by != "time":
            if self._after is None or self._after.value is not None:
                yield days, True
            yield days, False
            return
        size = 1
        while days:
            yield days[:size], True
            days, size = days[size:], min(size * 2, _MOST_DAYS)

    def days(self) -> list[date]:
        """The days that there are entries of, in the order of the search."""
        first, last = day_of(self._period.start), day_of(self._period.end)
        if self._after is not None and isinstance(self._after.value, datetime):
            reached = day_of(self._after.value)
            first, last = (reached, last) if self._ascending else (first, reached)
        days = [day for day in partitions.existing("traces_entry") if first <= day <= last]
        return sorted(days, reverse=not self._ascending)

    def found_on(self, days: list[date], known: bool, limit: int) -> list[Found]:
        """At most `limit` of the traces of these days."""
        if not days:
            return []
        holding = self._holding(days)
        if self._by == "time" and len(days) > 1 and None in holding.values():
            found: list[Found] = []
            for day in days:
                found += self.found_on([day], known, limit - len(found)) if len(found) < limit else []
            return found
        return self._read(days, known, limit, holding)

    def _holding(self, days: list[date]) -> Holding:
        project_id, first, last = self._values["project"], min(days), max(days)
        return {part: vocabulary.holding(project_id, part, first, last, MOST_WORDS) for part in self._plan.parts}

    def _read(self, days: list[date], known: bool, limit: int, holding: Holding) -> list[Found]:
        """What of these days fulfils everything. What the index cannot answer is compared with the text, in pieces."""
        unanswered = self._plan.unanswered(holding)
        query = self._plan.query(holding)
        found: list[Found] = []
        after, size = self._after, limit
        while len(found) < limit:
            lines = self._lines(query, days, known, after, size)
            for line in lines:
                one = self._found(line, unanswered)
                found += [one] if one else []
            if len(lines) < size:
                break
            after, size = self._after_line(lines[-1]), min(size * 4, max(_MOST_READ, limit))
        return found[:limit]

    def _lines(
        self, query: str | None, days: list[date], known: bool, after: After | None, limit: int
    ) -> list[tuple[Any, ...]]:
        sign, direction = (">", "") if self._ascending else ("<", " DESC")
        conditions = [*self._plan.conditions, f"e.{self._column} IS {'NOT ' if known else ''}NULL"]
        values = {**self._values, "first_day": min(days), "last_day": max(days), "limit": limit}
        if after is not None and known:
            conditions.append(f"(e.{self._column}, e.trace_id) {sign} (%(after_value)s, %(after_id)s)")
        elif after is not None and after.value is None:
            conditions.append(f"e.trace_id {sign} %(after_id)s")
        if after is not None:
            values |= {"after_value": after.value, "after_id": after.trace_id}
        if query is not None:
            values["query"] = f"{match.quoted(facts.project_fact(values['project']))} & {query}"
        statement = (READ if query is None else INDEXED).format(
            columns=_COLUMNS + (", e.codec, e.text" if self._plan.texts else ""),
            conditions="".join(f" AND {condition}" for condition in conditions),
            order=(f"e.{self._column}{direction}, " if known else "") + f"e.trace_id{direction}",
        )
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(SETTINGS) if query is not None else None
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def _found(self, line: tuple[Any, ...], unanswered: Sequence[Text]) -> Found | None:
        """The trace of a line; None where its text does not fulfil what the index could not answer."""
        trace_id, happened_at, duration_us, cost_usd, tokens, text_cut, *text = line
        span_id: bytes | None = None
        if self._plan.texts:
            pages = list(pages_of(*text))
            if not all(_fulfilled(one, pages) for one in unanswered):
                return None
            span_id = _telling(pages, [one for one in self._plan.texts if not one.negated])
        after = self._after_line(line)
        return Found(bytes(trace_id), happened_at, duration_us, cost_usd, tokens, text_cut, span_id, after)

    def _after_line(self, line: tuple[Any, ...]) -> After:
        return After(line[1 + tuple(SORTS).index(self._by)], bytes(line[0]))


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
