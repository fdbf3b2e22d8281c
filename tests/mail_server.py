"""A mail server on this machine, and what it was sent."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pytest_django import Settings

_LINK = re.compile(r"https?://\S{12,}")


class Inbox:
    """All mails that came, oldest first."""

    def __init__(self) -> None:
        self.got: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.got.append(envelope)
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        found = [one for one in self.got if one.rcpt_tos == [address]]
        messages = [
            email.message_from_bytes(one.content or b"", policy=email.policy.default) for one in found
        ]
        return [message for message in messages if isinstance(message, EmailMessage)]

    def last_to(self, address: str) -> str:
        """Subject and text of the last mail to somebody."""
        message = self.to(address)[-1]
        body = message.get_body(("plain",))
        return f"{message['subject']}\n{body.get_content() if body else ''}"

    def link_to(self, address: str) -> str:
        """The link in it."""
        found = _LINK.search(self.last_to(address))
        assert found is not None
        return found[0]


class _Server(Controller):
    """On a port that the system chose."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def running(settings: Settings) -> Iterator[Inbox]:
    """The server, which gets all mail of the cloud meanwhile."""
    inbox = Inbox()
    controller = _Server(inbox, hostname="127.0.0.1", port=0)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    try:
        yield inbox
    finally:
        controller.stop()
