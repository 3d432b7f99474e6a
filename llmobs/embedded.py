"""What DATA_DIR keeps, and where the servers in it listen. `servers.py` starts them.

Imports nothing of Django, because the settings import this. Secrets are made on first use, so that a command which
needs no database runs before there is one, and every command given the same DATA_DIR finds the same servers.
"""

import os
import secrets
import stat
import tempfile
from pathlib import Path
from typing import Any

DATABASE_NAME = DATABASE_USER = "llmobs"
POSTGRES_PORT = 5432  # only part of the socket's name: nothing listens on the network
SOCKET_PATH_BYTES = 90  # the longest path that every system takes for a socket is a little over this


class EmbeddedError(Exception):
    """A sentence for the person who started us: what is in the way, and the cure."""


def has_secret_key(data_dir: Path) -> bool:
    """Whether DATA_DIR holds the key that sessions are signed with."""
    return (data_dir / "secret_key").exists()


def secret_key(data_dir: Path) -> str:
    """The key that sessions are signed with, made on first use."""
    return private_text(data_dir, "secret_key", secrets.token_urlsafe(48))


def database_password(data_dir: Path) -> str:
    """The password of the embedded Postgres, made on first use."""
    return private_text(data_dir, "database_password", secrets.token_urlsafe(32))


def database(data_dir: Path) -> dict[str, Any]:
    """Django's settings for the embedded database, without ENGINE; right before the first start as well."""
    return {
        "NAME": DATABASE_NAME,
        "USER": DATABASE_USER,
        "PASSWORD": database_password(data_dir),
        "HOST": str(socket_folder(data_dir)),
        "PORT": POSTGRES_PORT,
    }


def broker_socket(data_dir: Path) -> Path:
    """Where the embedded Valkey listens."""
    return socket_folder(data_dir) / "valkey.sock"


def broker_url(data_dir: Path) -> str:
    """The embedded Valkey, as Celery writes it."""
    return f"redis+socket://{broker_socket(data_dir)}"


def socket_folder(data_dir: Path) -> Path:
    """The folder of the servers' sockets: `run` in DATA_DIR, or a short one noted there when that path is too long.

    A noted folder that the system has cleaned away is another one from then on.
    """
    folder = data_dir / "run"
    if len(os.fsencode(folder / f".s.PGSQL.{POSTGRES_PORT}.lock")) <= SOCKET_PATH_BYTES:
        return folder
    note = data_dir / "socket_folder"
    if note.exists():
        noted = Path(note.read_text())
        if noted.is_dir():
            return noted
        note.unlink(missing_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="llmobs-", dir="/tmp"))  # TMPDIR is long on macOS
    noted = Path(private_text(data_dir, note.name, str(folder)))
    if noted != folder:
        folder.rmdir()
    return noted


def private_text(data_dir: Path, name: str, new: str) -> str:
    """What the file `name` in DATA_DIR holds; `new` is written first when there is none.

    Only its owner may read it. Of several processes that come at once one writes and all return the same text: a link
    appears whole or not at all.
    """
    path = data_dir / name
    try:
        if not path.exists():
            make_data_dir(data_dir)
            _write_if_missing(path, new)
        return path.read_text()
    except PermissionError as error:
        raise EmbeddedError(f"{path} cannot be read by this user; run this as the user that `up` runs as.") from error


def replace_private_text(data_dir: Path, name: str, text: str) -> None:
    """Write `text` to the file `name` in DATA_DIR, which only its owner may read; whole or not at all."""
    _beside(data_dir / name, text).replace(data_dir / name)


def _write_if_missing(path: Path, text: str) -> None:
    unfinished = _beside(path, text)
    try:
        os.link(unfinished, path)
    except FileExistsError:
        pass  # another process was first, and its text holds
    finally:
        unfinished.unlink()


def _beside(path: Path, text: str) -> Path:
    """A file of another name in the same folder, with `text` in it and mode 600."""
    handle, unfinished = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    return Path(unfinished)


def make_data_dir(data_dir: Path) -> None:
    """Make DATA_DIR, for us alone. As root others may pass through, since the servers run as another user.

    Raises EmbeddedError when it cannot be made or written. The mode of a folder that is there stays as it is.
    """
    try:
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        data_dir.mkdir()
        data_dir.chmod(0o711 if os.geteuid() == 0 else stat.S_IRWXU)
    except FileExistsError:
        pass
    except OSError as error:
        raise EmbeddedError(f"DATA_DIR {data_dir} cannot be made ({error.strerror}); name another folder.") from error
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise EmbeddedError(f"DATA_DIR {data_dir} cannot be written to; give it to this user or name another folder.")
