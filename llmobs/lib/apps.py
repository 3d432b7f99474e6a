from django.apps import AppConfig


class LibConfig(AppConfig):
    name = "llmobs.lib"
    label = "lib"
