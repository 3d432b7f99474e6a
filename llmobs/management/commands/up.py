"""`manage.py up`: everything that llmobs is, on one machine, until Ctrl-C."""

import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from llmobs import first_start, processes, servers, supervise
from llmobs.embedded import EmbeddedError
from llmobs.lock import LEFTOVER_SECONDS, locked, require_free_port
from llmobs.processes import Ports
from llmobs.supervise import Service

READY_SECONDS = 60
HOPELESS_DEATHS = 3  # in a row, before it was ever ready

SCREEN = """
  Address    {address}
  OTLP gRPC  {grpc}
  Log in as  {email}
  Password   {password}
  Key        {key}  (ingest, project demo)
  Data, logs {data_dir}

  Send a call, then paste its request id hello-1 into the search box:

{curl}

Ctrl-C stops everything.
llmobs is ready at {address}"""


class Command(BaseCommand):
    help = "Start everything on this machine: database, broker, web server, jobs. Ctrl-C stops all of it."
    requires_system_checks: list[str] = []  # as Django declares it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines in")
        parser.add_argument("--data-dir", help="where everything is kept (DATA_DIR, else var beside manage.py)")
        parser.add_argument("--workers", type=int, default=2, help="processes of the web server")
        parser.add_argument("--grpc-port", type=int, help="of OpenTelemetry over gRPC (4317 if it is free; 0: none)")
        demo = parser.add_mutually_exclusive_group()
        demo.add_argument("--demo", action="store_true", help="at first, load seven days of traces into project demo")
        demo.add_argument("--no-demo", action="store_false", dest="demo", help="leave project demo empty (the default)")

    def handle(self, *, grpc_port: int | None, demo: bool, **options: Any) -> None:
        ports = Ports(options["host"], options["port"], grpc_port)
        os.umask(0o077)  # what is written below DATA_DIR is nobody else's to read
        with locked(settings.DATA_DIR) as orderly, stopped_by_signals():
            ports = self.free_ports(ports, patience_seconds=0 if orderly else LEFTOVER_SECONDS)
            services: list[Service] = []
            try:
                self.start(services, ports, options["workers"], demo)
                supervise.watch(services, self.say)
            except KeyboardInterrupt:
                self.stdout.write("Stopping …")
            finally:
                supervise.stop_all(services)

    def free_ports(self, ports: Ports, patience_seconds: float) -> Ports:
        """`ports`, with the one of gRPC chosen: its usual one unless it was named or somebody else has it already."""
        require_free_port(ports.host, ports.web, patience_seconds=patience_seconds)
        if ports.grpc is not None:
            if ports.grpc:
                require_free_port(ports.host, ports.grpc, option="--grpc-port", patience_seconds=patience_seconds)
            return ports
        try:
            require_free_port(ports.host, processes.GRPC_PORT, option="--grpc-port", patience_seconds=patience_seconds)
        except EmbeddedError as error:
            self.say(f"Warning: OpenTelemetry over gRPC is not taken in. {error}")
            return replace(ports, grpc=0)
        return replace(ports, grpc=processes.GRPC_PORT)

    def start(self, services: list[Service], ports: Ports, workers: int, demo: bool) -> None:
        """Start one after the other, noting each in `services` first, so that whatever happens it will be stopped."""
        started_at = time.monotonic()
        address = processes.address_of(ports.host, ports.web)
        os.environ.setdefault("SITE_URL", address)
        os.environ |= {"LLMOBS_SUPERVISED": "1", "DATA_DIR": str(settings.DATA_DIR)}
        start_servers(services)
        first_start.prepare_database()
        access = first_start.prepare_access()
        first_start.collect_static()
        if demo:
            first_start.load_demo_once()
        connection.close()
        for service in processes.of_our_own(ports, workers):
            services.append(service)
            service.start()
        self.wait_until_ready(services, ports)
        self.say(f"Started in {time.monotonic() - started_at:.1f} s.")
        self.stdout.write(screen(ports, access))
        self.stdout.flush()

    def wait_until_ready(self, services: Sequence[Service], ports: Ports) -> None:
        """Raises EmbeddedError when a process cannot start, or READY_SECONDS have not been enough."""
        deadline = time.monotonic() + READY_SECONDS
        while (obstacle := processes.obstacle_at(ports)) is not None:
            if time.monotonic() > deadline:
                raise EmbeddedError(f"llmobs does not get ready: {obstacle} See {settings.DATA_DIR / 'log'}.")
            for service in services:
                service.tend(self.say)
                if service.deaths >= HOPELESS_DEATHS:
                    raise EmbeddedError(f"{service.name} does not start; its last words are in {service.log}.")
            time.sleep(0.1)

    def say(self, sentence: str) -> None:
        self.stdout.write(f"{time.strftime('%H:%M:%S')} {sentence}")
        self.stdout.flush()


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Make SIGTERM, and the end of the terminal, what Ctrl-C is. Only the first counts, so that the stop is orderly.

    make passes signals on that the terminal has sent to all, so that more than one is usual.
    """
    seen = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal seen
        if not seen:
            seen = True
            raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def start_servers(services: list[Service]) -> None:
    """Start Postgres and Valkey unless the environment names others."""
    if not settings.DATABASE_URL:
        services.append(servers.postgres(settings.DATA_DIR))
        servers.start_postgres(services[-1], settings.DATA_DIR)
    if not settings.BROKER_URL:
        services.append(servers.valkey(settings.DATA_DIR))
        servers.start_valkey(services[-1], settings.DATA_DIR)


def screen(ports: Ports, access: first_start.Access) -> str:
    """What to click, paste and know."""
    address = processes.address_of(ports.host, ports.web)
    kept = settings.DATA_DIR / first_start.ADMIN_PASSWORD_FILE
    later = f"(kept in {kept})" if kept.exists() else "(the one you chose)"
    return SCREEN.format(
        address=address,
        grpc=processes.address_of(ports.host, ports.grpc) if ports.grpc else "not taken in",
        email=access.email,
        password=f"{access.password}  {later}" if access.password else later,
        key=access.key,
        data_dir=settings.DATA_DIR,
        curl=curl(address, access.key),
    )


def curl(address: str, key: str) -> str:
    """A line that sends one call when pasted."""
    call = {
        "request_id": "hello-1",
        "feature": "try-it",
        "model": "gpt-4o-mini",
        "input": "What is the capital of France?",
        "output": "Paris.",
        "input_tokens": 14,
        "output_tokens": 2,
        "duration_ms": 420,
    }
    headers = f"-H 'Authorization: Bearer {key}' -H 'Content-Type: application/json'"
    return f"curl {address}/api/v1/traces {headers} -d '{json.dumps(call)}'"
