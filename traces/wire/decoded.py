"""What every decoder answers."""

from dataclasses import dataclass, field

from traces.records import LogRecord, RawSpan, Rejection


@dataclass(slots=True)
class Decoded:
    """The spans of one body, and what in it is no span. Every position of the flattened input is in one of the two."""

    spans: list[RawSpan] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


@dataclass(slots=True)
class DecodedLogs:
    """The log records of one body, and what in it is none. Every position of the flattened input is in one of them."""

    records: list[LogRecord] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
