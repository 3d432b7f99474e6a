"""What an address asks of a list of traces: conditions, order, period and place. The address is the only state."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final
from urllib.parse import parse_qsl, urlencode

from llmobs.lib.forms import PeriodForm
from llmobs.lib.timerange import TimeRange
from traces.search.grammar import QueryError, Term, exactly, line_of, parse

Value = datetime | Decimal | int | None  # of what a list is sorted by; None is unknown
After = tuple[Value, bytes]

TRACE_KEY_BYTES: Final = 16
LARGEST: Final = 2**63 - 1
# What `str` makes of an amount that is stored; Postgres has no place for all that Decimal reads.
_COST: Final = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:E[+-][0-9]{1,2})?")
SORTS: Final = ("time", "latency", "cost", "tokens")
# The filters of older addresses, which go on working: the conditions that they stand for.
_FIELDS_OF_FILTERS: Final = {"feature": "feature", "model": "model", "session_id": "session", "user_id": "user"}
_FAILED: Final = "has:error"
# How the list is shown: carried along as it stands, and read by `columns`, `saved_views` and `live_views`.
_SHOWN: Final = ("columns", "density", "view", "live")
_LONGEST_SHOWN: Final = 3_000  # characters of each


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked. `line` is as it was written, also where it cannot be read: then `problem` says why.

    `sort` is one of SORTS, the largest first, or one with a minus, the smallest first. `after` is the last row of the
    page before, or, without an id, the moment that a search has reached. `shown` are the parameters that say how the
    list is shown, and change nothing of what is in it.
    """

    line: str
    terms: tuple[Term, ...]
    problem: QueryError | None
    sort: str
    period: PeriodForm
    after: After | None = None
    shown: tuple[tuple[str, str], ...] = ()

    @property
    def newest_of_all(self) -> bool:
        """Whether it is the list without conditions, for which no index is needed."""
        return not self.terms and not self.problem and self.sort == "time"

    def time_range(self, now: datetime) -> TimeRange:
        return self.period.time_range(now)

    def params(self) -> dict[str, str]:
        """The parameters that ask the same, without the place."""
        said = {"q": self.line, "sort": "" if self.sort == "time" else self.sort}
        return {name: value for name, value in said.items() if value} | self.period.query() | dict(self.shown)

    def query(self) -> str:
        """`params` as they stand in an address."""
        return urlencode(self.params())

    def sorted_by(self, sort: str) -> "Asked":
        """The same in another order, from its beginning."""
        return replace(self, sort=sort, after=None)

    def shown_as(self, **shown: str) -> "Asked":
        """The same shown otherwise: `columns`, `density` and `view` by their names, "" to leave one out."""
        merged = dict(self.shown) | shown
        return replace(self, shown=tuple((name, merged[name]) for name in _SHOWN if merged.get(name)))

    def with_terms(self, terms: tuple[Term, ...]) -> "Asked":
        """The same period and order with other conditions, from the beginning."""
        return replace(self, terms=terms, line=line_of(terms), problem=None, after=None)


def asked_of(params: Mapping[str, str], *, default: str = "24h") -> Asked:
    """What the parameters of an address ask. Nothing in them can break it: what cannot be read is left out or said.

    `add` is one more condition for the line; `feature`, `model`, `session_id`, `user_id` and `failed` are others.
    """
    line = " ".join(filter(None, [params.get("q", "").strip(), _filters(params), params.get("add", "").strip()]))
    sort = params.get("sort", "")
    sort = sort if sort.removeprefix("-") in SORTS else "time"
    try:
        terms, problem = parse(line), None
    except QueryError as error:
        terms, problem = (), error
    after = after_of(params.get("after", ""), sort)
    shown = tuple((name, said) for name in _SHOWN if (said := _shown(params.get(name, ""))))
    return Asked(line, terms, problem, sort, PeriodForm(params, default=default), after, shown)


def asked_in(query: str) -> Asked:
    """What the query of an address asks, as `Asked.query` wrote it."""
    return asked_of(dict(parse_qsl(query)))


def after_words(after: After) -> str:
    """A place as it stands in an address."""
    value, trace_id = after
    said = value.isoformat() if isinstance(value, datetime) else "" if value is None else str(value)
    return f"{said}~{trace_id.hex()}"


def after_of(words: str, sort: str) -> After | None:
    """The place that `after_words` wrote; None for what is none."""
    said, found, trace_id = words.replace(" ", "+").partition("~")
    try:
        key = bytes.fromhex(trace_id)
        return (_value(said, sort.removeprefix("-")), key) if len(key) in (0, TRACE_KEY_BYTES) and found else None
    except (ValueError, InvalidOperation):
        return None


def _shown(said: str) -> str:
    return said if len(said) <= _LONGEST_SHOWN and said.isprintable() else ""


def _value(said: str, sort: str) -> Value:
    if sort == "time":
        moment = datetime.fromisoformat(said)
        if not 1 < moment.year < 9999:  # at the ends of the calendar no day can be counted on
            raise ValueError(said)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not said:
        return None
    if sort == "cost" and not _COST.fullmatch(said):
        raise ValueError(said)
    number: Decimal | int = Decimal(said) if sort == "cost" else int(said)
    if not -LARGEST <= number <= LARGEST:  # nothing that is stored
        raise ValueError(said)
    return number


def _filters(params: Mapping[str, str]) -> str:
    terms = [exactly(field, params[name]) for name, field in _FIELDS_OF_FILTERS.items() if params.get(name)]
    return " ".join([line_of(terms), _FAILED] if params.get("failed") else [line_of(terms)]).strip()
