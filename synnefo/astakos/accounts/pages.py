"""Pages of tokens, by which programs sign in: made, shown this once with the files that use them, revoked."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Sequence
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.views.decorators.http import conditional_page

from synnefo.astakos.accounts import access, tokens
from synnefo.astakos.accounts.access import Secrets
from synnefo.astakos.accounts.models import User
from synnefo.astakos.catalog.listing import base_url
from synnefo.astakos.oauth import rules as oauth
from synnefo.astakos.projects import rules as projects
from synnefo.common import client_files
from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, Fault
from synnefo.common.pages import action, form_page, local_path, page

ROWS = 50
REFRESH_S = 15

_LIFETIMES = {
    "day": ("1 day", access.DAY),
    "month": ("1 month", 30 * access.DAY),
    "year": ("1 year", 365 * access.DAY),
    "forever": ("For ever", tokens.FOREVER),
}
_SERVICES = {
    "identity": ("Accounts", "Projects, quota, credentials"),
    "compute": ("Compute", "Servers, keys"),
    "network": ("Networks", "Networks, ports, floating IPs"),
    "volume": ("Volumes", "Disks of servers"),
    "image": ("Images", "What servers start from"),
    "object-store": ("Files", "Containers and objects"),
}
#: In the form's list of projects: all of them.
_ALL = "all"
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
    services = forms.MultipleChoiceField(
        choices=[(name, name) for name in _SERVICES],
        error_messages={"required": "Choose what it is for: one service at least."},
    )
    lifetime = forms.ChoiceField(error_messages={"required": "Choose how long it works."})

    def __init__(self, offer: Offer, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known: dict[str, list[str]] = {
            "project": [_ALL, *(uuid for uuid, _ in offer.projects)],
            "rights": list(offer.rights),
            "lifetime": list(offer.lifetimes),
        }
        for name, values in known.items():
            field = cast("forms.ChoiceField", self.fields[name])
            field.choices = [(value, value) for value in values]


@dataclasses.dataclass(frozen=True)
class Offer:
    """What can be chosen: projects by uuid, his own one first; rights; lifetimes."""

    projects: Sequence[tuple[str, str]]
    rights: dict[str, tuple[str, str]]
    lifetimes: dict[str, tuple[str, datetime.timedelta]]

    @classmethod
    def to(cls, user: User) -> Offer:
        found = [
            (row.uuid, f"Personal ({user.email})" if row.uuid == user.uuid else row.realname)
            for row in projects.projects_of(user)
        ]
        allowed = {name: words for name, words in _RIGHTS.items() if name != "admin" or user.is_superuser}
        endless: bool = settings.ASTAKOS_TOKENS_WITHOUT_END
        lifetimes = {name: about for name, about in _LIFETIMES.items() if name != "forever" or endless}
        return cls(found, allowed, lifetimes)


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
    context = {**_list_context(request), "programs": oauth.programs_of(_user(request))}
    return render(request, "astakos/tokens.html", context)


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
        initial = {
            "project": caller.project, "rights": "full", "lifetime": "month", "services": list(_SERVICES),
        }  # fmt: skip
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
            project=wanted["project"] if wanted["project"] != _ALL else None,
            lifetime=_LIFETIMES[wanted["lifetime"]][1],
            services=wanted["services"],
            read_only=wanted["rights"] == "read",
            as_admin=wanted["rights"] == "admin",
        )
    except Conflict:
        form.add_error("name", "You have a token of this name already. Choose another name, or revoke it.")
        return _show_form(request, offer, form)
    except Fault as fault:
        form.add_error(None, fault.message)
        return _show_form(request, offer, form)
    return shown_once(request, user, made)


@action
def end_program(request: HttpRequest, caller: Caller, number: int) -> HttpResponse:
    name = oauth.end_program(caller, _user(request), number)
    messages.success(request, f"{name} may not use your account any more.")
    return HttpResponseRedirect("/ui/tokens/", status=303)


@page
def ask_renew(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """What stops working, before it does."""
    found = access.get(_user(request), uuid)
    context = {"access": found, "url": reverse("token-renew", args=[uuid]), "next": _back(request.GET)}
    return render(request, "astakos/token_renew.html", context)


@action
def renew(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """The secrets of what took its place."""
    user = _user(request)
    return shown_once(request, user, access.renew(caller, user, uuid))


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
    """The files by which command lines sign in, kamaki's last; each is whole and works as it is."""
    cloud = settings.ASTAKOS_KAMAKI_CONFIG_CLOUD_NAME or client_files.cloud_name(
        settings.BRANDING_SERVICE_NAME
    )
    head = f"{made.name}: {user.email} on {settings.BRANDING_SERVICE_NAME}. Keep it to yourself.\n"
    head += "It works until " + (
        "it is revoked." if made.expires == tokens.NEVER else f"{made.expires:%Y-%m-%d %H:%M} UTC."
    )
    identity = identity_url(request)
    kamaki = File(
        "kamakirc", "For kamaki.", "~/.kamakirc", "kamaki server list",
        client_files.kamakirc(head, cloud, identity, made.token),
    )  # fmt: skip
    if made.credential is None or made.secret is None:
        return [kamaki]
    return [*_openstack_files(head, cloud, identity, made.credential.uuid, made.secret), kamaki]


def identity_url(request: HttpRequest) -> str:
    """The address of the identity service, without a version."""
    base = settings.ASTAKOS_BASE_PATH.strip("/")
    return "/".join(part for part in (base_url(request), base, "identity") if part)


def _openstack_files(head: str, cloud: str, identity: str, credential: str, secret: str) -> list[File]:
    auth = {
        "auth_url": f"{identity}/v3",
        "application_credential_id": credential,
        "application_credential_secret": secret,
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
    ]  # fmt: skip


def shown_once(request: HttpRequest, user: User, made: Secrets) -> HttpResponse:
    """The page with what was made; no copy of it is kept anywhere."""
    about = access.get(user, made.uuid)
    context = {
        "made": made, "about": about, "services": _titles(about.services),
        "files": files_of(request, user, made),
    }  # fmt: skip
    answer = render(request, "astakos/token_made.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


def _titles(services: Iterable[str]) -> list[str]:
    return [_SERVICES[name][0] for name in services]


def _list_context(request: HttpRequest) -> dict[str, object]:
    found = access.page_of(_user(request), request.GET.get("page", "1"), ROWS)
    here = f"/ui/tokens/?page={found.number}" if found.number > 1 else "/ui/tokens/"
    rows = [(row, _titles(row.services)) for row in found.object_list]
    return {"page": found, "rows": rows, "user": _user(request), "here": here, "refresh_s": REFRESH_S}


def _show_form(request: HttpRequest, offer: Offer, form: TokenForm) -> HttpResponse:
    chosen = {name: form[name].value() for name in form.fields}
    now = timezone.now()
    ends = f"{now + _LIFETIMES['month'][1]:%Y-%m-%dT%H:%M:%S}"
    context = {
        "form": form, "offer": offer, "chosen": chosen, "all": _ALL, "services": _SERVICES,
        "lifetimes": [
            (name, title, None if lifetime == tokens.FOREVER else now + lifetime)
            for name, (title, lifetime) in offer.lifetimes.items()
        ],
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
    path("tokens/programs/<int:number>/end/", end_program, name="program-end"),
    path("tokens/<slug:uuid>/renew/", ask_renew, name="token-ask-renew"),
    path("tokens/<slug:uuid>/renew/now/", renew, name="token-renew"),
    path("tokens/<slug:uuid>/revoke/", ask_revoke, name="token-ask-revoke"),
    path("tokens/<slug:uuid>/revoke/now/", revoke, name="token-revoke"),
]
