"""What comes before any page for somebody who is signed in: terms to sign, ways to sign in that he lacks, a
first look at his profile. APIs are guarded where tokens are looked up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods import policies
from synnefo.common.pages import go, is_partial

_GUARDED = ("/ui/", "/admin/")
#: Views that anybody reaches at any time.
_ALWAYS = frozenset(
    {
        "account_logout",
        "branding-colours",
        "terms",
        "terms-version",
        "terms-sign",
        "activate",
        "email-confirm",
    }
)
#: And those that are needed to give what is missing.
_OF_ACCOUNT = ("/ui/profile/", "/ui/account/", "/ui/login/", "/ui/reauthenticate/", "/ui/feedback/")
_LACKS = "lacks_methods"


class Guards:
    """The middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        if not request.path.startswith(_GUARDED) or self._name(request) in _ALWAYS:
            return None
        user = request.user
        if not isinstance(user, User):
            return None
        if user.terms_due is not None:
            query = {} if is_partial(request) else {"next": request.get_full_path()}
            return go(request, f"{reverse('terms')}?{urlencode(query)}")
        if request.path.startswith(_OF_ACCOUNT) or self._has_all(request, user):
            return None
        return go(request, "profile")

    def _name(self, request: HttpRequest) -> str:
        return (request.resolver_match.url_name or "") if request.resolver_match else ""

    def _has_all(self, request: HttpRequest, user: User) -> bool:
        if settings.ASTAKOS_FORCE_PROFILE_UPDATE and not user.profile_visited:
            messages.info(request, "Please look at your account first, and complete it.")
            return False
        if not request.session.get(_LACKS):
            return True
        missing = policies.missing(user)
        for provider in missing:
            messages.error(request, provider.message("required"))
        if not missing:
            del request.session[_LACKS]
        return not missing


@receiver(user_logged_in, dispatch_uid="missing-methods")
def note_missing_methods(request: HttpRequest, user: User, **_: Any) -> None:
    """Once, as he signs in: no page has to ask the database whether something is missing."""
    if policies.missing(user):
        request.session[_LACKS] = True
