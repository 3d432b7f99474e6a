"""The installation: settings, addresses, servers. Imports the Celery application so that `shared_task` finds it."""

from llmobs.celery import app as celery_app

__all__ = ["celery_app"]
