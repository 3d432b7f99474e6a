"""`manage.py up`: everything that llmobs is, on one machine, until Ctrl-C."""

import http.client
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from llmobs import first_start, servers, supervise
from llmobs.embedded import EmbeddedError
from llmobs.lock import LEFTOVER_SECONDS, locked, require_free_port
from llmobs.supervise import Service

THREADS = 16  # of each web worker, and the size of its database pool
READY_SECONDS = 60
HOPELESS_DEATHS = 3  # in a row, before it was ever ready
EVERYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104  # compared with, not listened on

SCREEN = """
  Address    {address}
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
        parser.add_argument("--grpc-port", type=int, help="where OTLP over gRPC is taken in, once it is")
        demo = parser.add_mutually_exclusive_group()
        demo.add_argument("--demo", action="store_true", help="at first, load seven days of traces into project demo")
        demo.add_argument("--no-demo", action="store_false", dest="demo", help="leave project demo empty (the default)")

    def handle(self, *, port: int, host: str, workers: int, demo: bool, **options: Any) -> None:
        os.umask(0o077)  # what is written below DATA_DIR is nobody else's to read
        with locked(settings.DATA_DIR) as orderly, stopped_by_signals():
            require_free_port(host, port, patience_seconds=0 if orderly else LEFTOVER_SECONDS)
            services: list[Service] = []
            try:
                self.start(services, host, port, workers, demo)
                supervise.watch(services, self.say)
            except KeyboardInterrupt:
                self.stdout.write("Stopping …")
            finally:
                supervise.stop_all(services)

    def start(self, services: list[Service], host: str, port: int, workers: int, demo: bool) -> None:
        """Start one after the other, noting each in `services` first, so that whatever happens it will be stopped."""
        started_at = time.monotonic()
        address = address_of(host, port)
        os.environ.setdefault("SITE_URL", address)
        os.environ |= {"LLMOBS_SUPERVISED": "1", "DATA_DIR": str(settings.DATA_DIR)}
        start_servers(services)
        first_start.prepare_database()
        access = first_start.prepare_access()
        first_start.collect_static()
        if demo:
            first_start.load_demo_once()
        connection.close()
        for service in (web(host, port, workers), worker(), beat()):
            services.append(service)
            service.start()
        self.wait_until_ready(services, host, port)
        self.say(f"Started in {time.monotonic() - started_at:.1f} s.")
        self.stdout.write(screen(address, access))
        self.stdout.flush()

    def wait_until_ready(self, services: Sequence[Service], host: str, port: int) -> None:
        """Raises EmbeddedError when a process cannot start, or READY_SECONDS have not been enough."""
        deadline = time.monotonic() + READY_SECONDS
        while (obstacle := obstacle_at(host, port)) is not None:
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


def web(host: str, port: int, workers: int) -> Service:
    """The web server. Its threads are as many as its database connections, so that none waits long for one."""
    threads = os.environ.get("WEB_THREADS") or str(THREADS)
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)]
    command += ["--workers", str(workers), "--blocking-threads", threads, "--backlog", "1024"]
    # A hung request must not hold up the end; a dead worker must not end the others.
    command += ["--workers-kill-timeout", "8", "--respawn-failed-workers", "--respawn-interval", "0.5"]
    command += ["--no-ws", "--log-level", "warning", "llmobs.wsgi:application"]
    # With an arena for each thread a worker kept 240 MB after a load that needs 160.
    return service("Web", command, WEB_THREADS=threads, MALLOC_ARENA_MAX=os.environ.get("MALLOC_ARENA_MAX", "2"))


def worker() -> Service:
    """What runs the jobs."""
    options = ["--concurrency", "2", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
    return service("Worker", [sys.executable, "-m", "celery", "-A", "llmobs", "-q", "worker", *options])


def beat() -> Service:
    """What makes jobs due. One per installation."""
    schedule = str(settings.DATA_DIR / "beat_schedule")
    options = ["--schedule", schedule, "--pidfile", "", "--loglevel", "WARNING"]
    return service("Beat", [sys.executable, "-m", "celery", "-A", "llmobs", "-q", "beat", *options])


def service(name: str, command: list[str], **env: str) -> Service:
    """A process of our own code."""
    env = {"PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "llmobs.settings"} | env
    log: Path = settings.DATA_DIR / "log" / f"{name.lower()}.log"
    return Service(name, command, log, env=env, folder=settings.BASE_DIR)


def address_of(host: str, port: int) -> str:
    """Where a browser on this machine finds a server that listens on `host`."""
    name = "127.0.0.1" if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}"


def obstacle_at(host: str, port: int) -> str | None:
    """Why the server is not ready, in its own words; None when it is."""
    caller = http.client.HTTPConnection("127.0.0.1" if host in EVERYWHERE else host, port, timeout=10)
    try:
        caller.request("GET", "/health/ready")
        answer = caller.getresponse()
        body = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"the web server does not answer ({error})."
    finally:
        caller.close()
    return None if answer.status == 200 else f"the web server says {answer.status} {body[:500]}."


def screen(address: str, access: first_start.Access) -> str:
    """What to click, paste and know."""
    kept = settings.DATA_DIR / first_start.ADMIN_PASSWORD_FILE
    later = f"(kept in {kept})" if kept.exists() else "(the one you chose)"
    return SCREEN.format(
        address=address,
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
