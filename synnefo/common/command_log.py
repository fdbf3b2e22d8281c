"""Which operator ran which command when, and how it ended: one file each, that only its user reads.

Looking (``LOGGER_EXCLUDE_COMMANDS``) is not recorded. What a command prints is not either: it may be a secret
that is shown once. Values of options that are secrets are left out.
"""

from __future__ import annotations

import getpass
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog
from django.conf import settings
from django.utils import timezone

log = structlog.get_logger("synnefo")

_SECRETS = ("--password", "--secret", "--auth-token", "--token")
_SHORTEST = 4  # argparse takes an option by any beginning that no other has
_HIDDEN = "***"


@contextmanager
def recorded(argv: Sequence[str]) -> Iterator[None]:
    """Around the run of a command line; that it cannot be recorded is said, and stops nothing."""
    path = _start(argv)
    result = "interrupted"
    try:
        yield
        result = "done"
    except SystemExit as end:
        result = "done" if not end.code else f"failed with status {end.code}"
        raise
    finally:
        if path is not None:
            _append(path, f"{timezone.now():%Y-%m-%d %H:%M:%S} {result}\n")


def without_secrets(argv: Sequence[str]) -> list[str]:
    """The words of a command line, with values of secret options hidden."""
    shown: list[str] = []
    hide_next = False
    for word in argv:
        name, equals, _ = word.partition("=")
        is_secret = len(name) >= _SHORTEST and any(option.startswith(name) for option in _SECRETS)
        if hide_next:
            shown.append(_HIDDEN)
        else:
            shown.append(f"{name}={_HIDDEN}" if is_secret and equals else word)
        hide_next = is_secret and not equals and not hide_next
    return shown


def _start(argv: Sequence[str]) -> Path | None:
    command = argv[1] if len(argv) > 1 else ""
    if not re.fullmatch(r"[\w-]+", command) or re.search(settings.LOGGER_EXCLUDE_COMMANDS, command):
        return None
    directory = Path(settings.LOG_DIR or Path(settings.SYNNEFO_DATA) / "log") / "commands"
    now = timezone.now()
    path = directory / f"{now:%y%m%d%H%M%S}_{command}_{os.getpid()}.log"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        log.warning("cannot record commands", directory=str(directory), error=str(error))
        return None
    line = shlex.join(without_secrets(argv))
    return _append(path, f"{now:%Y-%m-%d %H:%M:%S} {_user()}: {line}\n")


def _append(path: Path, line: str) -> Path | None:
    try:
        with open(
            os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "a", encoding="utf-8"
        ) as file:
            file.write(line)
    except OSError as error:
        log.warning("cannot record a command", file=str(path), error=str(error))
        return None
    return path


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a number that no user has
        return str(os.getuid())
