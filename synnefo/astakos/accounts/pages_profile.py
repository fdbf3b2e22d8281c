"""The page of one's own account, in sections (templates ``profile_*.html``), and what can be done there."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.internal.flows.password_change import finalize_password_change
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from synnefo.astakos.accounts import email_change, feedback, passwords, removal, rules, terms
from synnefo.astakos.accounts.models import User
from synnefo.astakos.accounts.pages_entrance import EmailForm, NewPasswordForm
from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.methods import registry
from synnefo.astakos.methods.models import AuthMethod
from synnefo.astakos.projects.models import Project
from synnefo.astakos.shown import amount_words, project_names, title_of
from synnefo.common.caller import Caller
from synnefo.common.faults import Fault
from synnefo.common.pages import action, form_page, go, stranger

_NAMES = ("first_name", "last_name")


class NamesForm(forms.Form):
    first_name = forms.CharField(max_length=150, error_messages={"required": "Enter your first name."})
    last_name = forms.CharField(max_length=150, error_messages={"required": "Enter your last name."})


class ChangePasswordForm(NewPasswordForm):
    """``end_tokens`` is a choice only where the cloud does not end them in any case."""

    field_order = ("old", "password", "again", "end_tokens")

    old = forms.CharField(
        max_length=1024, strip=False, error_messages={"required": "Enter your present password."}
    )
    end_tokens = forms.BooleanField(required=False)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not user.has_usable_password():
            del self.fields["old"]
        if settings.ASTAKOS_NEWPASSWD_INVALIDATE_TOKEN or not user.has_usable_password():
            del self.fields["end_tokens"]


class FeedbackForm(forms.Form):
    message = forms.CharField(
        max_length=feedback.LONGEST, error_messages={"required": "Write what you want to say."}
    )


@form_page
def profile(request: HttpRequest, caller: Caller) -> HttpResponse:
    user = _user(request)
    imposed = imposed_fields(user)
    form = NamesForm(request.POST or None, initial={name: getattr(user, name) for name in _NAMES})
    for name in imposed & set(_NAMES):
        form.fields[name].disabled = True
    if request.method == "POST" and form.is_valid():
        try:
            rules.set_names(caller, user, form.cleaned_data["first_name"], form.cleaned_data["last_name"])
        except Fault as fault:
            form.add_error(None, fault.message)
        else:
            messages.success(request, "Your name is changed.")
            return go(request, "profile")
    rules.note_profile_visit(user)
    context = {"form": form, **sections(user, imposed)}
    return render(request, "astakos/profile.html", context, status=422 if form.errors else 200)


def sections(user: User, imposed: frozenset[str]) -> dict[str, object]:
    """What the sections of the page show."""
    return {
        "account": user,
        "names_fixed": imposed >= set(_NAMES),
        "may_change_email": settings.ASTAKOS_EMAILCHANGE_ENABLED and "email" not in imposed,
        "change": email_change.pending(user),
        "terms": terms.current(),
        "links": settings.ASTAKOS_PROFILE_EXTRA_LINKS,
    }


def imposed_fields(user: User) -> frozenset[str]:
    """Fields of the account that are as one of his providers says, at each signing in."""
    found = set()
    for method in AuthMethod.objects.filter(user=user, active=True):
        provider = registry.PROVIDERS.get(method.module)
        if provider is not None and provider in registry.enabled():
            attributes = provider.attribute_map().items()
            found |= {
                name for name, (source, mutable) in attributes if not mutable and method.info.get(source)
            }
    return frozenset(found)


@sensitive_post_parameters("old", "password", "again")
@form_page
def password(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Change the password; or choose the first one, for somebody who signs in otherwise."""
    user = _user(request)
    form = ChangePasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            if "old" in form.fields:
                ended = bool(given.get("end_tokens"))
                changed = passwords.change(
                    caller, user, given["old"], given["password"], end_api_tokens=ended
                )
            else:
                changed = passwords.add(caller, user, given["password"])
        except Fault as fault:
            form.add_error("old" if fault.status == 401 else None, fault.message)
        else:
            finalize_password_change(request, changed)  # this session goes on, all others end
            return go(request, "profile")
    context = {"form": form, "ends_tokens": settings.ASTAKOS_NEWPASSWD_INVALIDATE_TOKEN}
    return render(request, "astakos/password.html", context, status=422 if form.errors else 200)


@form_page
def email(request: HttpRequest, caller: Caller) -> HttpResponse:
    user = _user(request)
    form = EmailForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            email_change.ask(caller, user, form.cleaned_data["email"])
        except Fault as fault:
            form.add_error(None, fault.message)
        else:
            messages.success(request, "Both addresses get a mail now, and both have to agree.")
            return go(request, "profile")
    context = {"form": form, **sections(user, imposed_fields(user))}
    return render(request, "astakos/email_change.html", context, status=422 if form.errors else 200)


@action
def cancel_email(request: HttpRequest, caller: Caller) -> HttpResponse:
    email_change.cancel(caller, _user(request))
    messages.success(request, "Your address stays as it is.")
    return go(request, "profile")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_email(request: HttpRequest, token: str) -> HttpResponse:
    """The link of either mail, for whoever reads it. It is done by a button."""
    try:
        change, side = email_change.of_link(token)
        if request.user.is_authenticated and request.user.pk != change.user_id:
            logout(request)
        context = {"change": change, "side": side}
        if request.method != "POST":
            return render(request, "account/email_confirm.html", context)
        change, done = email_change.confirm(stranger(request), token)
    except Fault as fault:
        return render(request, "account/link_broken.html", {"message": fault.message}, status=fault.status)
    return render(request, "account/email_confirmed.html", {"change": change, "side": side, "done": done})


@form_page
def remove(request: HttpRequest, caller: Caller) -> HttpResponse:
    """What would become of everything, and, where nothing stands in the way, the end of the account."""
    user = _user(request)
    found = removal.outcome(user)
    mistyped = (
        request.method == "POST" and request.POST.get("typed", "").strip().lower() != user.email.lower()
    )
    if request.method == "POST" and not mistyped:
        removal.remove(caller, user)
        logout(request)
        return render(request, "account/removed.html")
    names = project_names(caller, Project.objects.filter(uuid__in={use.project for use in found.uses}))
    units = {row.name: row for row in Resource.objects.all()}
    uses = [
        {
            "project": names.get(use.project, use.project),
            "resource": title_of(units[use.resource]) if use.resource in units else use.resource,
            "amount": amount_words(use.amount, units[use.resource].unit if use.resource in units else ""),
        }
        for use in found.uses
    ]
    context = {"outcome": found, "uses": uses, "account": user, "mistyped": mistyped}
    return render(request, "astakos/account_remove.html", context, status=422 if mistyped else 200)


@form_page
def give_feedback(request: HttpRequest, caller: Caller) -> HttpResponse:
    form = FeedbackForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            data = request.headers.get("User-Agent", "")
            feedback.send(caller, _user(request), form.cleaned_data["message"], data)
        except Fault as fault:
            form.add_error(None, fault.message)
        else:
            messages.success(request, "Thank you. Your message is on its way.")
            return go(request, "feedback")
    return render(request, "astakos/feedback.html", {"form": form}, status=422 if form.errors else 200)


def _user(request: HttpRequest) -> User:
    """Who is signed in: ``page`` has let in nobody else."""
    return cast("User", request.user)


urlpatterns: list[URLPattern | URLResolver] = [
    path("profile/", profile, name="profile"),
    path("profile/password/", password, name="password"),
    path("profile/email/", email, name="email-change"),
    path("profile/email/cancel/", cancel_email, name="email-change-cancel"),
    path("profile/remove/", remove, name="account-remove"),
    path("email/<str:token>/", confirm_email, name="email-confirm"),
    path("feedback/", give_feedback, name="feedback"),
]
