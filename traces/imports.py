"""A file of exported traces into a project: piece by piece, in batches, each stored before its place is remembered.

One that is stopped goes on at the place of its last batch, and what it repeats is recognised where it is stored.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils import timezone

from accounts.models import Project
from traces import inbox, partitions, rerun, scores
from traces.errors import StoreUnavailable, TracesError, Unreadable
from traces.import_batch import Batch, Counts, Step
from traces.import_files import BROKEN, NotImportable, Source
from traces.ingest import ingest, ingest_logs
from traces.models import ImportedFile, Refusal
from traces.records import RawSpan, Receipt, Rejection
from traces.wire.exported import FORMATS, Found, recognised
from traces.wire.pieces import Piece, Place, csv_rows, json_values
from traces.wire.plain_values import Refused

METHOD: Final = "IMPORT"  # of a refused piece, where a request has POST
CSV: Final = "text/csv"
MOST_SINGLY: Final = 1_000  # refused pieces of a file that are told one by one: each is a transaction of its own
_ATTEMPTS: Final = 12  # a minute, while the database is away
TOO_OLD: Final = "It began before the days that are kept (SPAN_RETENTION_DAYS)."
_UNKNOWN: Final = "No format is recognised in it. Name one with --format: " + ", ".join(FORMATS) + "."


def remembered(project: Project, source: Source) -> ImportedFile | None:
    """How far this very file was imported; None where it was not, or another one now has its name."""
    row = ImportedFile.objects.filter(project=project, path=_path(source)).first()
    if row is None or source.size_bytes is None or not source.stands_at(Place(row.byte, row.line), bytes(row.tail)):
        return None
    return row


def imported(project: Project, source: Source, name: str | None, before: ImportedFile | None) -> Iterator[Step]:
    """Import what comes after `before`, in the format of this name or, without one, the one that is recognised.

    Yields after each batch. Raises NotImportable for a file that nobody can read, and StoreUnavailable when the
    database stays away; what is yielded is stored then.
    """
    counts = Counts(**before.counts) if before else Counts()
    place = Place(before.byte, before.line) if before else Place()
    name = name or (before.format if before else None)
    batch = Batch()
    for piece in _pieces(source, place):
        if name is None and piece.value is not None:
            name = recognised(piece.value)
            if name is None:
                raise NotImportable(_UNKNOWN)
        batch.add(piece, _found(piece, name))
        if batch.is_full:
            yield _stored(project, source, name or "", batch, counts)
            batch = Batch()
    if name is None:
        raise NotImportable(_UNKNOWN)
    yield _stored(project, source, name, batch, counts)
    ImportedFile.objects.filter(project=project, path=_path(source)).update(finished_at=timezone.now())


def _pieces(source: Source, place: Place) -> Iterator[Piece]:
    """The pieces of a file; where its bytes end too early or are broken, one that says so."""
    line = place.line
    try:
        for piece in source.split(source.content, place):
            line = piece.after.line
            yield piece
    except BROKEN as error:
        yield Piece(line, place, b"", b"", problem=f"The file cannot be read further: {error}.", whole=False)


def _found(piece: Piece, name: str | None) -> Found:
    if piece.problem is not None or name is None:
        return Found(refused=[piece.problem or _UNKNOWN])
    try:
        if not isinstance(piece.value, dict):
            raise Refused("It is no JSON object.")
        return FORMATS[name].read(piece.value)
    except (Refused, Unreadable) as problem:
        return Found(refused=[str(problem)])


def _stored(project: Project, source: Source, name: str, batch: Batch, counts: Counts) -> Step:
    """Store a batch, then tell of what was refused, then remember the place: in this order nothing is lost."""
    now = timezone.now()
    _patiently(lambda: _store(project.pk, batch, counts, now))
    _tell(project.pk, source, name, batch, singly=counts.refused < MOST_SINGLY)
    counts.refused += len(batch.reasons)
    _remember(project, source, name, batch, counts)
    line = batch.pieces[-1].after.line if batch.pieces else 0
    refused = [(batch.pieces[position].line, reasons[0]) for position, reasons in sorted(batch.reasons.items())]
    return Step(name, line, counts, refused)


def _tell(project_id: int, source: Source, name: str, batch: Batch, *, singly: bool) -> None:
    """Keep each refused piece in the inbox; of a file broken all over, the first of each batch for all of it."""
    rejected = {at: [Rejection(at, reason) for reason in reasons] for at, reasons in batch.reasons.items()}
    if rejected and not singly:
        rejected = {min(rejected): [one for of_piece in rejected.values() for one in of_piece]}
    for position, why in rejected.items():
        inbox.keep_imported(project_id, _sent(source, name, batch.pieces[position]), why)


def _store(project_id: int, batch: Batch, counts: Counts, now: datetime) -> None:
    oldest = _oldest(now)
    spans = [span for found in batch.found for span in found.spans]
    kept = [span for span in spans if span.start_ns is None or span.start_ns >= oldest]
    records = [record for found in batch.found for record in found.records]
    partitions.make(_days(kept, now))
    receipt = ingest(project_id, kept, [], now)
    refused = ingest_logs(project_id, records, [], now).rejected
    judged = scores.write(project_id, [score for found in batch.found for score in found.scores], now)
    for one in (*receipt.rejected, *refused):
        batch.refuse(one.index, one.reason)
    counts.too_old += len(spans) - len(kept)
    counts.contents += len(records) - len(refused)
    _count(counts, receipt, judged)


def _count(counts: Counts, receipt: Receipt, judged: Receipt) -> None:
    counts.spans += receipt.accepted + receipt.updated
    counts.scores += judged.accepted + judged.updated
    counts.known += receipt.duplicates + judged.duplicates


def _patiently(store: Callable[[], None]) -> None:
    """Try again while the database is away; the last attempt's StoreUnavailable is raised."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return store()
        except StoreUnavailable as error:
            if attempt == _ATTEMPTS:
                raise
            time.sleep(error.retry_after_seconds or 1)


def _oldest(now: datetime) -> int:
    """The first nanosecond of the first day that is kept."""
    first = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((first - timedelta(days=settings.SPAN_RETENTION_DAYS)).timestamp()) * 1_000_000_000


def _days(spans: list[RawSpan], now: datetime) -> set[date]:
    """The days on which spans are stored that began neither unknown when nor in a future that nobody believes."""
    latest = (now + timedelta(days=1)).timestamp()
    seconds = {span.start_ns / 1_000_000_000 for span in spans if span.start_ns is not None}
    return {datetime.fromtimestamp(one, UTC).date() for one in seconds if one <= latest}


def _sent(source: Source, name: str, piece: Piece) -> inbox.Sent:
    kind = CSV if source.split is csv_rows else "application/json"
    return inbox.Sent(
        method=METHOD,
        address=f"{source.name}, line {piece.line}",
        client="import_traces",
        content_type=f"{kind}; format={name}",
        encoding="",
        body=piece.raw[: settings.INBOX_MAX_BODY_BYTES],
        size_bytes=len(piece.raw),
    )


def _remember(project: Project, source: Source, name: str, batch: Batch, counts: Counts) -> None:
    """Standard input has no place to begin again. Nor is one remembered behind a last piece that has no end yet."""
    ended = [piece for piece in batch.pieces if piece.whole]
    if source.size_bytes is None or not ended:
        return
    last = ended[-1]
    said = {"format": name, "byte": last.after.byte, "line": last.after.line, "tail": last.tail}
    said |= {"counts": asdict(counts), "finished_at": None}
    ImportedFile.objects.update_or_create(project=project, path=_path(source), defaults=said)


def _path(source: Source) -> str:
    return str(Path(source.name).absolute())


def again(refusal: Refusal) -> None:
    """Take a refused piece in once more, for the replay that runs."""
    kind, _, name = refusal.content_type.partition("; format=")
    batch = Batch()
    split = csv_rows if kind == CSV else json_values
    for piece in split(BytesIO(bytes(refusal.body or b"")), Place()):
        batch.add(piece, _found(piece, name if name in FORMATS else None))
    run = rerun.running()
    try:
        counts = Counts()
        _store(refusal.project_id, batch, counts, timezone.now())
        rejected = [Rejection(position, reason) for position in batch.reasons for reason in batch.reasons[position]]
        if counts.too_old:
            rejected.append(Rejection(0, TOO_OLD))
    except StoreUnavailable as error:
        why: TracesError | list[Rejection] | None = error
    else:
        why = rejected or None
    if run is not None:
        run.why = why
