"""For load balancers and `up`: is this process alive, and can it do its work?"""

from django.db import Error, OperationalError, connection, transaction
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError as BrokerProblem
from psycopg import errors

from llmobs.celery import app
from traces import partitions

BROKER_SECONDS = 2

TAKES_WRITES = "SELECT current_setting('transaction_read_only') = 'off'"
# More than the memory allowed: the rows go to a file on the database's disk, which is gone when the statement ends.
LITTLE_MEMORY = "SET LOCAL work_mem = '64kB'"
WRITE_TO_DISK = "SELECT count(*) FROM generate_series(1, 20000)"


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 from any process that answers at all."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when database, broker and the partitions of today and tomorrow are there; else 503, with what is missing."""
    parts = {"database": _database(), "broker": _broker()}
    parts["partitions"] = _partitions() if parts["database"] == "ok" else "unknown"
    well = all(state == "ok" for state in parts.values())
    return JsonResponse({"status": "ok" if well else "unavailable", **parts}, status=200 if well else 503)


def _database() -> str:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(TAKES_WRITES)
            if cursor.fetchone() != (True,):
                return "The database is read-only; make it take writes again."
            cursor.execute(LITTLE_MEMORY)
            cursor.execute(WRITE_TO_DISK)
    except OperationalError as error:
        if isinstance(error.__cause__, errors.DiskFull):
            return "The database's disk is full; make room."
        return "The database does not answer."
    except Error:
        return "The database does not answer."
    return "ok"


def _broker() -> str:
    try:
        with app.connection_for_write(connect_timeout=BROKER_SECONDS) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_SECONDS)
    except (BrokerProblem, OSError):
        return "The broker does not answer."
    return "ok"


def _partitions() -> str:
    try:
        missing = partitions.missing(timezone.now().date())
    except Error:
        return "The tables are missing; run `python manage.py migrate`."
    return (
        f"No partition for {', '.join(map(str, missing))}; run `python manage.py make_partitions`." if missing else "ok"
    )
