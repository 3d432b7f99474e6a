"""The Celery application. Tasks carry ids only: what is due is a row in Postgres, so a lost broker loses nothing."""

import os
from typing import Any

from celery import Celery
from celery.signals import task_prerun, worker_process_init
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from llmobs.lib import priority
from llmobs.supervise import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmobs.settings")

app = Celery("llmobs")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def _begin_child(**_options: Any) -> None:
    """A worker that was killed leaves no children behind. What they were doing is due again when its lease ends."""
    task_prerun.connect(_use_what_works)
    if os.environ.get("LLMOBS_SUPERVISED"):
        die_with_parent()
        priority.give_way(os.getpid())
        if settings.DATABASE_IS_OURS:
            connection_created.connect(_let_backend_give_way)


def _use_what_works(**_options: Any) -> None:
    """A task begins with the connection of the one before if that works, else with none."""
    for connection in connections.all(initialized_only=True):
        connection.close_if_unusable_or_obsolete()
        connection.close_if_health_check_failed()


def _let_backend_give_way(connection: BaseDatabaseWrapper, **_options: Any) -> None:
    """What a job asks of Postgres is worked off in a process of Postgres' own."""
    priority.give_way(connection.connection.info.backend_pid)
