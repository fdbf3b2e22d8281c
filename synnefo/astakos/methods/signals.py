"""What Django and allauth tell, and what follows for a user's ways to sign in."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.signals import user_logged_in
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest

from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods import flow, notices, rules
from synnefo.astakos.methods.models import LOCAL
from synnefo.audit import rules as audit
from synnefo.common.pages import stranger
from synnefo.common.transactions import atomic

_NAMES = {
    "totp": "An authenticator app",
    "webauthn": "A passkey or security key",
    "recovery_codes": "Recovery codes",
}


@receiver(post_save, sender=User, dispatch_uid="local-method")
def keep_local_method(instance: User, update_fields: Any = None, raw: bool = False, **_: Any) -> None:
    """A password is a way to sign in, wherever it was set."""
    if not raw and (update_fields is None or "password" in update_fields):
        rules.ensure_local(instance)


@receiver(user_logged_in, dispatch_uid="method-used")
def note_method(request: HttpRequest, user: User, **_: Any) -> None:
    for record in reversed(get_authentication_records(request, user)):
        if record["method"] == "socialaccount":
            return flow.after_sign_in(request, user, record["provider"], record["uid"])
        if record["method"] == "password":
            break
    return flow.after_sign_in(request, user, LOCAL, "")


@receiver(authenticator_added, dispatch_uid="second-factor-added")
def added(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    _tell(request, user, "add", authenticator, "was added to the second factors.")


@receiver(authenticator_removed, dispatch_uid="second-factor-removed")
def removed(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    _tell(request, user, "remove", authenticator, "was removed from the second factors.")


@receiver(authenticator_reset, dispatch_uid="second-factor-reset")
def reset(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    _tell(request, user, "renew", authenticator, "were made anew.")


def _tell(request: HttpRequest, user: User, action: str, authenticator: Authenticator, words: str) -> None:
    kind = str(authenticator.type)
    with atomic():
        audit.record(stranger(request, user.uuid), f"second-factor.{action}", "user", user.uuid, factor=kind)
        if kind != Authenticator.Type.RECOVERY_CODES or action == "renew":  # they come and go with the others
            notices.changed(User.objects.get(pk=user.pk), f"{_NAMES[kind]} {words}")
