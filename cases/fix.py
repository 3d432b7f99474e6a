"""What a case waits for: a prompt's version, a release or a model, as the query language names it. Pure."""

from dataclasses import dataclass
from typing import Final

from traces.search.grammar import LONGEST, QueryError, Term, exactly, line_of, parse

KINDS: Final = {"prompt": "A prompt's version", "release": "A release", "model": "A model"}
LONGEST_VALUE: Final = 500  # characters


@dataclass(frozen=True, slots=True)
class Fix:
    """`kind` is one of KINDS; `value` is as in the query language: `refund@9` for a prompt."""

    kind: str
    value: str

    @classmethod
    def read(cls, text: str) -> "Fix | None":
        """The fix that `str` wrote; None for what is none."""
        kind, found, value = text.partition(":")
        return cls(kind, value) if found and kind in KINDS and value else None

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"

    @property
    def term(self) -> Term:
        """The condition that a request ran with it."""
        return exactly(self.kind, self.value)

    @property
    def words(self) -> str:
        """As people say it: `refund v9`, `release 1.4.2`, `model gpt-4.1`."""
        if self.kind != "prompt":
            return f"{self.kind} {self.value}"
        name, _, version = self.value.rpartition("@")
        return f"{name} {'v' if version[:1].isdigit() else ''}{version}"


def problem_of(kind: str, value: str) -> str:
    """What is wrong with a fix that a member wrote, and the cure; "" when it can be looked for."""
    if not kind and not value:
        return ""
    if not kind:
        return "Choose what it is: a prompt's version, a release or a model."
    if not value:
        return {"prompt": "Write the prompt and its version, such as refund@9."}.get(kind, f"Write the {kind}'s name.")
    name, found, version = value.rpartition("@")
    if kind == "prompt" and not (found and name and version):
        return "Write the prompt and its version, such as refund@9."
    return _unfindable(Fix(kind, value))


def _unfindable(fix: Fix) -> str:
    line = line_of([fix.term])
    if len(line) > LONGEST:
        return "This is too long to be searched for."
    try:
        parse(line)
    except QueryError as error:
        return error.message
    return ""
