"""Which Python `make` takes: checks/python.sh."""

import os
import subprocess
from pathlib import Path

CHOICE = Path(__file__).parent.parent / "checks" / "python.sh"
SYSTEM = Path("/usr/bin/python3")
PLAIN, WITH_PROFILE = "exit 1", "exit 0"  # what a python3 answers when it is asked how it was built


def chosen(python3: str, folder: Path) -> str:
    """What is chosen where `python3` is this script."""
    program = folder / "python3"
    program.write_text(f"#!/bin/sh\n{python3}\n")
    program.chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    done = subprocess.run(["sh", CHOICE], env={"PATH": path}, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_python_that_was_built_with_its_profile_is_taken(tmp_path: Path) -> None:
    assert chosen(WITH_PROFILE, tmp_path) == "python3"


def test_another_gives_way_to_the_systems_where_that_can_serve(tmp_path: Path) -> None:
    can_serve = "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"
    serves = SYSTEM.exists() and subprocess.run([SYSTEM, "-c", can_serve], check=False).returncode == 0
    assert chosen(PLAIN, tmp_path) == (str(SYSTEM) if serves else "python3")
