"""What differs between two texts, line by line and inside a line word by word. Pure; the texts are hostile.

Long or wild texts are bounded before they are compared, because comparing costs more than the square of their length.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Final, Literal

MOST_CHARACTERS: Final = 60_000  # of a text; a longer one is not compared
MOST_LINES: Final = 800
MOST_COMPARED: Final = 100  # lines that are compared word by word, of one stretch
MOST_WORDS: Final = 400  # of a line, for a comparison inside it
LONGEST_LINE: Final = 4_000  # shown
AROUND: Final = 2  # equal lines that stay in sight on both sides of what differs
_ALIKE: Final = 0.5  # the share of equal words from which two lines are one that was changed
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")

Tone = Literal["same", "gone", "new"]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of one line."""

    tone: Tone
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the comparison. `folded` equal lines are only counted, and have no runs."""

    runs: tuple[Run, ...] = ()
    folded: int = 0

    @property
    def sign(self) -> str:
        """− for a line that is gone, + for a new one, ± for one that was changed, else a blank."""
        tones = {run.tone for run in self.runs}
        if tones == {"gone"} or tones == {"new"}:
            return "−" if "gone" in tones else "+"
        return "±" if tones - {"same"} else " "


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the comparison in two columns; None where one side has no line. `folded` equal lines have neither."""

    left: tuple[Run, ...] | None = None
    right: tuple[Run, ...] | None = None
    folded: int = 0

    @property
    def same(self) -> bool:
        return self.left == self.right


def difference(before: str, now: str) -> list[Line] | None:
    """The lines of both texts, equal ones folded; [] where the texts are equal, None where they are too long."""
    if before == now:
        return []
    old, new = before.splitlines(), now.splitlines()
    if max(len(before), len(now)) > MOST_CHARACTERS or max(len(old), len(new)) > MOST_LINES:
        return None
    lines: list[Line] = []
    opcodes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for place, (tag, a, b, c, d) in enumerate(opcodes):
        if tag == "equal":
            lines += _same(old[a:b], first=place == 0, last=place == len(opcodes) - 1)
        else:
            lines += _changed(old[a:b], new[c:d])
    return lines


def in_columns(lines: list[Line]) -> list[Row]:
    """The lines of `difference` in two columns, what is gone on the left of what is new."""
    rows: list[Row] = []
    gone: list[tuple[Run, ...]] = []
    new: list[tuple[Run, ...]] = []
    for line in [*lines, Line()]:
        if line.sign in "−+" and line.runs:
            (gone if line.sign == "−" else new).append(line.runs)
            continue
        rows += [Row(left, right) for left, right in zip_longest(gone, new)]
        gone, new = [], []
        if line.folded:
            rows.append(Row(folded=line.folded))
        elif line.runs:
            left, right = (tuple(run for run in line.runs if run.tone in ("same", tone)) for tone in ("gone", "new"))
            rows.append(Row(left, right))
    return rows


def _same(lines: list[str], *, first: bool, last: bool) -> Iterator[Line]:
    head, tail = 0 if first else AROUND, 0 if last else AROUND
    hidden = len(lines) - head - tail
    if hidden <= 1:
        yield from (_whole("same", line) for line in lines)
        return
    yield from (_whole("same", line) for line in lines[:head])
    yield Line(folded=hidden)
    yield from (_whole("same", line) for line in lines[len(lines) - tail :])


def _changed(old: list[str], new: list[str]) -> Iterator[Line]:
    """Lines that stand at the same place are compared word by word while they are alike."""
    for place, (before, now) in enumerate(zip(old, new, strict=False)):
        runs = _inside(before, now) if place < MOST_COMPARED else None
        if runs:
            yield Line(runs)
        else:
            yield _whole("gone", before)
            yield _whole("new", now)
    yield from (_whole("gone", line) for line in old[len(new) :])
    yield from (_whole("new", line) for line in new[len(old) :])


def _inside(before: str, now: str) -> tuple[Run, ...] | None:
    old, new = _WORDS.findall(before), _WORDS.findall(now)
    if not old or not new or max(len(old), len(new)) > MOST_WORDS:
        return None
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return None
    runs: list[Run] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            runs.append(Run("same", "".join(old[a:b])))
            continue
        runs += [Run("gone", "".join(old[a:b]))] if a < b else []
        runs += [Run("new", "".join(new[c:d]))] if c < d else []
    return tuple(runs)


def _whole(tone: Tone, line: str) -> Line:
    return Line((Run(tone, line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"),))
