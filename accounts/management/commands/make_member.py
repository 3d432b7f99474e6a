import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from accounts.models import Project, Role
from accounts.projects import make_member


class Command(BaseCommand):
    help = "Give a person a role in a project and print the first password (nothing for one who has one already)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--project", required=True)
        parser.add_argument("--role", choices=Role.values, default=Role.SUPPORT.value)
        parser.add_argument("--data-dir", help="the folder that `up` uses")

    def handle(self, *, email: str, project: str, role: str, **options: Any) -> None:
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email} is not an e-mail address.") from error
        found = Project.objects.filter(slug=project).first()
        if found is None:
            raise CommandError(f"There is no project {project}.")
        password = secrets.token_urlsafe(12)
        if make_member(email, found, Role(role), password):
            self.stdout.write(password)
        else:
            self.stderr.write(f"{email} is a member already and keeps the password; the role is now {role}.")
