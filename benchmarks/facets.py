"""What the facets and bars beside a list take, over 30 days: by the same lines as the lists, and by none."""

import html
import re
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlencode

from benchmarks import member
from benchmarks.answers import Row
from benchmarks.asking import Client, Times, Unexpected
from benchmarks.report import Bar

BAR: Final = Bar(150, 80, most=True)
ONE: Final = [
    *(f"feature:{feature}" for feature in member.FEATURES), *(f"model:{model}" for model in member.MODELS),
    "status:error", "failure:timeout", "env:staging", "latency:>3s", "-status:ok", "user:user_00077",
]  # fmt: skip
# What was not counted in the time that it had is asked for once more, as the page does.
_AGAIN: Final = re.compile(r'hx-get="([^"]*)" hx-trigger="load"')
_VALUE: Final = b'class="facet__value'


def asked(client: Client, count: int, seed: int) -> Iterator[Row]:
    """A row for each kind of line, each asked `count` times in all."""
    kinds = {
        "no condition": [""],
        "one condition": ONE,
        "three conditions": member.shuffled(member.lists(), seed),
        "a rare word": member.WORDS["rare word"],
        "a common word": member.WORDS["common word"],
    }
    for kind, lines in kinds.items():
        yield Row(f"facets and bars, 30 days: {kind}", _times(client, lines, count), BAR)


def _times(client: Client, lines: Sequence[str], count: int) -> Times:
    for line in lines:
        _seconds(client, line)
    return Times([_seconds(client, lines[number % len(lines)]) for number in range(count)])


def _seconds(client: Client, line: str) -> float:
    """Until they are there. Raises Unexpected where none ever are."""
    path = f"{member.HERE}/facets?{urlencode({'q': line, 'period': '30d'})}"
    answer = client.ask(path).expected(200, path)
    seconds = answer.seconds
    if again := _AGAIN.search(answer.body.decode()):
        answer = client.ask(html.unescape(again[1])).expected(200, again[1])
        seconds += answer.seconds
    if not line and _VALUE not in answer.body:
        raise Unexpected(f"No facet has a value: {path}")
    return seconds
