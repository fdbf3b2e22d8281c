"""Passwords: changed by who knows the old one, set anew by who reads the account's mail."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator

from synnefo.astakos.accounts import notices, rules, throttle
from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods import policies, registry
from synnefo.astakos.methods.models import LOCAL
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, Unauthorized
from synnefo.common.transactions import atomic


def change(caller: Caller, user: User, old: str, new: str, *, end_api_tokens: bool = False) -> User:
    """Raises BadRequest (the new one is weak), Unauthorized (the old one is another), TooManyRequests.

    API tokens end if he wishes it, and always where ``ASTAKOS_NEWPASSWD_INVALIDATE_TOKEN`` says so.
    """
    rules.check_password(new, user)
    with throttle.guarding("password", user.uuid, caller.address):
        if not user.check_password(old):
            raise Unauthorized("This is not your present password.")
    return _set(caller, user, new, end_api_tokens=end_api_tokens)


def add(caller: Caller, user: User, new: str) -> User:
    """The first password of somebody who signs in otherwise. Raises BadRequest, Conflict, Forbidden."""
    if user.has_usable_password():
        raise Conflict("You have a password already.")
    local = registry.get(LOCAL)
    if not policies.possible(local, user).add:
        raise Forbidden(local.message("cannot_add"))
    return _set(caller, user, new, end_api_tokens=False)


def ask_reset(caller: Caller, email: str) -> None:
    """Mail a link to whoever has the account; any address gets the same answer here, and a mail.

    Raises TooManyRequests.
    """
    throttle.count("password-reset", email, caller.address)
    user = User.objects.filter(username=email.strip().lower(), is_active=True).first()
    if user is None or not user.has_usable_password():
        notices.unknown(email)
        return
    with atomic():
        notices.password_reset(user, default_token_generator.make_token(user))
        audit.record(caller, "user.password-reset-sent", "user", user.uuid)


def user_of_link(uuid: str, token: str) -> User:
    """Who may set a new password by this link. Raises BadRequest: it is too old, or was used."""
    user = User.objects.filter(uuid=uuid, is_active=True).first()
    if user is None or not default_token_generator.check_token(user, token):
        raise BadRequest("This link is too old, or was used already. Ask for a new one.")
    return user


def reset(caller: Caller, uuid: str, token: str, new: str) -> User:
    """Raises BadRequest for the link, or for a weak password."""
    return _set(caller, user_of_link(uuid, token), new, end_api_tokens=False)


def _set(caller: Caller, user: User, new: str, *, end_api_tokens: bool) -> User:
    with atomic():
        ended = end_api_tokens or settings.ASTAKOS_NEWPASSWD_INVALIDATE_TOKEN
        row = rules.set_password(caller, user, new, end_api_tokens=ended)
        notices.password_changed(row)
    return row
