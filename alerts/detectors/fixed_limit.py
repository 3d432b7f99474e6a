"""Broken while a value is over a limit that somebody chose, given enough requests or calls to judge."""

from alerts import words
from alerts.detectors.look import Look, is_far_past
from alerts.detectors.verdict import Verdict


def judge(look: Look) -> Verdict:
    """The window's value against `look.limit`. The usual is told beside it, and decides nothing."""
    now = look.now
    value, n, usual = look.value(now), look.sample(now), look.usual()
    if value is None or n < look.minimum:
        return Verdict(None, words.too_few(look.metric, n, look.minimum), value, n, look.limit, usual)
    in_a_row, began_at = look.run(look.limit)
    sentence = words.proof(look.metric, value, now, usual, limit=look.limit)
    # A window stays over its limit for a quarter of an hour after one bad minute: its newest stretch must be so too.
    broken = value > look.limit and began_at is not None
    lasting = in_a_row > 1 or is_far_past(value, look.limit, falling=False)
    return Verdict(broken, sentence, value, n, look.limit, usual, began_at, lasting)
