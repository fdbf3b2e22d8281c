"""What allauth's flows ask of us: who may sign up, and when somebody guesses too much."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from synnefo.astakos.accounts import throttle
from synnefo.common.faults import TooManyRequests
from synnefo.common.http.context import client_address


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Accounts are made by operators."""
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse early and visibly what the authentication back end would refuse silently."""
        name = credentials.get("email") or credentials.get("username") or ""
        try:
            throttle.check(name, client_address(request))
        except TooManyRequests as fault:
            raise self.validation_error("too_many_login_attempts") from fault

    def is_safe_url(self, url: str | None) -> bool:
        """After signing in one goes to a page of this cloud, never to another host."""
        return url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)
