"""The cookie by which the script pages of Synnefo 0.21 knew who was signed in: ``uuid|token``, for them to
read.

Any script of the domain can take the token out of it, so it is off (``ASTAKOS_TOKEN_COOKIE``) until pages of
long ago need it. Its token is the browser session's own and ends with it.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, unquote

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from synnefo.astakos.accounts import tokens
from synnefo.astakos.accounts.models import Token, User

_METHOD = "cookie"
_PAGES = "/ui/"


class TokenCookie:
    """The middleware: pages set the cookie when somebody signs in, and delete it when he leaves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.ASTAKOS_TOKEN_COOKIE:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(_PAGES) and hasattr(request, "user"):
            self._agree(request, response)
        return response

    def _agree(self, request: HttpRequest, response: HttpResponse) -> None:
        """Make the cookie say what the session says."""
        name: str = settings.ASTAKOS_COOKIE_NAME
        uuid, _, token = unquote(request.COOKIES.get(name, "")).strip('"').partition("|")
        user = request.user if isinstance(request.user, User) else None
        if user is not None and user.uuid == uuid and self._row(token).exists():
            return
        if token:
            self._row(token).delete()
        if user is None:
            if token:
                response.delete_cookie(name, path="/", domain=settings.ASTAKOS_COOKIE_DOMAIN or None)
            return
        expires = request.session.get_expiry_date()
        fresh = tokens.issue(user, kind=Token.Kind.LOGIN, methods=_METHOD, expires=expires)
        response.set_cookie(
            name,
            quote(f"{user.uuid}|{fresh}"),
            expires=expires,
            path="/",
            domain=settings.ASTAKOS_COOKIE_DOMAIN or None,
            secure=settings.ASTAKOS_COOKIE_SECURE,
            samesite="Lax",
        )

    @staticmethod
    def _row(token: str) -> QuerySet[Token]:
        return Token.objects.filter(digest=tokens.digest_of(token), methods=_METHOD)
