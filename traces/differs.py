"""What is different about the second of two traces, in one sentence and what to know beside it. Pure.

What made the difference comes before what it came to: how it went, which model and versions ran, then time and money.
Nothing is said of what is unknown, and nothing is called a cause.
"""

from collections.abc import Callable, Iterator
from typing import Final

from llmobs.lib.templatetags.figures import duration_us
from traces.preview import PREVIEW_CHARACTERS
from traces.ratios import dearer, longer
from traces.sentences import Piece, Sentence, listed, name, say
from traces.sides import Side

_MOST: Final = 3  # predicates of one sentence
_MOST_VERSIONS: Final = 2
# Outcomes of lists, worst first: what is said of the side that has it, and of the one that does not.
_WENT: Final = {
    "No answer": ("got no answer", "got an answer"),
    "Not finished": ("is not finished", "is finished"),
    "Fallback": ("needed a fallback", "needed no fallback"),
    "A step failed": ("had a step that failed", "had no step that failed"),
    "2nd try": ("needed another try", "needed no other try"),
}


def what_differs(a: Side, b: Side) -> Sentence:
    """The one sentence. `a` and `b` are called A and B."""
    went = _went(a, b)
    ran = [one for rule in _RULES for one in rule(a, b)][: _MOST if not went else _MOST - 1]
    came_to = _came_to(a, b)
    parts: list[Sentence] = []
    if went:
        parts.append(say(f"Unlike A, B {went}"))
    if ran:
        parts.append((Piece("it " if went else "B "), *_joined(ran)))
    if came_to and not parts:
        parts.append(say("B went like A"))
    if came_to:
        parts.append(say(f"{'but ' if not (went or ran) else ''}it {' and '.join(came_to)}"))
    if not parts:
        return say("B went like A: nothing that was sent of them differs but the moment.")
    sentence: list[Piece] = list(parts[0])
    for part in parts[1:]:
        sentence += [Piece(", " if not (went or ran) else "; "), *part]
    return (*sentence, Piece("."))


def remarks(a: Side, b: Side) -> list[Sentence]:
    """What to know before the two are held against each other."""
    found = []
    if a.asked and b.asked:
        if a.asked != b.asked:
            found.append(say("They were not asked the same."))
        elif len(a.asked) < PREVIEW_CHARACTERS:
            same = a.answered and a.answered == b.answered and len(a.answered) < PREVIEW_CHARACTERS
            found.append(say(f"Both were asked the same{' and answered the same' if same else ''}."))
    apart = round(abs((b.happened_at - a.happened_at).total_seconds()) * 1_000_000)
    if apart:
        found.append(say(f"B began {duration_us(apart)} {'after' if b.happened_at > a.happened_at else 'before'} A."))
    return found


def _went(a: Side, b: Side) -> str:
    """How the outcomes differ, said of B; the worse of the two says it."""
    if a.outcome == b.outcome:
        return ""
    for word, (has, has_not) in _WENT.items():
        if b.outcome == word:
            return f"{has} because {b.why}" if b.why else has
        if a.outcome == word:
            return has_not
    return ""


def _feature(a: Side, b: Side) -> Iterator[Sentence]:
    if a.feature and b.feature and a.feature != b.feature:
        yield say("is of the feature {} instead of {}", name(b.feature), name(a.feature))


def _model(a: Side, b: Side) -> Iterator[Sentence]:
    if a.model and b.model and a.model != b.model:
        verb = "asked" if b.tone == "bad" else "answered with"
        yield say(f"{verb} {{}} instead of {{}}", name(b.model), name(a.model))
    elif a.models == b.models and a.responded and b.responded and a.responded != b.responded:
        yield say("was answered by {} instead of {}", *(name(", ".join(one.responded)) for one in (b, a)))


def _versions(a: Side, b: Side) -> Iterator[Sentence]:
    """Parts that both ran with in another version, renamed prompts, the release."""
    found: list[Sentence] = []
    for (part, own), old in a.versions.items():
        new = b.versions.get((part, own), old)
        if old != new:
            found.append(say(f"{part} {{}} instead of {{}}", name(f"{own} {new}".strip()), name(old)))
    told = [", ".join(dict.fromkeys(own for part, own in side.versions if part == "prompt" and own)) for side in (a, b)]
    if all(told) and not a.versions.keys() & b.versions.keys():
        found.append(say("prompt {} instead of {}", name(told[1]), name(told[0])))
    if a.releases and b.releases and a.releases != b.releases:
        found.append(say("release {} instead of {}", *(name(", ".join(one.releases)) for one in (b, a))))
    if found:
        yield _with(found, "versions")


def _parameters(a: Side, b: Side) -> Iterator[Sentence]:
    if a.parameters is None or b.parameters is None:
        return
    found = []
    for one in dict.fromkeys([*a.parameters, *b.parameters]):
        old, new = (side.parameters.get(one, "not set") for side in (a, b) if side.parameters is not None)
        if old != new:
            found.append(say("{} {} instead of {}", name(one), name(new, most=40), name(old, most=40)))
    if found:
        yield _with(found, "parameters")


def _documents(a: Side, b: Side) -> Iterator[Sentence]:
    if a.documents is None or b.documents is None or set(a.documents) == set(b.documents):
        return
    common = len(set(a.documents) & set(b.documents))
    are = "is" if common == 1 else "are"
    yield say("found other documents" + (f" ({common} of {len(set(b.documents))} {are} the same)" if common else ""))


def _tries(a: Side, b: Side) -> Iterator[Sentence]:
    if a.retries != b.retries:
        more = abs(b.retries - a.retries)
        yield say(f"tried {more} time{'' if more == 1 else 's'} {'more' if b.retries > a.retries else 'less'}")


def _steps(a: Side, b: Side) -> Iterator[Sentence]:
    if a.steps != b.steps:
        more = abs(b.steps - a.steps)
        yield say(f"had {more:,} step{'' if more == 1 else 's'} {'more' if b.steps > a.steps else 'less'}")


_RULES: Final[tuple[Callable[[Side, Side], Iterator[Sentence]], ...]] = (
    _feature,
    _model,
    _versions,
    _parameters,
    _documents,
    _tries,
    _steps,
)


def _came_to(a: Side, b: Side) -> list[str]:
    """Time and money, where both are known in full."""
    took = longer(a.duration_us, b.duration_us)
    priced = not (a.calls_without_price or b.calls_without_price)
    cost = dearer(a.cost_usd, b.cost_usd) if priced else ""
    return [*([f"took {took}"] if took else []), *([f"cost {cost}"] if cost else [])]


def _with(found: list[Sentence], what: str) -> Sentence:
    """`ran with` the first of `found`, and how many more of them there are."""
    shown = found[:_MOST_VERSIONS]
    more = len(found) - len(shown)
    rest = [say(f"{more} other {what if more > 1 else what[:-1]}")] if more else []
    return (Piece("ran with "), *_joined([*shown, *rest]))


def _joined(sentences: list[Sentence]) -> Sentence:
    """`a`, `a and b`, `a, b and c`, of stretches that have names in them."""
    glue = [piece.text for piece in listed([Piece("") for _ in sentences]) if piece.text]
    joined: list[Piece] = list(sentences[0])
    for between, one in zip(glue, sentences[1:], strict=True):
        joined += [Piece(between), *one]
    return tuple(joined)
