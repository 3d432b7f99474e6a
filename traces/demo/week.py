"""The whole week, oldest first."""

from collections.abc import Iterator
from datetime import datetime
from random import Random
from typing import Final

from traces.demo import cases, chat, desk, refunds, search
from traces.demo.draft import Draft, Record
from traces.demo.rhythm import Moment, arrivals

FEATURES: Final = ("refund-assistant", "product-search", "ticket-triage", "email-draft", "review-summary", "sage-chat")
# How often each is used. In the outage those who got no answer ask the refund assistant again.
_SHARES: Final = (27.0, 33.0, 17.0, 9.0, 3.0, 4.5)
_SHARES_IN_OUTAGE: Final = (66.0, 33.0, 17.0, 9.0, 3.0, 4.5)


def week(end: datetime, *, days: int = 7, seed: int = 7) -> Iterator[Record]:
    """Traces as `POST /api/v1/traces` takes them, of the `days` up to `end`, an aware time; nothing is later.

    The same arguments give the same traces, ids included.
    """
    rng = Random(f"{seed} {end.isoformat()}")  # noqa: S311 - made-up people, not secrets
    pending = [case for case in cases.cases(end) if (end - case[0]).days < days]
    for moment in arrivals(rng, end, days):
        while pending and pending[0][0] <= moment.at:
            yield from cases.told(rng, end, *pending.pop(0))
        yield from (draft.trace() for draft in _drafts(rng, moment) if draft.ended_at <= end)


def _drafts(rng: Random, moment: Moment) -> Iterator[Draft]:
    shares = _SHARES_IN_OUTAGE if moment.phase in ("outage", "worst") else _SHARES
    feature = rng.choices(FEATURES, shares)[0]
    if feature == "sage-chat":
        yield from chat.session(rng, moment)
    else:
        yield _SINGLE[feature](rng, moment)


_SINGLE: Final = {
    "refund-assistant": refunds.refund,
    "product-search": search.search,
    "ticket-triage": desk.triage,
    "email-draft": desk.email,
    "review-summary": desk.review_summary,
}
