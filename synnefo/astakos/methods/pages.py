"""Pages of signing in, below ``/ui/login/``, and of a user's ways to do so, below ``/ui/account/``."""

from __future__ import annotations

from typing import Any, cast

from allauth.account import views as account_views
from allauth.mfa.models import Authenticator
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, URLResolver, include, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods import devices, flow, ldap, policies, registry, rules, shibboleth, social
from synnefo.astakos.methods.models import LOCAL, AuthMethod
from synnefo.astakos.methods.second_factor import authenticators_of
from synnefo.common.caller import Caller
from synnefo.common.faults import Fault
from synnefo.common.http.context import client_address
from synnefo.common.pages import action, fault_page, go, page

_WISH = "login_wish"


class DirectoryForm(forms.Form):
    username = forms.CharField(max_length=254, error_messages={"required": "Enter your name."})
    password = forms.CharField(
        max_length=1024, strip=False, error_messages={"required": "Enter your password."}
    )


class SignIn(account_views.LoginView):
    """The first provider as a form or a large button, the others below it."""

    module: str | None = None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | entrance(self.request, self.module) | {"directory_form": DirectoryForm()}

    def form_valid(self, form: Any) -> HttpResponse:
        return flow.remember_method(super().form_valid(form), LOCAL)


@sensitive_post_parameters("password")
def login(request: HttpRequest, module: str | None = None) -> HttpResponse:
    """The sign-in page; ``?key=`` names an identity that is added to whoever signs in."""
    if key := request.GET.get("key"):
        try:
            flow.add_to_next(request, key)
        except Fault as fault:
            messages.error(request, fault.message)
            return redirect("account_login")
    answer: HttpResponse = SignIn.as_view(module=module)(request)
    return answer


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
def directory(request: HttpRequest) -> HttpResponse:
    """Name and password against the directory: to sign in, or to add that identity to one's account."""
    try:
        registry.get("ldap")
    except Fault as fault:
        return fault_page(request, fault)
    form = DirectoryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            identity = ldap.authenticate(
                given["username"], given["password"], address=client_address(request)
            )
        except Fault as fault:
            form.add_error(None, fault.message)
        else:
            return flow.arrive(request, identity, _wish(request))
    context = {"form": form, "provider": registry.PROVIDERS["ldap"], "wish": _wish(request)}
    return render(request, "astakos/login_directory.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, module: str) -> HttpResponse:
    """On to the provider's own page. By a form of ours alone, lest other sites begin it."""
    try:
        provider = registry.get(module)
        if provider.asks_password:
            return redirect("account_login" if provider.is_local else "login-ldap")
        if request.method != "POST":
            context = {"provider": provider, "wish": _wish(request)}
            return render(request, "astakos/login_provider.html", context)
        context = {"provider": provider, "url": _begin(request, module)}
        return render(request, "astakos/login_going.html", context)
    except Fault as fault:
        messages.error(request, fault.message)
        return redirect("account_login")


@never_cache
@require_safe
def finish(request: HttpRequest, module: str) -> HttpResponse:
    """Back from the provider."""
    try:
        if social.is_social(module):
            return social.finish(request, module)
        registry.get(module)
        if module != shibboleth.MODULE:
            return redirect("account_login")
        wish = request.session.pop(_WISH, None)
        if wish is None and request.user.is_authenticated:
            return redirect("methods")
        return flow.arrive(request, shibboleth.identity_of(request), wish or _wish(request))
    except Fault as fault:
        return flow.refuse(request, fault.message)


def _begin(request: HttpRequest, module: str) -> str:
    wish = _wish(request)
    if social.is_social(module):
        return social.start(request, module, wish)
    request.session[_WISH] = wish
    return reverse("method-return", args=[module])


def _wish(request: HttpRequest) -> dict[str, str]:
    query = request.POST if request.method == "POST" else request.GET
    return {name: query[name] for name in ("next", "key", "switch") if query.get(name)}


def entrance(request: HttpRequest, module: str | None = None) -> dict[str, object]:
    """What the pages of signing in offer: one provider large, the others small, and where to go then."""
    found = [provider for provider in registry.enabled() if policies.general(provider).login]
    shown = next((provider for provider in found if provider.module == module), next(iter(found), None))
    return {
        "shown": shown,
        "others": [provider for provider in found if provider is not shown],
        "last_method": request.COOKIES.get(flow.LAST_METHOD_COOKIE, ""),
        "wish": _wish(request),
        "shows_signup": settings.ASTAKOS_SHOW_SIGNUP,
        "has_passwords": any(provider.is_local for provider in found),
    }


@page
def methods(request: HttpRequest, caller: Caller) -> HttpResponse:
    """A user's ways to sign in, second factor, and devices."""
    return render(request, "astakos/methods.html", sections(request))


@page
def ask_remove(request: HttpRequest, caller: Caller, pk: int) -> HttpResponse:
    row = rules.get(_user(request), pk)
    context = {
        "provider": registry.PROVIDERS.get(row.module), "who": _who(row),
        "url": reverse("method-remove", args=[pk]), "next": reverse("methods"),
    }  # fmt: skip
    return render(request, "astakos/method_remove.html", context)


@action
def remove(request: HttpRequest, caller: Caller, pk: int) -> HttpResponse:
    gone = rules.remove(caller, _user(request), pk)
    messages.success(request, f"{registry.PROVIDERS[gone.module].title} is removed from your account.")
    return go(request, "methods")


@action
def end_device(request: HttpRequest, caller: Caller, pk: int) -> HttpResponse:
    devices.end(caller, _user(request), pk)
    messages.success(request, "That device is signed out.")
    return go(request, "methods")


@action
def end_others(request: HttpRequest, caller: Caller) -> HttpResponse:
    count = devices.end_others(caller, _user(request), request.session.session_key)
    messages.success(request, f"Signed out elsewhere: {count} session{'' if count == 1 else 's'}.")
    return go(request, "methods")


def sections(request: HttpRequest) -> dict[str, object]:
    """The context of ``astakos/methods_*.html``, for whichever page includes them."""
    user = _user(request)
    factors = list(authenticators_of(user))
    return {
        "methods": [_shown(user, row) for row in rules.methods_of(user)],
        "addable": [provider for provider in registry.enabled() if policies.possible(provider, user).add],
        "missing": [provider.message("required") for provider in policies.missing(user)],
        "factors": factors,
        "has_totp": any(row.type == Authenticator.Type.TOTP for row in factors),
        "devices": devices.devices_of(user, request.session.session_key),
    }


def _shown(user: User, row: AuthMethod) -> dict[str, object]:
    provider = registry.PROVIDERS.get(row.module)
    if provider is None or provider not in registry.enabled():
        return {"row": row, "provider": provider, "enabled": False}
    can = policies.possible(provider, user)
    return {"row": row, "provider": provider, "enabled": row.active, "can": can, "who": _who(row)}


def _who(row: AuthMethod) -> str:
    """By what the person knows the identity."""
    for name in ("email", "username", "mail", "uid"):
        if row.info.get(name):
            return str(row.info[name])
    return row.identifier


def _user(request: HttpRequest) -> User:
    return cast("User", request.user)


urlpatterns: list[URLPattern | URLResolver] = [
    path("login/", login, name="account_login"),
    path("login/local/", login, {"module": LOCAL}, name="login-local"),
    path("local/", login, {"module": LOCAL}),
    path("login/ldap/", directory, name="login-ldap"),
    path("login/ldap/add/", directory, name="login-ldap-add"),
    path("login/<slug:module>/", start, name="login-provider"),
    path("login/<slug:module>/authenticated/", finish, name="method-return"),
    path("account/methods/", methods, name="methods"),
    path("account/methods/<int:pk>/remove/", ask_remove, name="method-ask-remove"),
    path("account/methods/<int:pk>/remove/now/", remove, name="method-remove"),
    path("account/sessions/<int:pk>/end/", end_device, name="session-end"),
    path("account/sessions/end-others/", end_others, name="sessions-end-others"),
    path("account/second-factor/", include("synnefo.astakos.methods.urls_second_factor")),
]
