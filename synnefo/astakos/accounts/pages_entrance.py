"""Pages for people who are not signed in: signing up, confirming an address, a new password."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from synnefo.astakos.accounts import passwords, signup, terms
from synnefo.astakos.accounts.models import User
from synnefo.astakos.accounts.signup import SignUp
from synnefo.astakos.methods import flow
from synnefo.astakos.methods.identities import Identity
from synnefo.common.faults import Conflict, Fault
from synnefo.common.pages import fault_page, local_path, stranger

_SENT_TO = "mail_sent_to"
_AGREE = "Read the terms of use and agree to them."


class NewPasswordForm(forms.Form):
    """A password twice. Whether it is strong enough is the rules' to say."""

    password = forms.CharField(
        max_length=1024, strip=False, error_messages={"required": "Choose a password."}
    )
    again = forms.CharField(
        max_length=1024, strip=False, error_messages={"required": "Type the password again."}
    )

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("password") and given.get("again") and given["password"] != given["again"]:
            self.add_error("again", "The two passwords are not the same.")
        return given


class EmailForm(forms.Form):
    email = forms.EmailField(
        max_length=254,
        error_messages={"required": "Enter your e-mail address.", "invalid": "This is no e-mail address."},
    )


class SignUpForm(NewPasswordForm, EmailForm):
    """``identity``: who a provider says that this is. He needs no password, and imposed fields stay."""

    field_order = ("email", "first_name", "last_name", "password", "again", "agreed")

    first_name = forms.CharField(max_length=150, error_messages={"required": "Enter your first name."})
    last_name = forms.CharField(max_length=150, error_messages={"required": "Enter your last name."})
    agreed = forms.IntegerField(error_messages={"required": _AGREE, "invalid": _AGREE})

    def __init__(self, identity: Identity | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if terms.current() is None:
            del self.fields["agreed"]
        if identity is not None:
            del self.fields["password"], self.fields["again"]
            for name, value in identity.imposed_values().items():
                if value:
                    self.fields[name].disabled, self.fields[name].initial = True, value


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """``?third_party_token=`` names an identity that gets an account by this form."""
    if request.user.is_authenticated:
        return redirect("home")
    query = request.POST if request.method == "POST" else request.GET
    token, next_path = query.get("third_party_token", ""), local_path(query.get("next", ""), "")
    try:
        signup.require_open(token)
        identity = flow.waiting(request, token) if token else None
    except Fault as fault:
        return render(request, "account/signup_closed.html", {"reason": fault.message}, status=fault.status)
    form = SignUpForm(
        identity, request.POST if request.method == "POST" else None, initial=_said_by(identity)
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        wish = SignUp(
            given["email"], given["first_name"], given["last_name"], password=given.get("password"),
            identity=token, agreed=given.get("agreed"), next_path=next_path,
        )  # fmt: skip
        try:
            user = signup.sign_up(stranger(request), wish)
        except Fault as fault:
            form.add_error(None, fault.message)
        else:
            return _after_sign_up(request, user, given["email"], next_path)
    context = {
        "form": form,
        "identity": identity,
        "token": token,
        "next": next_path,
        "terms": terms.current(),
    }
    return render(request, "account/signup.html", context, status=422 if form.errors else 200)


def _said_by(identity: Identity | None) -> dict[str, str]:
    if identity is None:
        return {}
    return {"email": identity.email, "first_name": identity.first_name, "last_name": identity.last_name}


def _after_sign_up(request: HttpRequest, user: User | None, email: str, next_path: str) -> HttpResponse:
    if user is not None and user.is_active:
        return _enter(request, user, next_path)
    if user is not None and user.email_verified:
        return render(request, "account/waits.html", {"account": user})
    request.session[_SENT_TO] = email
    return redirect("signup-sent")


@never_cache
@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    """A mail is on its way, to whom only this browser is told."""
    email = request.session.get(_SENT_TO)
    return (
        render(request, "account/signup_sent.html", {"email": email}) if email else redirect("account_login")
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def send_again(request: HttpRequest) -> HttpResponse:
    form = EmailForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            signup.send_again(stranger(request), form.cleaned_data["email"])
        except Fault as fault:
            form.add_error(None, fault.message)
        else:
            request.session[_SENT_TO] = form.cleaned_data["email"]
            return redirect("signup-sent")
    return render(request, "account/send_again.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def activate(request: HttpRequest, token: str) -> HttpResponse:
    """The link of the mail. It is done by a button: mail programs open links by themselves."""
    next_path = local_path(request.GET.get("next", ""), "")
    try:
        if request.method != "POST":
            return render(request, "account/activate.html", {"account": signup.of_link(token)})
        user = signup.verify(stranger(request), token)
    except Conflict as fault:
        return render(request, "account/confirmed.html", {"message": fault.message}, status=fault.status)
    except Fault as fault:
        context = {"message": fault.message}
        return render(request, "account/link_broken.html", context, status=fault.status)
    if user.is_active:
        return _enter(request, user, settings.ASTAKOS_ACTIVATION_REDIRECT_URL or next_path)
    return render(request, "account/waits.html", {"account": user})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask_reset(request: HttpRequest) -> HttpResponse:
    form = EmailForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            passwords.ask_reset(stranger(request), form.cleaned_data["email"])
        except Fault as fault:
            form.add_error(None, fault.message)
        else:
            return render(request, "account/reset_sent.html", {"email": form.cleaned_data["email"]})
    return render(request, "account/reset.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest, uuid: str, token: str) -> HttpResponse:
    form = NewPasswordForm(request.POST or None)
    try:
        user = passwords.user_of_link(uuid, token)
    except Fault as fault:
        context = {"message": fault.message, "again": reverse("password-reset")}
        return render(request, "account/link_broken.html", context, status=fault.status)
    if request.method == "POST" and form.is_valid():
        try:
            passwords.reset(stranger(request), uuid, token, form.cleaned_data["password"])
        except Fault as fault:
            form.add_error("password", fault.message)
        else:
            return render(request, "account/reset_done.html", {"account": user})
    shown = {"form": form, "account": user}
    return render(request, "account/reset_confirm.html", shown, status=422 if form.errors else 200)


@never_cache
@require_safe
def show_terms(request: HttpRequest, version: int | None = None) -> HttpResponse:
    """Some version of the terms of use, for anybody: the one in force if none is named."""
    try:
        shown = terms.current() if version is None else terms.get(version)
    except Fault as fault:
        return fault_page(request, fault)
    due = getattr(request.user, "terms_due", None)
    context = {
        "terms": shown,
        "versions": terms.versions(),
        "asked": due is not None and shown == terms.current(),
        "grace": due is not None and due > timezone.now(),
        "next": local_path(request.GET.get("next", ""), "/ui/"),
    }
    return render(request, "account/terms.html", context)


@never_cache
@require_http_methods(["POST"])
def sign_terms(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return redirect("account_login")
    version = request.POST.get("version", "")
    try:
        caller = stranger(request, request.user.uuid)
        terms.sign(caller, request.user, version=int(version) if version.isdecimal() else None)
    except Fault as fault:
        return fault_page(request, fault)
    return redirect(local_path(request.POST.get("next", ""), "/ui/"))


def _enter(request: HttpRequest, user: User, next_path: str) -> HttpResponse:
    """He proved just now that the account is his."""
    record_authentication(request, user, "email", email=user.email)
    to = next_path or settings.ASTAKOS_LOGIN_SUCCESS_URL
    answer: HttpResponse = perform_login(request, User.objects.get(pk=user.pk), redirect_url=to)
    return answer


urlpatterns: list[URLPattern | URLResolver] = [
    path("signup/", sign_up, name="account_signup"),
    path("signup/sent/", sent, name="signup-sent"),
    path("signup/again/", send_again, name="signup-again"),
    path("activate/<str:token>/", activate, name="activate"),
    path("password/reset/", ask_reset, name="password-reset"),
    path("password/reset/<uuid:uuid>/<slug:token>/", reset, name="password-reset-confirm"),
    path("terms/", show_terms, name="terms"),
    path("terms/<int:version>/", show_terms, name="terms-version"),
    path("terms/sign/", sign_terms, name="terms-sign"),
]
