from django.apps import AppConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class LlmobsConfig(AppConfig):
    name = "llmobs"


class StaticFilesWithoutExtensions(StaticFilesConfig):
    """htmx's extensions import htmx by a name that only a bundler resolves, and no page of ours uses one."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "django_htmx/ext/*"]  # as Django declares it
