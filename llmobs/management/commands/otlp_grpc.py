"""`manage.py otlp_grpc`: takes OpenTelemetry in over gRPC. `up` runs it, in containers it is one of them."""

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from llmobs.garbage import settle
from llmobs.processes import GRPC_PORT, GRPC_THREADS
from traces.otlp_grpc import end_the_silent, server

LOOK_SECONDS = 1  # between two looks for calls that hang
CALL_SECONDS = 8  # that calls may still take after we were asked to end


class Command(BaseCommand):
    help = "Take OpenTelemetry in over gRPC, until SIGTERM or Ctrl-C. `up` does it too."
    requires_system_checks: list[str] = []  # they would import every page

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines in")
        parser.add_argument("--port", type=int, default=GRPC_PORT)

    def handle(self, *, host: str, port: int, **options: Any) -> None:
        serving = server(settings.WEB_THREADS or GRPC_THREADS)
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            serving.add_insecure_port(address)
        except RuntimeError as error:
            raise CommandError(f"gRPC cannot listen on {address}; is something else listening there?") from error
        asked_to_end = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: asked_to_end.set())
        settle()
        serving.start()
        while not asked_to_end.wait(LOOK_SECONDS):
            end_the_silent()
        serving.stop(CALL_SECONDS).wait()  # those that have begun are answered, new ones are refused
