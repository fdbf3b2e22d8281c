"""Files that commands read."""

from __future__ import annotations

import sys
from pathlib import Path

from django.core.management.base import CommandError


def text_of_file(name: str) -> str:
    """What is in a file, or for ``-`` on standard input. Raises CommandError."""
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name}: {error}") from None
