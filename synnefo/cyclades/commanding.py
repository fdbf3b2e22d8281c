"""What the commands of all nouns have in common: ids as people write them, whose things are, waiting."""

from __future__ import annotations

import time
from collections.abc import Iterable

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller, Scope
from synnefo.common.commands import flag_option
from synnefo.common.faults import ItemNotFound, Unauthorized
from synnefo.common.ids import parse_uuid
from synnefo.engine import rules as engine
from synnefo.engine.models import Operation

_LOOK_AGAIN_S = 0.2
_LONGEST_WAIT_S = 3600


def number_of(text: str, kind: str = "") -> int:
    """``42``, or the name on the engine: ``snf-42``, with a ``kind`` ``snf-net-42``. Raises CommandError."""
    number = text.removeprefix(f"{settings.BACKEND_PREFIX_ID}{kind}")
    if not number.isascii() or not number.isdigit():
        raise CommandError(f"{text!r} is no number, and no name as {settings.BACKEND_PREFIX_ID}{kind}42")
    return int(number)


def user_uuid(text: str) -> str:
    """The uuid of a user who is named by it, or by his whole e-mail. Raises CommandError."""
    if found := parse_uuid(text):
        return found
    likely = accounts().names(accounts().users_like(text))
    found_by_mail = [uuid for uuid, name in likely.items() if name.lower() == text.lower()]
    if len(found_by_mail) != 1:
        raise CommandError(f"there is no user {text!r}")
    return found_by_mail[0]


def acting_as(user: str, project: str | None = None) -> Caller:
    """That user (uuid or e-mail), in his default project or another of his, with what he may do himself.

    Raises CommandError if there is no such user, or he may not work.
    """
    try:
        caller = accounts().identity_of_user(user_uuid(user)).caller(Scope.OWNER)
    except (Unauthorized, ItemNotFound) as fault:
        raise CommandError(f"{user}: {fault.message}") from None
    if project is not None and project not in caller.projects:
        raise CommandError(f"{user} is not in the project {project}")
    return caller if project is None else caller.in_project(project)


def mails(users: Iterable[str]) -> dict[str, str]:
    """What users are called, by uuid; those whom Astakos does not know are called by their uuid."""
    wanted = {user for user in users if user}
    return {**{user: user for user in wanted}, **accounts().names(wanted)}


def mails_option(parser: CommandParser) -> None:
    parser.add_argument("--display-mails", action="store_true", help="show users by their e-mail")


def wait_option(parser: CommandParser, *, default: bool = True) -> None:
    flag_option(parser, "--wait", f"whether to wait until it is done (default: {'yes' if default else 'no'})")
    parser.set_defaults(wait=default)


def wait_for(kind: str, number: int) -> None:
    """Until the newest operation on it has ended. Raises CommandError if it failed, or takes for ever."""
    end = time.monotonic() + _LONGEST_WAIT_S
    while (last := engine.history_of(kind, number).first()) is not None and last.active:
        if time.monotonic() > end:
            raise CommandError(f"{last} has not ended in {_LONGEST_WAIT_S} s")
        time.sleep(_LOOK_AGAIN_S)
    if last is not None and last.state == Operation.State.FAILED:
        raise CommandError(f"{last.kind} failed: {last.error}")
