"""Pages of containers: the list, making one, deleting an empty one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import conditional_page

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, Fault
from synnefo.common.listing import Listing
from synnefo.common.pages import CALM_REFRESH_S, action, form_page, page
from synnefo.common.quota_shown import bars, told
from synnefo.common.units import show_amount
from synnefo.pithos.namespace import containers, trees
from synnefo.pithos.namespace.browsing import account_of
from synnefo.pithos.namespace.models import Container
from synnefo.pithos.pages_folder import checked
from synnefo.pithos.pages_places import HOME, Place


def _find(rows: QuerySet[Container], words: str) -> QuerySet[Container]:
    return rows.filter(name__icontains=words)


CONTAINERS: Listing[Container] = Listing(
    path=HOME,
    noun="container",
    columns={
        "name": ("Name", ("name",)),
        "files": ("Files", ("object_count", "name")),
        "size": ("Size", ("size_bytes", "name")),
        "modified": ("Modified", ("modified", "name")),
    },
    usual="name",
    find=_find,
)


@page
def listing(request: HttpRequest, caller: Caller) -> HttpResponse:
    return render(request, "pithos/containers.html", _context(request, caller))


@conditional_page
@page
def rows(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The part of the list that lives."""
    return render(request, "pithos/containers_live.html", _context(request, caller))


@form_page
def create(request: HttpRequest, caller: Caller) -> HttpResponse:
    name, versioning = request.POST.get("name", "").strip(), request.POST.get("versioning", "auto")
    error = ""
    if request.method == "POST":
        try:
            policy = {"versioning": versioning}
            if not containers.put(caller, account_of(caller), name, attributes={}, policy=policy):
                raise Conflict(f"There is a container {name} already.")
            return HttpResponseRedirect(Place(name).address, status=303)
        except Fault as fault:
            error = told(fault)
    context = {"name": name, "versioning": versioning, "error": error}
    return render(request, "pithos/container_create.html", context, status=409 if error else 200)


@action
def delete(request: HttpRequest, caller: Caller) -> HttpResponse:
    """``do`` is ``delete`` for all ``item``s that are ticked, or ``delete:name`` for one.

    Only empty ones go, so nothing is asked.
    """
    one = request.POST.get("do", "").partition(":")[2]
    for name in checked([one] if one else request.POST.getlist("item")):
        try:
            containers.delete(caller, account_of(caller), name)
        except Conflict:
            messages.error(request, f"{name} is not empty. Delete what is in it first, then the container.")
        else:
            messages.success(request, f"The container {name} is deleted.")
    return HttpResponseRedirect(HOME, status=303)


def _context(request: HttpRequest, caller: Caller) -> dict[str, Any]:
    own = containers.containers_for(caller, account_of(caller))
    trash = own.filter(name=trees.TRASH).first()
    context = CONTAINERS.context(own.exclude(name=trees.TRASH), request.GET)
    found = list(context["page"].object_list)
    payers = accounts().names({row.project for row in found})
    return {
        **context,
        "containers": [
            (row, Place(row.name), show_amount(row.size_bytes, "bytes"), payers.get(row.project, row.project))
            for row in found
        ],
        "trash": trash,
        "trash_size": show_amount(trash.size_bytes, "bytes") if trash else "",
        "refresh_s": CALM_REFRESH_S,
        "bars": bars(accounts().quotas(caller.user, caller.project), ("pithos.diskspace",)),
    }


urlpatterns: list[URLPattern] = [
    path("files/", listing, name="files"),
    path("files/rows/", rows, name="container-rows"),
    path("files/create/", create, name="container-create"),
    path("files/delete/", delete, name="container-delete"),
]
