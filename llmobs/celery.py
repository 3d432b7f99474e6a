"""The Celery application. Tasks carry ids only: what is due is a row in Postgres, so a lost broker loses nothing."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from llmobs.supervise import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmobs.settings")

app = Celery("llmobs")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def _begin_child(**_options: Any) -> None:
    """A worker that was killed leaves no children behind. What they were doing is due again when its lease ends."""
    if os.environ.get("LLMOBS_SUPERVISED"):
        die_with_parent()
        os.nice(5)  # on one machine with the web server, whose requests somebody waits for
