"""What clients cut off before they sent: counts that OpenTelemetry tells, and marks at the ends of texts."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from traces import payload
from traces.badges import Cuts
from traces.queries.spans import Bodies, StoredSpan

# Steps of a trace that are looked at for a page, and the bytes of their payloads together.
MOST_STEPS: Final = 100
MOST_BYTES: Final = 1_000_000

# `…[truncated]`, `... (truncated, 3412 more)`, `<truncated>`: at the end of a string, as the stored JSON has it.
_MARK = re.compile(rb"""[\[(<][ .\xe2\x80\xa6]{0,8}truncated[^"\])>\\]{0,40}[\])>]\\?\"""", re.IGNORECASE)
_COUNTED = (b'"dropped_attributes"', b'"otel.dropped_')
# What OpenTelemetry calls these counts where a format has no field for them.
EVENTS: Final = "otel.dropped_events_count"
LINKS: Final = "otel.dropped_links_count"
ATTRIBUTES: Final = "otel.dropped_attributes_count"


def looked_at(spans: Sequence[StoredSpan]) -> list[StoredSpan]:
    """Those of a trace's spans whose payloads are looked at: the first hundred, and the first megabyte they hold."""
    return list(_first(spans))


def cuts_of(spans: Sequence[StoredSpan], bodies: Bodies) -> Cuts:
    """What the senders of a trace's spans left out, in those that are looked at. `bodies` are theirs at least."""
    known = (bodies.get((span.record.trace_id, span.span_id)) for span in looked_at(spans))
    return together(cuts_in(body) for body in known if body is not None)


def together(found: Iterable[Cuts]) -> Cuts:
    """The cuts of many steps."""
    each = list(found)
    return Cuts(**{name: sum(getattr(one, name) for one in each) for name in Cuts.__slots__})


def cuts_in(body: bytes) -> Cuts:
    """What one payload, as JSON, says was left out of it."""
    texts = len(_MARK.findall(body))
    attributes = events = links = 0
    if any(name in body for name in _COUNTED):
        sent = payload.loads(body)
        said = sent.get("attributes", {})
        attributes, events, links = (_count(said.get(name)) for name in (ATTRIBUTES, EVENTS, LINKS))
        attributes = max(attributes, _count(sent.get("dropped_attributes")))
    return Cuts(int(bool(texts or attributes or events or links)), attributes, events, links, texts)


def _first(spans: Sequence[StoredSpan]) -> Iterable[StoredSpan]:
    left = MOST_BYTES
    for span in spans[:MOST_STEPS]:
        left -= span.payload_bytes
        if left >= 0:
            yield span


def _count(said: Any) -> int:
    """A count as an attribute may spell it; 0 for what is none."""
    return int(said) if re.fullmatch(r"[0-9]{1,9}", str(said)) else 0
