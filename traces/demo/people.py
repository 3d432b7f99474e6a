"""Customers who come back, and what every request of theirs says of them."""

from random import Random
from typing import Final

from traces.demo.draft import Draft, name
from traces.demo.rhythm import Moment
from traces.demo.shop import GOODS, Good
from traces.demo.texts import LANGUAGES, Words
from traces.records import Json

_CUSTOMERS: Final = 900
_STAGING_SHARE: Final = 0.04


def customer(rng: Random) -> tuple[str, Words]:
    """Somebody's id and language; some write often, most once."""
    number = int(_CUSTOMERS * rng.random() ** 2.2)
    own = Random(number)  # noqa: S311 - a made-up customer's own language, the same on every visit
    return f"cust_{number:05d}", own.choices(LANGUAGES, [words.share for words in LANGUAGES])[0]


def begun(rng: Random, moment: Moment, feature: str, service: str, **shared: Json) -> Draft:
    """A trace of one of the shop's services."""
    staging = not moment.phase and rng.random() < _STAGING_SHARE
    return Draft(
        rng,
        moment.at,
        feature=feature,
        service=service,
        environment="staging" if staging else "production",
        release=moment.release(service),
        **shared,
    )


def bought(rng: Random) -> tuple[Good, str]:
    """A good and the number of the order it came with."""
    return rng.choice(GOODS), f"MR-{rng.randrange(120_000, 199_999)}"


def ticket(rng: Random) -> str:
    """The number of a ticket in the shop's help desk."""
    return name(rng, "T-", 6).upper()
