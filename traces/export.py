"""A whole list of traces as a file: read in short pages while it is sent, so neither rows nor a statement pile up.

Between two pages nothing is open in Postgres but the connection. A client that goes away stops the reading: its server
closes the iterator.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import StringIO

import orjson
from django.http import StreamingHttpResponse
from django.urls import reverse

from accounts.models import Project
from traces import answers, ids, media
from traces.list_answers import NAMES, cells, row_answer
from traces.listing import TraceRow
from traces.queries.listed import rows_of
from traces.queries.scores import scores_of
from traces.queries.spans import payloads_of
from traces.queries.traces import trace_of
from traces.search import results
from traces.search.asked import Asked

PAGE_ROWS = 500  # of a statement; 1,000 took no less time a row
FORMATS = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}

Row = tuple[TraceRow, bytes | None]


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be sent: the list of a project, as one of FORMATS; with `spans` as whole traces (NDJSON only)."""

    project: Project
    asked: Asked
    now: datetime
    format: str = "ndjson"
    spans: bool = False

    @property
    def filename(self) -> str:
        return f"traces-{self.project.slug}-{self.now:%Y-%m-%dT%H%M}Z.{self.format}"


def response(export: Export) -> StreamingHttpResponse:
    """The download."""
    answer = StreamingHttpResponse(lines(export), content_type=FORMATS[export.format])
    answer["Content-Disposition"] = f'attachment; filename="{export.filename}"'
    answer["Cache-Control"] = "no-store"
    answer["X-Accel-Buffering"] = "no"
    return answer


def lines(export: Export) -> Iterator[bytes]:
    """The file in pieces, each of a page of rows or of one whole trace."""
    if export.format == "csv":
        return _csv(export)
    return _whole(export) if export.spans else _ndjson(export)


def _csv(export: Export) -> Iterator[bytes]:
    yield _table([list(NAMES)])
    for page in _pages(export):
        yield _table([cells(row_answer(row, span_id)) for row, span_id in page])


def _ndjson(export: Export) -> Iterator[bytes]:
    for page in _pages(export):
        yield b"".join(_line(row_answer(row, span_id)) for row, span_id in page)


def _whole(export: Export) -> Iterator[bytes]:
    """Each trace as `GET /api/v1/traces/<id>` answers it; one that has gone meanwhile is left out."""
    for page in _pages(export):
        for row, _ in page:
            yield from _trace(export.project, row)


def _pages(export: Export) -> Iterator[list[Row]]:
    for page in results.pages(export.project.pk, export.asked, export.now, PAGE_ROWS):
        found_in = {place.trace_id: place.span_id for place in page}
        yield [(row, found_in[row.key]) for row in rows_of(export.project.pk, list(found_in))]


def _trace(project: Project, row: TraceRow) -> Iterator[bytes]:
    trace = trace_of(project.pk, ids.shown(row.key, None))
    if trace is None:
        return

    def url(name: str) -> str:
        return reverse("traces:media", args=[project.slug, name])

    payloads = {key: media.with_urls(one, url) for key, one in payloads_of(project.pk, [row.key]).items()}
    yield _line(answers.trace_answer(trace, payloads, None, scores_of(project.pk, trace)))


def _line(answer: dict[str, object]) -> bytes:
    return orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)


def _table(rows: list[list[str]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
