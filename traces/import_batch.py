"""Pieces of a file that are stored together, and what became of a file so far."""

from dataclasses import dataclass, field
from typing import Final

from traces.wire.exported import Found
from traces.wire.pieces import Piece

BATCH_SPANS: Final = 500
BATCH_BYTES: Final = 8 * 1024 * 1024
BATCH_PIECES: Final = 2_000


@dataclass(slots=True)
class Counts:
    """What became of a file so far. `refused` counts pieces that were not taken, or not all of them; `too_old` spans
    from before the retention, which were left out; `known` what was there already.
    """

    spans: int = 0
    contents: int = 0
    scores: int = 0
    known: int = 0
    refused: int = 0
    too_old: int = 0


@dataclass(slots=True)
class Step:
    """A batch that is stored: the sums up to it, and the pieces of it that were refused."""

    format: str
    line: int
    counts: Counts
    refused: list[tuple[int, str]]


@dataclass(slots=True)
class Batch:
    """Pieces that are stored together."""

    pieces: list[Piece] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    reasons: dict[int, list[str]] = field(default_factory=dict)  # by the piece's position
    size_bytes: int = 0
    spans: int = 0

    def add(self, piece: Piece, found: Found) -> None:
        position = len(self.pieces)
        for span in found.spans:
            span.index = position
        for record in found.records:
            record.index = position
        self.pieces.append(piece)
        self.found.append(found)
        self.size_bytes += len(piece.raw)
        self.spans += len(found.spans) + len(found.records)
        for reason in found.refused:
            self.refuse(position, reason)

    def refuse(self, position: int, reason: str) -> None:
        self.reasons.setdefault(position, []).append(reason)

    @property
    def is_full(self) -> bool:
        return self.spans >= BATCH_SPANS or self.size_bytes >= BATCH_BYTES or len(self.pieces) >= BATCH_PIECES
