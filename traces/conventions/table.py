"""What a convention's table may say. A convention is one `Convention`, in a module of its own, and holds no code.

First present wins: tables in the order of `CONVENTIONS`, names in the order of the table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from traces.conventions.values import Reader
from traces.records import Json


@dataclass(slots=True)  # not frozen: that costs 1 µs each, and a span has two
class Reading:
    """What a content attribute says: the value of its payload field, and what it holds beyond it, kept in its place.

    `rest` is None where the attribute is its value, an object (often empty) where it is a body around the value.
    `fields` are values for fields of the record that nothing else has said.
    """

    value: Json
    rest: Json = None
    fields: Mapping[str, Json] = field(default_factory=dict)
    tools: list[Json] | None = None


# Takes the attribute's value and all attributes, and whether the span is a call to a model. None: cannot be read.
# The value of a flattened group, whose name ends in a dot, is the tree of what stands below it.
ContentReader = Callable[[Json, Mapping[str, Json], bool], Reading | None]


@dataclass(frozen=True, slots=True)
class Content:
    """A place where a payload field may stand.

    `after_plain`: where the span is no call to a model, this place is asked last. `copies`: in a call to a model this
    repeats what an earlier place said, so that only what goes beyond it is kept.
    """

    name: str
    read: ContentReader
    after_plain: bool = False
    copies: bool = False


# The slots of contents, in the order in which they are read. Settings come first: what a request says again of them is
# not kept twice.
SLOTS: Final = (
    *("settings", "metadata", "usage", "costs", "input", "output", "parsed_output", "tools", "documents", "system"),
)

Names = tuple[str | tuple[str, Reader], ...]


@dataclass(frozen=True, slots=True)
class Convention:
    """One vocabulary.

    `fields`: a field of SpanRecord ← attributes, each alone or with its own reader; `*` in front stands for any
    beginning. Also `answered_model`, which is the model that answered or, of a failed call, the one that was asked;
    `attempts`, the number of tries; and `first_token_at`, its moment. `parameters`: a parameter ← attributes.
    `kinds`: attribute → its words in lower case → a kind, of each kind first the word that says no more than it.
    `signs`: an attribute that says the kind by being there, when none of `kinds` does.
    `contents`: a field of Payload ← places; also `system` (a prompt sent beside the messages), and the JSON
    objects `settings` (more parameters) and `metadata`, `usage` and `costs` (more attributes, named `usage.<key>`).
    `dropped`: attributes that only say how another one is written.
    `first_token`: names of events at the moment of the first token.
    """

    name: str
    fields: Mapping[str, Names] = field(default_factory=dict)
    kinds: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    parameters: Mapping[str, Names] = field(default_factory=dict)
    contents: Mapping[str, tuple[Content, ...]] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    first_token: tuple[str, ...] = ()
    signs: Mapping[str, str] = field(default_factory=dict)
