"""Pages of tokens, by which programs sign in: made, shown this once with the files that use them, revoked."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.views.decorators.http import conditional_page

from synnefo.astakos.accounts import access
from synnefo.astakos.accounts.access import Secrets
from synnefo.astakos.accounts.models import User
from synnefo.astakos.catalog.listing import base_url
from synnefo.astakos.projects import rules as projects
from synnefo.common import client_files
from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, Fault
from synnefo.common.pages import action, form_page, local_path, page

ROWS = 50
REFRESH_S = 15

_LIFETIMES = {"day": ("1 day", 1), "month": ("1 month", 30), "year": ("1 year", 365)}
_RIGHTS = {
    "full": ("Full", "Whatever you may do in the project yourself"),
    "read": ("Read only", "It looks, and changes nothing"),
    "admin": ("Administrator", "Everything that you may do as an administrator of this cloud"),
}
#: What an earlier ``openrc`` may have left in the shell, and would get in the way of this one.
_OTHERS = (
    "OS_USERNAME", "OS_PASSWORD", "OS_TOKEN", "OS_PROJECT_ID", "OS_PROJECT_NAME", "OS_PROJECT_DOMAIN_ID",
    "OS_PROJECT_DOMAIN_NAME", "OS_USER_DOMAIN_ID", "OS_USER_DOMAIN_NAME", "OS_TENANT_ID", "OS_TENANT_NAME",
    "OS_CLOUD",
)  # fmt: skip


class TokenForm(forms.Form):
    name = forms.CharField(max_length=255, error_messages={"required": "Give the token a name."})
    project = forms.ChoiceField(error_messages={"required": "Choose a project."})
    rights = forms.ChoiceField(error_messages={"required": "Choose what it may do."})
    lifetime = forms.ChoiceField(
        choices=[(name, title) for name, (title, _) in _LIFETIMES.items()],
        error_messages={"required": "Choose how long it works."},
    )

    def __init__(self, offer: Offer, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known: dict[str, list[str]] = {
            "project": [uuid for uuid, _ in offer.projects],
            "rights": list(offer.rights),
        }
        for name, values in known.items():
            field = cast("forms.ChoiceField", self.fields[name])
            field.choices = [(value, value) for value in values]


@dataclasses.dataclass(frozen=True)
class Offer:
    """What can be chosen: projects by uuid, his own one first, and rights."""

    projects: Sequence[tuple[str, str]]
    rights: dict[str, tuple[str, str]]

    @classmethod
    def to(cls, user: User) -> Offer:
        found = [
            (row.uuid, f"Personal ({user.email})" if row.uuid == user.uuid else row.realname)
            for row in projects.projects_of(user)
        ]
        allowed = {name: words for name, words in _RIGHTS.items() if name != "admin" or user.is_superuser}
        return cls(found, allowed)


@dataclasses.dataclass(frozen=True)
class File:
    """A file to download, where it belongs, and the command that shows that it works."""

    name: str
    purpose: str
    place: str
    command: str
    content: str


@page
def listing(request: HttpRequest, caller: Caller) -> HttpResponse:
    return render(request, "astakos/tokens.html", _list_context(request))


@conditional_page
@page
def rows(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The part of the list that lives."""
    return render(request, "astakos/tokens_live.html", _list_context(request))


@form_page
def create(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The form; once it is sent, the secrets. They are in this one answer and nowhere else."""
    user = _user(request)
    offer = Offer.to(user)
    if request.method != "POST":
        initial = {"project": caller.project, "rights": "full", "lifetime": "month"}
        return _show_form(request, offer, TokenForm(offer, initial=initial))
    form = TokenForm(offer, request.POST)
    if not form.is_valid():
        return _show_form(request, offer, form)
    wanted = form.cleaned_data
    try:
        made = access.create(
            caller,
            user,
            wanted["name"],
            project=wanted["project"],
            lifetime=_LIFETIMES[wanted["lifetime"]][1] * access.DAY,
            read_only=wanted["rights"] == "read",
            as_admin=wanted["rights"] == "admin",
        )
    except Conflict:
        form.add_error("name", "You have a token of this name already. Choose another name, or revoke it.")
        return _show_form(request, offer, form)
    except Fault as fault:
        form.add_error(None, fault.message)
        return _show_form(request, offer, form)
    context = {"made": made, "files": files_of(request, user, made), "rights": offer.rights[wanted["rights"]]}
    answer = render(request, "astakos/token_made.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


@page
def ask_revoke(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """What exactly goes, before it goes."""
    found = access.get(_user(request), uuid)
    context = {"access": found, "url": reverse("token-revoke", args=[uuid]), "next": _back(request.GET)}
    return render(request, "astakos/token_revoke.html", context)


@action
def revoke(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    gone = access.revoke(caller, _user(request), uuid)
    messages.success(request, f"{gone.name or 'The token'} is revoked; programs that use it are refused now.")
    return HttpResponseRedirect(_back(request.POST), status=303)


def files_of(request: HttpRequest, user: User, made: Secrets) -> list[File]:
    """The three files by which command lines sign in; each is whole and works as it is."""
    base = settings.ASTAKOS_BASE_PATH.strip("/")
    identity = "/".join(part for part in (base_url(request), base, "identity") if part)
    cloud = client_files.cloud_name(settings.BRANDING_SERVICE_NAME)
    head = f"{made.credential.name}: {user.email} on {settings.BRANDING_SERVICE_NAME}. Keep it to yourself.\n"
    head += f"It works until {made.credential.expires:%Y-%m-%d %H:%M} UTC."
    auth = {
        "auth_url": f"{identity}/v3",
        "application_credential_id": made.credential.uuid,
        "application_credential_secret": made.secret,
    }
    kind = "v3applicationcredential"
    variables = {"OS_IDENTITY_API_VERSION": "3", "OS_AUTH_TYPE": kind}
    variables |= {f"OS_{name.upper()}": value for name, value in auth.items()}
    return [
        File(
            "openrc", "For a shell: what openstack, swift and Terraform read from the environment.",
            "openrc", ". ./openrc && openstack server list",
            client_files.openrc(head, variables, forget=_OTHERS),
        ),
        File(
            "clouds.yaml", "For openstack, Terraform, Ansible and Python.",
            "~/.config/openstack/clouds.yaml", f"openstack --os-cloud {cloud} server list",
            client_files.clouds_yaml(head, cloud, kind, auth),
        ),
        File(
            "kamakirc", "For kamaki.", "~/.kamakirc", "kamaki server list",
            client_files.kamakirc(head, cloud, identity, made.token),
        ),
    ]  # fmt: skip


def _list_context(request: HttpRequest) -> dict[str, object]:
    found = access.page_of(_user(request), request.GET.get("page", "1"), ROWS)
    here = f"/ui/tokens/?page={found.number}" if found.number > 1 else "/ui/tokens/"
    return {"page": found, "user": _user(request), "here": here, "refresh_s": REFRESH_S}


def _show_form(request: HttpRequest, offer: Offer, form: TokenForm) -> HttpResponse:
    chosen = {name: form[name].value() for name in form.fields}
    now = timezone.now()
    lifetimes = [(name, title, now + days * access.DAY) for name, (title, days) in _LIFETIMES.items()]
    ends = f"{now + _LIFETIMES['month'][1] * access.DAY:%Y-%m-%dT%H:%M:%S}"
    context = {
        "form": form, "offer": offer, "chosen": chosen, "lifetimes": lifetimes,
        "command": f"openstack application credential create --expiration {ends} NAME",
    }  # fmt: skip
    return render(request, "astakos/token_create.html", context, status=422 if form.errors else 200)


def _user(request: HttpRequest) -> User:
    """Who is signed in: ``page`` has let in nobody else."""
    return cast("User", request.user)


def _back(query: Any) -> str:
    return local_path(query.get("next", ""), "/ui/tokens/")


urlpatterns: list[URLPattern | URLResolver] = [
    path("tokens/", listing, name="tokens"),
    path("tokens/rows/", rows, name="token-rows"),
    path("tokens/create/", create, name="token-create"),
    path("tokens/<slug:uuid>/revoke/", ask_revoke, name="token-ask-revoke"),
    path("tokens/<slug:uuid>/revoke/now/", revoke, name="token-revoke"),
]
