"""Whose the images are that operators bring in."""

from __future__ import annotations

import dataclasses

from django.core.management.base import CommandParser

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller, Scope


def user_option(parser: CommandParser) -> None:
    parser.add_argument(
        "-u",
        "--user",
        metavar="UUID",
        help="whose file it becomes, in his container images (default: the cloud's own, in no account)",
    )


def acting_for(user: str | None, operator: Caller) -> Caller:
    """The operator, or a user with an operator's rights. Raises Unauthorized if there is no such user."""
    if not user:
        return operator
    found = accounts().identity_of_user(user).caller(Scope.OWNER)
    return dataclasses.replace(found, is_admin=True)
