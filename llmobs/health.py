"""For load balancers and `up`: is this process alive, and can it do its work?"""

from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from llmobs.celery import app
from traces import partitions

BROKER_SECONDS = 2


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
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return "The database does not answer."
    return "ok"


def _broker() -> str:
    try:
        with app.connection_for_write(connect_timeout=BROKER_SECONDS) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_SECONDS)
    except (OperationalError, OSError):
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
