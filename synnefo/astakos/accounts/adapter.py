"""What allauth's flows ask of us: when somebody guesses too much, and where one goes then."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from synnefo.astakos.accounts import throttle
from synnefo.common.faults import TooManyRequests
from synnefo.common.http.context import client_address


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Accounts are made by ``signup`` alone."""
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse early and visibly what the authentication back end would refuse silently."""
        name = credentials.get("email") or credentials.get("username") or ""
        try:
            throttle.check(name, client_address(request))
        except TooManyRequests as fault:
            raise self.validation_error("too_many_login_attempts") from fault

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Who knows the password of an account that is not active is told why; everybody else the same."""
        if why := getattr(request, "login_refusal", ""):
            raise ValidationError(why)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return resolve_url(settings.ASTAKOS_LOGIN_SUCCESS_URL)

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return resolve_url(settings.ASTAKOS_LOGOUT_NEXT or settings.ACCOUNT_LOGOUT_REDIRECT_URL)

    def is_safe_url(self, url: str | None) -> bool:
        """After signing in one goes to a page of this cloud, never to another host."""
        return url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_client_ip(self, request: HttpRequest) -> str:
        """For the list of sessions, where something must stand; over a local socket there is no address."""
        return client_address(request) or "0.0.0.0"  # noqa: S104
