"""What a user asked in a period, in words that support understands. Pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from llmobs.lib.templatetags.figures import ago, at_least, count, money, percent
from traces.listing import TraceRow
from traces.queries.sessions import Amounts
from traces.queries.users import Asked, OfAll, Seen
from traces.sentences import Sentence, moment, name, say
from traces.usual import LEAST_REQUESTS

# How a trace ended, as the end of a sentence: by the words of `listing.outcome`.
_ENDED = {
    "No answer": "got no answer",
    "Fallback": "was answered by a fallback",
    "A step failed": "was answered, though a step failed",
    "2nd try": "was answered after another try",
    "Answered": "was answered",
    "Not finished": "has not ended yet",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a user. `newest` and `last_failed` are the rows of traces; None where there is none."""

    user_id: str
    period_words: str  # "in the last 30 days"
    now: datetime
    seen: Seen
    asked: Asked
    amounts: Amounts
    of_all: OfAll
    newest: TraceRow | None
    last_failed: TraceRow | None


def headline(told: Told) -> Sentence:
    """How often the user asked, and how many of it failed."""
    user, turns = name(told.user_id), told.asked.turns
    if not turns:
        return say("{} asked nothing {}.", user, told.period_words)
    times = "once" if turns == 1 else f"{'at least ' if told.asked.has_more else ''}{count(turns)} times"
    return say(f"{{}} asked {times} {{}}; {_failed(told)}.", user, told.period_words)


def lead(told: Told) -> list[Sentence]:
    """How the last request ended, and over how many sessions they spread; of a silent user when it was seen last."""
    if not told.asked.turns:
        return [say("Seen last {}.", moment(told.seen.last_at, told.now))]
    said = []
    if told.newest is not None:
        end = _ENDED.get(told.newest.state_word, "was answered")
        said.append(say(f"The last request, {{}}, {end}.", moment(told.newest.happened_at, told.now)))
    if 1 < told.asked.sessions < told.asked.turns:
        said.append(say(f"These were {count(told.asked.sessions)} conversations."))
    return said


def failed_against(told: Told) -> str:
    """The share of all users' requests that failed, for beside this user's; "" where too few say what is usual."""
    every = told.of_all
    if every.requests < LEAST_REQUESTS or every.requests <= told.asked.turns:
        return ""
    return f"{percent(every.failed / every.requests)} of all users' requests"


def cost_each(told: Told) -> str:
    """What a request of this user cost on average, and one of all users; "" where nobody knows."""
    mine, every = told.amounts, told.of_all
    if mine.cost_usd is None or not mine.turns:
        return ""
    words = money if mine.calls_without_price == 0 else at_least
    each = f"{words(mine.cost_usd / mine.turns)} a request"
    if every.requests < LEAST_REQUESTS or every.requests <= told.asked.turns or not every.cost_usd:
        return each
    of_all: Decimal = every.cost_usd / every.requests
    return f"{each}, {(at_least if every.calls_without_price else money)(of_all)} on average of all users"


def _failed(told: Told) -> str:
    counted, failed = told.amounts.turns, told.amounts.failed
    of = "" if counted == told.asked.turns else f" of the {count(counted)} that are indexed"
    if not counted:
        return "how many failed is not counted yet"
    if counted == 1 and not of:
        return f"it failed{_when(told)}" if failed else "it did not fail"
    if not failed:
        return f"none{of} failed"
    return f"{'all of them' if failed == counted and not of else count(failed) + of} failed{_when(told)}"


def _when(told: Told) -> str:
    if told.last_failed is None:
        return ""
    return f", {'the last ' if told.amounts.failed > 1 else ''}{ago(told.last_failed.happened_at, told.now)}"
