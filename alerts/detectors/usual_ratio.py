"""Broken while a value is so many times its usual of this time of day, and farther from it than days differ anyway.

Measured on labelled series: median and MAD of the same time of day, a least effect, a least volume and a second look
find nine incidents in ten; a test on one bucket alone raises dozens of false alarms a week.
"""

from datetime import timedelta

from alerts import words
from alerts.detectors.look import VOLUMES, Look, is_far_past, is_past
from alerts.detectors.usual import Usual
from alerts.detectors.verdict import Verdict

# In deviations between days. In the first week few days are known, so more is asked.
LEAST_SURPRISE = 4.0
FIRST_WEEK_SURPRISE = 6.0
WARM_UP = timedelta(days=1)
FIRST_WEEK = timedelta(days=7)


def judge(look: Look) -> Verdict:
    """The window's value against `look.limit` times its usual; a limit below 1 is broken by falling."""
    now = look.now
    value, n = look.value(now), look.sample(now)
    usual = look.usual() if look.history >= WARM_UP else None
    if usual is None:
        return Verdict(None, words.NO_USUAL_YET, value, n)
    falling = look.limit < 1
    if usual.is_rare or usual.middle <= 0 or (falling and usual.middle < look.minimum):
        return Verdict(None, words.nothing_usual(look.metric, usual), value, n, usual=usual)
    if value is None or (not falling and n < look.minimum):
        return Verdict(None, words.too_few(look.metric, n, look.minimum), value, n, usual=usual)
    return _compared(look, value, n, usual)


def _compared(look: Look, value: float, n: int, usual: Usual) -> Verdict:
    falling, threshold = look.limit < 1, usual.middle * look.limit
    least = LEAST_SURPRISE if look.history >= FIRST_WEEK else FIRST_WEEK_SURPRISE
    surprising = abs(usual.surprise(value)) >= least
    in_a_row, began_at = look.run(threshold, falling=falling)
    broken = surprising and is_past(value, threshold, falling=falling) and began_at is not None
    # One dear call can make a quarter of an hour dear: a volume that rises has to do so twice.
    sudden = (falling or look.metric not in VOLUMES) and is_far_past(value, threshold, falling=falling)
    sentence = words.proof(look.metric, value, look.now, usual, limit=None)
    return Verdict(broken, sentence, value, n, threshold, usual, began_at, sudden or in_a_row > 1)
