"""What may be done with consoles: asking for one, and reading what the serial port said.

A ticket is a right to one connection, good for ``CYCLADES_CONSOLE_TICKET_S``; the proxy takes it with
``redeem``. Only its digest is stored.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import re
import secrets
import string

from django.conf import settings
from django.utils import timezone

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ServiceUnavailable
from synnefo.common.sealing import Broken, seal, unseal
from synnefo.common.transactions import atomic, forbid_in_transaction
from synnefo.cyclades.backends.base import BackendError, BackendUnavailable
from synnefo.cyclades.backends.registry import engine
from synnefo.cyclades.console.address import page_url, public_base
from synnefo.cyclades.console.classic import answer_to
from synnefo.cyclades.console.models import ConsoleTicket
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.models import Server

_LETTERS = string.ascii_letters + string.digits
#: Of longer ones no more counts.
_PASSWORD_LETTERS = 8
_PURPOSE = "console password"
#: Sequences by which a guest could move a terminal's cursor, colour or title, and bare control characters.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_]|[ -/]+[0-~])")
_LINE_ENDS = re.compile(r"\r*\n|\r+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def open_console(caller: Caller, server_uuid: str, *, base: str = "") -> str:
    """The URL of a page with the server's screen; it works once, without a session.

    ``base`` is the cloud's address as the caller reaches it. Raises as ``new_ticket``.
    """
    server, ticket = new_ticket(caller, server_uuid)
    return page_url(base or public_base(), ticket, server=server.uuid, name=server.name)


def new_ticket(caller: Caller, server_uuid: str) -> tuple[Server, str]:
    """A right to one connection to the server's screen: 43 characters, shown this once.

    Raises ItemNotFound, Forbidden (suspended), Conflict unless the server is running.
    """
    server = servers.get(caller, server_uuid)
    if server.suspended and not caller.is_admin:
        raise Forbidden("Administratively Suspended VM")
    if server.operstate != Server.Oper.STARTED:
        raise Conflict(f"The server is {server.operstate}; it has a screen while it is running.")
    ticket = secrets.token_urlsafe(32)
    now = timezone.now()
    with atomic():
        ConsoleTicket.objects.filter(expires__lt=now).delete()
        ConsoleTicket.objects.create(
            server=server,
            digest=_digest(ticket),
            userid=caller.user,
            expires=now + datetime.timedelta(seconds=settings.CYCLADES_CONSOLE_TICKET_S),
        )
        record(caller, "server.console", Server.TARGET, server.pk, name=server.name)
    return server, ticket


def new_password(caller: Caller, server_uuid: str) -> tuple[Server, str]:
    """The same for classic VNC clients: a password of eight characters. Raises as ``new_ticket``."""
    password = "".join(secrets.choice(_LETTERS) for _ in range(_PASSWORD_LETTERS))
    server, ticket = new_ticket(caller, server_uuid)
    ConsoleTicket.objects.filter(digest=_digest(ticket)).update(sealed=seal(password, _PURPOSE))
    return server, password


def redeem_password(challenge: bytes, response: bytes) -> Server | None:
    """The server whose password makes this response of the challenge, once; None if there is none."""
    now = timezone.now()
    waiting = ConsoleTicket.objects.filter(used__isnull=True, expires__gt=now).exclude(sealed="")
    for ticket in waiting:
        try:
            expected = answer_to(challenge, unseal(ticket.sealed, _PURPOSE))
        except Broken:
            continue
        if hmac.compare_digest(expected, response):
            mine = ConsoleTicket.objects.filter(pk=ticket.pk, used__isnull=True)
            if not mine.update(used=now, sealed=""):
                return None
            return Server.objects.filter(tickets=ticket, deleted=False).select_related("backend").first()
    return None


def redeem(ticket: str) -> Server | None:
    """The server that the ticket opens, once; None if it is unknown, used or expired."""
    now = timezone.now()
    tickets = ConsoleTicket.objects.filter(digest=_digest(ticket))
    if not tickets.filter(used__isnull=True, expires__gt=now).update(used=now):
        return None
    return Server.objects.filter(tickets__in=tickets, deleted=False).select_related("backend").first()


def console_log(caller: Caller, server_uuid: str, lines: int | None = None) -> str:
    """The last lines (None: all that is kept) of the serial console, as harmless text.

    Raises ItemNotFound, BadRequest (lines), ServiceUnavailable (the engine does not answer).
    """
    forbid_in_transaction("reading a console log")
    if lines is not None and lines < 0:
        raise BadRequest("The number of lines must not be negative.")
    server = servers.get(caller, server_uuid)
    if server.backend is None:
        return ""
    try:
        raw = engine(server.backend).console_log(server.engine_name, settings.CYCLADES_CONSOLE_LOG_MAX_BYTES)
    except BackendUnavailable as error:
        raise ServiceUnavailable("The server's engine does not answer now; try again.") from error
    except BackendError:
        return ""
    return last_lines(plain_text(raw), lines)


def plain_text(raw: bytes) -> str:
    """What a terminal would show, without anything that would steer one."""
    text = _ESCAPES.sub("", raw.decode("utf-8", "replace"))
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))


def last_lines(text: str, lines: int | None) -> str:
    if lines is None:
        return text
    return "".join(text.splitlines(keepends=True)[-lines:]) if lines else ""


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode(errors="surrogateescape")).hexdigest()
