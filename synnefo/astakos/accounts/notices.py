"""The mails about accounts: to whom each goes and what stands in it. Called inside transactions of rules."""

from __future__ import annotations

from urllib.parse import quote

from django.urls import reverse

from synnefo.astakos.accounts.models import EmailChange, User
from synnefo.astakos.mails.rules import addresses, post, public_url


def verification(user: User, token: str, next_path: str = "") -> None:
    path = reverse("activate", args=[token]) + (f"?next={quote(next_path)}" if next_path else "")
    post("verification", [user.email], {"user": user, "url": public_url(path)})


def known_already(email: str) -> None:
    """Somebody signs up with the address of an account."""
    urls = {"url": public_url(reverse("account_login")), "reset_url": public_url(reverse("password-reset"))}
    post("known_already", [email], urls)


def unknown(email: str) -> None:
    """Somebody asks for a mail to an address of which there is no account to do that with."""
    post("unknown", [email], {"url": public_url(reverse("account_signup"))})


def pending_moderation(user: User) -> None:
    """To those who decide."""
    url = public_url(reverse("admin:astakos_user_change", args=[user.pk]))
    to = addresses("ACCOUNT_PENDING_MODERATION_RECIPIENTS") or _administrators()
    post("pending_moderation", to, {"user": user, "url": url})


def accepted(user: User) -> None:
    post("accepted", [user.email], {"user": user, "url": public_url(reverse("account_login"))})
    methods = list(user.auth_methods.values_list("module", flat=True))
    told = {"user": user, "methods": methods}
    post("accepted_notice", addresses("ACCOUNT_ACTIVATED_RECIPIENTS"), told)


def rejected(user: User) -> None:
    post("rejected", [user.email], {"user": user})


def email_change(change: EmailChange, old_token: str, new_token: str, *, is_free: bool) -> None:
    """To both addresses, which both have to agree; an address that has an account hears of that instead."""
    told = {"user": change.user, "change": change}
    old_url, new_url = (public_url(reverse("email-confirm", args=[one])) for one in (old_token, new_token))
    post("email_change_old", [change.user.email], told | {"url": old_url})
    if is_free:
        post("email_change_new", [change.new_email], told | {"url": new_url})
    else:
        known_already(change.new_email)


def email_changed(user: User, old: str) -> None:
    post("email_changed", [old, user.email], {"user": user, "old": old})


def password_reset(user: User, token: str) -> None:
    url = public_url(reverse("password-reset-confirm", args=[user.uuid, token]))
    post("password_reset", [user.email], {"user": user, "url": url})


def password_changed(user: User) -> None:
    post("password_changed", [user.email], {"user": user, "url": public_url(reverse("password-reset"))})


def removed(email: str, realname: str) -> None:
    post("removed", [email], {"realname": realname})


def feedback(user: User, message: str, data: str) -> None:
    told = {"user": user, "message": message, "data": data}
    post("feedback", addresses("FEEDBACK_NOTIFICATIONS_RECIPIENTS") or _administrators(), told)


def _administrators() -> list[str]:
    """Who reads what concerns nobody else, where no setting names anybody."""
    rows = User.objects.filter(is_superuser=True, is_active=True).order_by("pk")
    return list(rows.values_list("email", flat=True))
