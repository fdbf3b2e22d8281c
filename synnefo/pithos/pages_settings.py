"""The page of a container's settings: old versions, quota, who pays, whether it is public."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Fault
from synnefo.common.pages import form_page
from synnefo.common.quota_shown import told
from synnefo.common.units import GIB, show_amount
from synnefo.pithos.namespace import access, acl, containers, options
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.browsing import account_of
from synnefo.pithos.namespace.models import Container
from synnefo.pithos.pages_places import Place

#: The access list of containers that whoever comes reads and lists.
_PUBLIC = ".r:*,.rlistings"
_ACL = "acl"


@form_page
def settings(request: HttpRequest, caller: Caller) -> HttpResponse:
    asked = request.POST if request.method == "POST" else request.GET
    account, place = account_of(caller), Place.of(asked)
    container = access.container(caller, account, place.container, Right.OWN)
    error = ""
    if request.method == "POST":
        try:
            _save(request, caller, container)
            messages.success(request, f"The settings of {container.name} are saved.")
            return HttpResponseRedirect(place.address, status=303)
        except Fault as fault:
            error = told(fault)
    context = {**_context(request, caller, container), "place": place, "error": error}
    return render(request, "pithos/container_settings.html", context, status=409 if error else 200)


def _save(request: HttpRequest, caller: Caller, container: Container) -> None:
    """Raises BadRequest and what the rules raise."""
    policy = {"versioning": request.POST.get("versioning", ""), "quota": str(_quota_bytes(request))}
    if not container.account.of_project:
        policy["project"] = request.POST.get("project", "")
    name, account = container.name, container.account.name
    containers.update(caller, account, name, attributes={}, policy=policy, merge=True)
    wanted = request.POST.get("public", "")
    lists = container.options.get(_ACL) or {}
    if wanted == "yes" and not acl.is_for_everybody(lists.get("read", "")):
        options.put(caller, account, name, _ACL, {**lists, "read": _PUBLIC})
    elif wanted == "no" and lists:
        options.put(caller, account, name, _ACL, None)


def _quota_bytes(request: HttpRequest) -> int:
    text = request.POST.get("quota", "").strip()
    try:
        found = float(text or "0")
    except ValueError:
        found = -1
    if not 0 <= found < 2**30:
        raise BadRequest("The most that it may hold is a number of GiB, or empty.")
    return int(found * GIB)


def _context(request: HttpRequest, caller: Caller, container: Container) -> dict[str, Any]:
    lists = container.options.get(_ACL) or {}
    names = accounts().names(caller.projects)
    posted = request.POST
    quota = f"{container.quota_bytes / GIB:g}" if container.quota_bytes else ""
    return {
        "container": container,
        "size": show_amount(container.size_bytes, "bytes"),
        "versioning": posted.get("versioning", container.versioning),
        "quota": posted.get("quota", quota),
        "project": posted.get("project", container.project),
        "projects": sorted(
            ((uuid, names.get(uuid, uuid)) for uuid in caller.projects), key=lambda one: one[1]
        )
        if not container.account.of_project
        else [],
        "is_public": acl.is_for_everybody(lists.get("read", "")),
        "lists": {key: text for key, text in lists.items() if text and text != _PUBLIC},
    }


urlpatterns: list[URLPattern] = [path("files/settings/", settings, name="container-settings")]
