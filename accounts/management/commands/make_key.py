from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.keys import make_key
from accounts.models import Key, Project


class Command(BaseCommand):
    help = "Make a key of a project and print only it. It cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="the project's name in addresses, such as demo")
        parser.add_argument("--scope", choices=Key.Scope.values, default=Key.Scope.INGEST.value)
        parser.add_argument("--name", default="", help="what it is for, shown in the list of keys")
        parser.add_argument("--data-dir", help="the folder that `up` uses")

    def handle(self, *, project: str, scope: str, name: str, **options: Any) -> None:
        found = Project.objects.filter(slug=project).first()
        if found is None:
            known = ", ".join(Project.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no project {project}. Projects: {known}.")
        self.stdout.write(make_key(found, scope, name))
