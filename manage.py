#!/usr/bin/env python
"""The front door for every command. `--data-dir` is read before the settings, because they depend on it."""

import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.db import OperationalError

from llmobs.embedded import EmbeddedError


def data_dir_option(arguments: list[str]) -> str | None:
    """The value of `--data-dir` in `arguments`, or None when it is not given."""
    for position, argument in enumerate(arguments):
        if argument.startswith("--data-dir="):
            return argument.partition("=")[2]
        if argument == "--data-dir" and position + 1 < len(arguments):
            return arguments[position + 1]
    return None


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmobs.settings")
    if data_dir := data_dir_option(sys.argv[1:]):
        os.environ["DATA_DIR"] = data_dir
    try:
        execute_from_command_line(sys.argv)
    except EmbeddedError as error:
        sys.exit(str(error))
    except OperationalError as error:
        sys.exit(without_database(error))


def without_database(error: OperationalError) -> str:
    """One sentence with the cure, for a command that could not reach its database."""
    if settings.DATABASE_URL:
        return f"The database of DATABASE_URL does not answer: {error}"
    return f"The database in {settings.DATA_DIR} is not running; start it by `python manage.py up` in another terminal."


if __name__ == "__main__":
    main()
