"""``cleanup-full``"""

from __future__ import annotations

from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.utils import timezone

from synnefo.astakos.accounts import email_change, throttle, tokens
from synnefo.astakos.mails import sending
from synnefo.astakos.methods import rules as methods
from synnefo.common.commands import Command as Base


class Command(Base):
    help = "Remove what has expired: sessions, tokens, links, identities without an account, old mails."

    def handle(self, *args: Any, **options: Any) -> None:
        removed = {
            "sessions": Session.objects.filter(expire_date__lt=timezone.now()).delete()[0],
            "devices": _forget_devices(),
            "tokens": tokens.remove_expired(),
            "changes of e-mail": email_change.forget_old(),
            "identities": methods.forget_pending(),
            "failed logins": throttle.forget_old(),
            "mails": sending.remove_old(),
        }
        for what, count in removed.items():
            self.stdout.write(f"{what}: {count}")


def _forget_devices() -> int:
    """Of sessions that are gone."""
    gone = UserSession.objects.exclude(session_key__in=Session.objects.values("session_key"))
    count: int = gone.delete()[0]
    return count
