"""Mails of a cloud without a mail server: one file each, which mail programs open."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

log = structlog.get_logger("synnefo.astakos")


class EmailBackend(BaseEmailBackend):
    """Writes below ``EMAIL_FILE_PATH``; where that is stands in the log. Raises OSError."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        directory = Path(settings.EMAIL_FILE_PATH)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in messages:
            path = directory / f"{timezone.now():%Y%m%d-%H%M%S-%f}-{os.getpid()}.eml"
            with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(message.message().as_bytes())
            log.info("no mail server is set: mail is a file", file=str(path), to=message.to)
        return len(messages)
