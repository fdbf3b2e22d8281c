"""The second factor: allauth.mfa knows codes and passkeys; ours are the limits on guessing, what is kept
encrypted, and what an API asks of somebody who has one.
"""

from __future__ import annotations

from typing import Any

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base import forms
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from synnefo.astakos.accounts import throttle
from synnefo.astakos.accounts.models import User
from synnefo.common.faults import TooManyRequests, Unauthorized
from synnefo.common.http.addresses import base_url
from synnefo.common.http.context import client_address
from synnefo.common.sealing import seal, unseal

_ACTION = _PURPOSE = "second-factor"
_NEEDED = (
    "This account has a second factor, so its password alone is not enough here. "
    "Use an application credential or a token, or send a code along (methods password and totp)."
)


class SecondFactorAdapter(DefaultMFAAdapter):
    def get_totp_issuer(self) -> str:
        return str(settings.BRANDING_SERVICE_NAME)

    def encrypt(self, text: str) -> str:
        return seal(text, _PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, _PURPOSE)

    def generate_authenticator_name(self, user: User, type: str) -> str:
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return "Key" if number == 1 else f"Key {number}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Passkeys belong to the name by which browsers reach this cloud."""
        host = base_url(context.request).partition("://")[2].partition("/")[0]
        return {"id": host.partition(":")[0], "name": settings.BRANDING_SERVICE_NAME}


class _Limited:
    """A form with a code, of which nobody tries many."""

    user: User

    def clean_code(self) -> str:
        request = context.request
        name, address = self.user.uuid, client_address(request)
        try:
            throttle.check(name, address, _ACTION)
        except TooManyRequests as fault:
            raise ValidationError(fault.message) from fault
        try:
            code: str = super().clean_code()  # type: ignore[misc]
        except ValidationError:
            throttle.note_failure(name, address, _ACTION)
            raise
        return code


class AuthenticateForm(_Limited, forms.AuthenticateForm):
    pass


class ReauthenticateForm(_Limited, forms.ReauthenticateForm):
    pass


def authenticators_of(user: User) -> QuerySet[Authenticator]:
    """Those that prove something; recovery codes replace them."""
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(user=user, type__in=kinds)
    return rows.order_by("pk")


def require(user: User, passcode: str | None, *, address: str) -> None:
    """What an API asks of somebody who gave the right password: a code, if he has a second factor.

    ``ASTAKOS_API_PASSWORD_ALONE`` lets the password do. A code that is given is checked in any case. Raises
    Unauthorized, TooManyRequests.
    """
    if passcode is None:
        if settings.ASTAKOS_API_PASSWORD_ALONE or not authenticators_of(user).exists():
            return
        raise Unauthorized(_NEEDED)
    with throttle.guarding(_ACTION, user.uuid, address):
        if not _is_valid(user, passcode):
            raise Unauthorized("The request you have made requires authentication.")


def _is_valid(user: User, passcode: str) -> bool:
    rows: Any = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN)
    for row in rows:
        if row.wrap().validate_code(passcode):
            row.record_usage()
            return True
    return False
