"""The authentication back end of the pages: ``login.by_password``, for Django and allauth."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from synnefo.astakos.accounts import login
from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods import policies
from synnefo.common.faults import TooManyRequests
from synnefo.common.http.context import client_address


class PasswordBackend(ModelBackend):
    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **credentials: Any,
    ) -> User | None:
        """Too many failures look like one more here; the page's adapter tells them apart."""
        name = username or credentials.get("email")
        if not name or password is None:
            return None
        address = client_address(request) if request is not None else ""
        try:
            user = login.owner_of_password(name, password, address=address)
        except TooManyRequests:
            return None
        if user is not None and not user.is_active:
            if request is not None:
                request.login_refusal = login.why_inactive(user)  # type: ignore[attr-defined]
            return None
        return user if user is not None and policies.may_use_password(user) else None
