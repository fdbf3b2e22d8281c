"""Passwords as commands get and make them."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError
from django.utils.crypto import get_random_string

_LENGTH = 16


def password_option(parser: Any) -> None:
    """``--password``, for a parser or a group of exclusive options."""
    parser.add_argument(
        "--password", help='his password; "-" reads it from standard input, where other users do not see it'
    )


def given(text: str | None) -> str | None:
    """The password that an option names, None without one."""
    if text != "-":
        return text
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise CommandError("no password on standard input")
    return line


def generated() -> str:
    """Letters and digits: to be selected by a double click and passed to any shell."""
    return get_random_string(_LENGTH)
