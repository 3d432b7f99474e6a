"""How one amount stands to another, as words of a sentence. Pure."""

from decimal import Decimal
from typing import Final

from llmobs.lib.templatetags.figures import NBSP, three_digits

Amount = int | float | Decimal

_SAME: Final = 0.05  # of the first: less is not worth saying
_TWICE: Final = 1.95  # from here on it is said how many times
_PARTS: Final = ((1 / 2, "half"), (1 / 3, "a third"), (1 / 4, "a quarter"), (1 / 5, "a fifth"), (1 / 10, "a tenth"))
_CLOSE: Final = 0.06  # of a part, to be called it


def longer(a: Amount | None, b: Amount | None) -> str:
    """How long `b` is beside `a`: `3 times as long`, `40 % longer`; '' where about the same or unknown."""
    ratio = _ratio(a, b)
    if ratio is None:
        return ""
    return f"{part} as long" if (part := _part(ratio)) else _percent(ratio, "longer", "shorter")


def dearer(a: Amount | None, b: Amount | None) -> str:
    """How much `b` is beside `a`: `3 times as much`, `half`; '' where about the same or unknown."""
    ratio = _ratio(a, b)
    if ratio is None:
        return ""
    if part := _part(ratio):
        return f"{part} as much" if ratio > 1 else part
    return _percent(ratio, "more", "less")


def _ratio(a: Amount | None, b: Amount | None) -> float | None:
    """`b` by `a`; None where they are about the same, or one is unknown, nothing, or below it."""
    if a is None or b is None or a <= 0 or b <= 0:
        return None
    ratio = float(b) / float(a)
    return None if abs(ratio - 1) < _SAME else ratio


def _part(ratio: float) -> str:
    """The ratio in a word, or as a number of times; '' where it is better said in percent."""
    if ratio >= _TWICE:
        times = three_digits(round(ratio, 1) if ratio < 10 else round(ratio))
        return "twice" if times == "2" else f"{times} times"
    return next((word for part, word in _PARTS if abs(ratio - part) <= _CLOSE * part), "")


def _percent(ratio: float, more: str, less: str) -> str:
    share = abs(ratio - 1) * 100
    if ratio < 1 and share >= 99.5:
        return f"more than 99{NBSP}% {less}"
    return f"{share:.0f}{NBSP}% {more if ratio > 1 else less}"
