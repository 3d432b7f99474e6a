"""The parts of LangSmith's multipart bodies, put together to runs and feedback again.

`post.<run>` and `patch.<run>` are a run without its large members, which are parts of their own: `post.<run>.inputs`.
`attachment.<run>.<name>` is a file, `feedback.<id>` a feedback.
"""

from dataclasses import dataclass, field
from typing import Final

from traces.errors import Unreadable
from traces.records import Json
from traces.wire.jsontext import loads
from traces.wire.multipart import Part, parts

_VERSIONS: Final = ("post", "patch")
_LONGEST_NAME: Final = 200  # of what is shown of a part's name


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that belongs to a run: what its sender calls it, its media type, its bytes."""

    name: str
    media_type: str
    data: bytes


@dataclass(slots=True)
class Draft:
    """One run or feedback as far as it has come. `problem` says why it cannot be taken."""

    index: int
    said: Json = field(default_factory=dict)
    is_feedback: bool = False
    begun: bool = False  # its first part, the one without a member's name, was there
    attachments: list[Attachment] = field(default_factory=list)
    problem: str = ""


def drafts(body: bytes, content_type: str | None) -> list[Draft]:
    """The runs and feedback of a body in their order. Raises Unreadable, TooLarge.

    A part that cannot be read is the problem of its own run only. The same run may be posted and patched, also
    several times: each first part begins another version.
    """
    found = _Found()
    for part in parts(body, content_type):
        found.take(part)
    if not found.drafts:
        raise Unreadable("There are no parts in the multipart body.")
    return found.drafts


class _Found:
    """The drafts so far, and which of them the next part of a run belongs to."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.open: dict[tuple[str, str], Draft] = {}  # by post or patch, and the run's id
        self.last: dict[str, Draft] = {}  # by the run's id

    def take(self, part: Part) -> None:
        what, _, rest = part.name.partition(".")
        run_id, _, member = rest.partition(".")
        if what in _VERSIONS and run_id:
            self._take_run(part, what, run_id, member)
        elif what == "attachment" and run_id and member:
            self._take_attachment(part, run_id, member)
        elif what == "feedback":
            self._read(self._new(is_feedback=True), part)
        else:
            self._new().problem = f"the part {part.name[:_LONGEST_NAME]!r} is no run, attachment or feedback."

    def _new(self, *, is_feedback: bool = False) -> Draft:
        self.drafts.append(Draft(len(self.drafts), is_feedback=is_feedback))
        return self.drafts[-1]

    def _take_run(self, part: Part, what: str, run_id: str, member: str) -> None:
        draft = self.open.get((what, run_id))
        if draft is None or (draft.begun and not member):
            draft = self.open[what, run_id] = self.last[run_id] = self._new()
            draft.said = {"id": run_id}
        if member:
            self._read(draft, part, member)
        else:
            draft.begun = True
            self._read(draft, part)

    def _take_attachment(self, part: Part, run_id: str, name: str) -> None:
        draft = self.last.get(run_id)
        if draft is None:
            self._new().problem = f"the part {part.name[:_LONGEST_NAME]!r} comes before its run."
        else:
            draft.attachments.append(Attachment(name, part.content_type, part.data))

    def _read(self, draft: Draft, part: Part, member: str = "") -> None:
        """Add what a part says to its draft, as a member or as all of it."""
        try:
            said = loads(part.data)
        except Unreadable as error:
            draft.problem = draft.problem or f"the part {part.name[:_LONGEST_NAME]!r} cannot be read. {error}"
            return
        if member:
            draft.said[member] = said
        elif isinstance(said, dict):
            draft.said = {**said, **draft.said}  # what has a part of its own is null here, if it is here
        else:
            draft.problem = draft.problem or f"the part {part.name[:_LONGEST_NAME]!r} is no JSON object."
