"""Running the operators' commands in this process."""

from __future__ import annotations

import io
import json

from django.core.management import call_command


def manage(*arguments: str) -> str:
    """What a command prints to standard output."""
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def listed(*arguments: str) -> list[dict[str, str]]:
    """The rows of a list command."""
    rows: list[dict[str, str]] = json.loads(manage(*arguments, "--output-format", "json"))
    return rows
