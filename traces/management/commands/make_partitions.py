from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from traces import partitions


class Command(BaseCommand):
    help = "Make the daily partitions that the next days need. Safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data-dir", help="the folder that `up` uses")

    def handle(self, **options: Any) -> None:
        made = partitions.make(partitions.wanted(timezone.now().date()))
        self.stdout.write(f"Made {', '.join(map(str, made))}." if made else "Every partition is there.")
