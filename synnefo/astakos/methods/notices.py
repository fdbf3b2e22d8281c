"""The mail about changes of how somebody signs in. Called inside the rules' transactions."""

from __future__ import annotations

from django.urls import reverse

from synnefo.astakos.accounts.models import User
from synnefo.astakos.mails.rules import post, public_url


def changed(user: User, what: str) -> None:
    """``what`` is a sentence. Whoever was never accepted has nothing yet that could be taken from him."""
    if user.is_accepted:
        post(
            "sign_in_changed",
            [user.email],
            {"user": user, "what": what, "url": public_url(reverse("methods"))},
        )
