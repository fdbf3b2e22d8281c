"""Pages of security groups: the list, one with its rules and ports, a new one. All changes are the rules'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import URLPattern, URLResolver, path

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Fault, ItemNotFound
from synnefo.common.listing import Listing
from synnefo.common.pages import CALM_REFRESH_S, action, form_page, go, living
from synnefo.common.quota_shown import told
from synnefo.common.same_request import Same, command, label_of, positional, resource
from synnefo.cyclades.networks import groups, ports
from synnefo.cyclades.networks.models import Port, SecurityGroup

_MOST_PORTS = 200
_SERVICES = {
    "ssh": ("tcp", 22, 22), "http": ("tcp", 80, 80), "https": ("tcp", 443, 443), "ping": ("icmp", None, None),
    "all": ("", None, None),
}  # fmt: skip


def _find(rows: QuerySet[SecurityGroup], words: str) -> QuerySet[SecurityGroup]:
    return rows.filter(Q(name__icontains=words) | Q(uuid=words) | Q(description__icontains=words))


GROUPS = Listing(
    path="/ui/security-groups/",
    noun="security group",
    columns={"name": ("Name", ("name", "id")), "created": ("Age", ("created", "id"))},
    usual="name",
    find=_find,
)


class CreateForm(forms.Form):
    name = forms.CharField(max_length=255, error_messages={"required": "Give the group a name."})
    description = forms.CharField(max_length=255, required=False)


@living("cyclades/groups")
def listing(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    groups.default_of(caller)
    rows = groups.groups_for(caller).annotate(
        rule_count=Count("rules", distinct=True), port_count=Count("ports", distinct=True)
    )
    context = GROUPS.context(rows, request.GET)
    return {**context, "groups": context["page"].object_list, "refresh_s": CALM_REFRESH_S}


@living("cyclades/group", gone=("The security group is deleted.", "groups"))
def detail(request: HttpRequest, caller: Caller, uuid: str) -> Mapping[str, object]:
    group = groups.get(caller, uuid)
    rules = group.rules.select_related("remote_group").order_by("-direction", "ethertype", "pk")
    return {
        "group": group,
        "is_default": group.name == groups.DEFAULT,
        "rules": rules,
        "ports": _ports(caller).filter(security_groups=group)[:_MOST_PORTS],
        "refresh_s": CALM_REFRESH_S,
    }


@form_page
def create(request: HttpRequest, caller: Caller) -> HttpResponse:
    form = CreateForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            group = groups.create(caller, **form.cleaned_data)
        except Fault as fault:
            form.add_error("name", told(fault))
        else:
            messages.success(request, f"Security group {group} is there: it lets nothing in yet.")
            return go(request, "group", group.uuid)
    context = {"form": form, "same": _same(form), "same_url": resolve_url("group-same")}
    return render(request, "cyclades/group_create.html", context, status=422 if form.errors else 200)


@action
def same(request: HttpRequest, caller: Caller) -> HttpResponse:
    """What is typed so far, as commands."""
    return render(request, "parts/same_again.html", {"same": _same(CreateForm(request.POST))})


@form_page
def add_rule(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: what shall be let through. Told: it is."""
    group = groups.get(caller, uuid)
    if request.method == "POST":
        _try(request, lambda: groups.add_rule(caller, uuid, _wish(request.POST)))
        return go(request, "group", uuid)
    others = groups.groups_for(caller).order_by("name", "pk")
    return _ask(request, "rule", group, {"others": others})


@form_page
def put_on(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: which network card. Told: its group is one of this card's now."""
    group = groups.get(caller, uuid)
    if request.method == "POST":
        port = ports.get(caller, request.POST.get("port", ""))
        _try(request, lambda: ports.set_groups(caller, port.uuid, [*port.security_groups.all(), group]))
        return go(request, "group", uuid)
    free = _ports(caller).filter(server__isnull=False).exclude(security_groups=group)
    return _ask(request, "port", group, {"ports": free[:_MOST_PORTS]})


@action
def act(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """``do`` is ``rule:uuid`` or ``port:uuid``: that one is taken away."""
    group = groups.get(caller, uuid)
    name, _, one = request.POST.get("do", "").partition(":")
    if name == "rule":
        if groups.get_rule(caller, one).group_id != group.pk:
            raise ItemNotFound("The group has no such rule.")
        _try(request, lambda: groups.remove_rule(caller, one))
    elif name == "port":
        port = ports.get(caller, one)
        kept = [row for row in port.security_groups.all() if row.pk != group.pk]
        _try(request, lambda: ports.set_groups(caller, one, kept))
    else:
        raise BadRequest("There is no such action.")
    return go(request, "group", uuid)


@form_page
def delete(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: what exactly goes, or what is in the way. Told: it goes."""
    group = groups.get(caller, uuid)
    if request.method == "POST":
        if not _try(request, lambda: groups.delete(caller, uuid)):
            return go(request, "group", uuid)
        messages.success(request, f"Security group {group} is deleted.")
        return go(request, "groups")
    return _ask(request, "delete", group, {"used": group.ports.count()})


def _ports(caller: Caller) -> QuerySet[Port]:
    rows = ports.ports_for(caller).select_related("server", "network")
    return rows.prefetch_related("addresses").order_by("server__name", "id")


def _ask(request: HttpRequest, what: str, group: SecurityGroup, more: Mapping[str, object]) -> HttpResponse:
    context = {"group": group, "url": resolve_url(f"group-{what}", group.uuid), **more}
    return render(request, f"cyclades/group_{what}.html", {**context, "next": f"{GROUPS.path}{group.uuid}/"})


def _try(request: HttpRequest, do: Callable[[], object]) -> bool:
    """Do it, or say why not."""
    try:
        do()
    except Fault as fault:
        messages.error(request, told(fault))
        return False
    return True


def _wish(typed: Mapping[str, str]) -> groups.Wish:
    """A rule as the form asks for it. Raises BadRequest."""
    service = typed.get("service", "")
    protocol, low, high = _SERVICES.get(service, (typed.get("protocol", ""), None, None))
    if service not in _SERVICES and typed.get("ports", "").strip():
        low, high = _range(typed["ports"])
    remote = typed.get("remote", "").strip()
    version = "IPv6" if ":" in remote else typed.get("ethertype", "IPv4")
    return groups.Wish(
        direction=typed.get("direction", "ingress"), ethertype=version, protocol=protocol, port_min=low,
        port_max=high, remote_cidr=remote, remote_group="" if remote else typed.get("remote_group", ""),
        description=typed.get("description", "").strip(),
    )  # fmt: skip


def _range(text: str) -> tuple[int, int]:
    """``80`` or ``8000-8100``. Raises BadRequest."""
    low, _, high = (part.strip() for part in text.partition("-"))
    numbers = (low, high or low)
    if not all(part.isascii() and part.isdecimal() and len(part) <= 5 for part in numbers):
        raise BadRequest(f"{text!r} are no ports: write 80, or 8000-8100.")
    return int(numbers[0]), int(numbers[1])


def _same(form: CreateForm) -> Any:
    name, description = form["name"].value() or "NAME", form["description"].value() or ""
    openstack = command(
        "openstack security group create", ("--description", description) if description else None,
        positional(name),
    )  # fmt: skip
    rule = command(
        "openstack security group rule create", ("--protocol", "tcp"), ("--dst-port", "22"), positional(name)
    )
    body = {"name": name, **({"description": description} if description else {})}
    return Same(
        kamaki="# kamaki knows no security groups",
        openstack=f"{openstack}\n{rule}",
        terraform=resource("openstack_networking_secgroup_v2", label_of(name, "group"), body),
    )


urlpatterns: list[URLPattern | URLResolver] = [
    path("security-groups/", listing.page, name="groups"),
    path("security-groups/rows/", listing.part, name="group-rows"),
    path("security-groups/create/", create, name="group-create"),
    path("security-groups/create/same/", same, name="group-same"),
    path("security-groups/<slug:uuid>/", detail.page, name="group"),
    path("security-groups/<slug:uuid>/facts/", detail.part, name="group-facts"),
    path("security-groups/<slug:uuid>/rule/", add_rule, name="group-rule"),
    path("security-groups/<slug:uuid>/port/", put_on, name="group-port"),
    path("security-groups/<slug:uuid>/act/", act, name="group-act"),
    path("security-groups/<slug:uuid>/delete/", delete, name="group-delete"),
]
