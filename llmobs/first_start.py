"""What a new installation needs before anybody can use it. Everything here runs at every start and changes little."""

import os
import secrets
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

from accounts.keys import holder_of, make_key
from accounts.models import Key, User
from accounts.projects import create_project, make_administrator
from llmobs import embedded
from llmobs.embedded import EmbeddedError

DEMO = "demo"
ADMIN_PASSWORD_FILE, DEMO_KEY_FILE, DEMO_LOADED_FILE = "admin_password", "demo_key", "demo_loaded"


@dataclass(frozen=True, slots=True)
class Access:
    """How to get in. `password` is None when it was not made at this start."""

    email: str
    password: str | None
    key: str


def prepare_database() -> None:
    """Bring the tables up to date and make the partitions that the next days need."""
    call_command("migrate", interactive=False, verbosity=0)
    call_command("make_partitions", stdout=StringIO())


def prepare_access() -> Access:
    """The administrator, the project demo and its key; each is made when it is missing.

    A generated password is shown by the start that makes it and kept in DATA_DIR; one from ADMIN_PASSWORD is not kept.
    """
    given = os.environ.get("ADMIN_PASSWORD")
    email = os.environ.get("ADMIN_EMAIL") or "admin@localhost"
    new_password = given or secrets.token_urlsafe(12)
    made = not User.objects.filter(is_superuser=True).exists()
    if made and not given:
        embedded.replace_private_text(settings.DATA_DIR, ADMIN_PASSWORD_FILE, new_password)
    if made:
        make_administrator(email, new_password)
    first = User.objects.filter(is_superuser=True).order_by("pk").values_list("email", flat=True)[0]
    return Access(first, new_password if made and not given else None, demo_key())


def demo_key() -> str:
    """The key that `up` shows: kept in DATA_DIR, and made again when the database does not know it."""
    project = create_project(DEMO, "Demo")
    file = settings.DATA_DIR / DEMO_KEY_FILE
    if file.exists() and holder_of(file.read_text()):
        return file.read_text()
    key = make_key(project, Key.Scope.INGEST, "Made by up")
    embedded.replace_private_text(settings.DATA_DIR, DEMO_KEY_FILE, key)
    return key


def load_demo_once() -> bool:
    """Fill the project demo at the first start that asks for it. True when it was done now."""
    loaded: Path = settings.DATA_DIR / DEMO_LOADED_FILE
    if loaded.exists():
        return False
    # In a process of its own, whose memory is given back afterwards: 70 MB that `up` would keep for ever.
    command = [sys.executable, "manage.py", "load_demo", "--project", DEMO]
    if subprocess.run(command, cwd=settings.BASE_DIR, check=False).returncode:  # noqa: S603
        raise EmbeddedError("The demonstration could not be loaded, for the reason above; --no-demo starts without it.")
    loaded.touch()
    return True


def collect_static() -> None:
    """Collect the static files when one of them has changed since the last time."""
    root = Path(settings.STATIC_ROOT)
    stamp, digest = root.with_name(f"{root.name}.stamp"), static_digest()
    if root.exists() and stamp.exists() and stamp.read_text() == digest:
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(digest)


def static_digest() -> str:
    """A digest of the name, size and time of every static file."""
    digest = sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            facts = os.stat(storage.path(name))
            digest.update(f"{name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()
