from django.apps import AppConfig


class LlmobsConfig(AppConfig):
    name = "llmobs"
