"""What one piece of an exported file holds for us."""

from dataclasses import dataclass, field

from traces.records import LogRecord, RawSpan
from traces.wire.scores import Score


@dataclass(slots=True)
class Found:
    """Spans, log records and scores of one piece, and why parts of it, or all of it, cannot be taken."""

    spans: list[RawSpan] = field(default_factory=list)
    records: list[LogRecord] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
