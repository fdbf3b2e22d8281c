"""Sending what is in the outbox. A mail may be sent twice if a dispatcher dies between the mail server's
yes and the note of it; it is never lost."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection
from django.utils import timezone

from synnefo.astakos.mails.models import Mail
from synnefo.common.transactions import atomic, forbid_in_transaction

log = structlog.get_logger("synnefo.astakos")

EVERY_S = 2
_AT_ONCE = 50
_FIRST_PAUSE = datetime.timedelta(seconds=30)
_LONGEST_PAUSE = datetime.timedelta(hours=4)
_TRIES = 20  # about two days
_KEPT = datetime.timedelta(days=90)


def send_due() -> int:
    """Send what is due; returns how many mails went out. After a failure the others wait for the next round,
    so that a mail server that does not answer holds nobody up for long."""
    forbid_in_transaction("sending mail")
    sent = 0
    for mail in _taken():
        try:
            _send(mail)
        except (OSError, ValueError) as error:
            # smtplib's errors are OSErrors; a ValueError is a header that cannot be
            _put_off(mail, error)
            break
        _note_sent(mail)
        sent += 1
    return sent


def remove_old() -> int:
    """Forget mails that ended long ago: they name people. Returns how many."""
    border = timezone.now() - _KEPT
    return Mail.objects.filter(created__lt=border).exclude(sent=None, given_up=None).delete()[0]


def _taken() -> Iterator[Mail]:
    """Mails that are due, each put off before it is handed out, so that no other dispatcher sends it, too."""
    for _ in range(_AT_ONCE):
        now = timezone.now()
        with atomic():
            waiting = Mail.objects.filter(sent=None, given_up=None, due__lte=now).order_by("due", "pk")
            skips = connection.features.has_select_for_update_skip_locked
            mail = waiting.select_for_update(skip_locked=skips).first()
            if mail is None:
                return
            mail.tries += 1
            mail.due = now + _pause(mail.tries)
            mail.save(update_fields=("tries", "due"))
        yield mail


def _send(mail: Mail) -> None:
    message = EmailMultiAlternatives(
        mail.subject, mail.text, settings.SERVER_EMAIL, [mail.recipient],
        connection=get_connection(timeout=settings.EMAIL_TIMEOUT),
        headers={"Auto-Submitted": "auto-generated"},
    )  # fmt: skip
    message.attach_alternative(mail.html, "text/html")
    message.send()


def _note_sent(mail: Mail) -> None:
    """What a mail server has taken is not kept: the table shall hold no links that let somebody in."""
    kept = {} if settings.EMAIL_HOST == "" else {"text": "", "html": ""}
    Mail.objects.filter(pk=mail.pk).update(sent=timezone.now(), error="", **kept)
    log.info("mail sent", template=mail.template, mail=mail.pk)


def _put_off(mail: Mail, error: Exception) -> None:
    log.warning("cannot send a mail", mail=mail.pk, tries=mail.tries, error=str(error))
    over = mail.tries >= _TRIES
    Mail.objects.filter(pk=mail.pk).update(error=str(error), given_up=timezone.now() if over else None)


def _pause(tries: int) -> datetime.timedelta:
    doublings = min(tries - 1, 12)
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * (1 << doublings))
