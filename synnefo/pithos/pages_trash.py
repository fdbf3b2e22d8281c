"""Pages of the trash: what was thrown away, back to where it was, or gone for good."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import conditional_page

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Fault
from synnefo.common.pages import CALM_REFRESH_S, action, form_page, page
from synnefo.common.quota_shown import told
from synnefo.common.units import show_amount
from synnefo.pithos.namespace import browsing, containers, trees
from synnefo.pithos.namespace.browsing import account_of
from synnefo.pithos.namespace.models import Container
from synnefo.pithos.namespace.objects import Path
from synnefo.pithos.pages_folder import checked
from synnefo.pithos.pages_places import HOME, ROWS, Place, Wish, leaf_of
from synnefo.pithos.pages_shown import Discarded

TRASH = HOME + "trash/"


@page
def listing(request: HttpRequest, caller: Caller) -> HttpResponse:
    return render(request, "pithos/trash.html", _context(request, caller))


@conditional_page
@page
def rows(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The part of the list that lives."""
    return render(request, "pithos/trash_live.html", _context(request, caller))


@action
def restore(request: HttpRequest, caller: Caller) -> HttpResponse:
    """``do`` is ``restore`` for all ``item``s that are ticked, or ``restore:name`` for one."""
    name, _, one = request.POST.get("do", "").partition(":")
    if name != "restore":
        raise BadRequest("There is no such action.")
    for item in checked([one] if one else request.POST.getlist("item")):
        try:
            back = trees.restore(caller, account_of(caller), item)
        except Fault as fault:
            messages.error(request, f"{leaf_of(item)}: {told(fault)}")
        else:
            messages.success(request, f"{leaf_of(item)} is back as {back.container}/{back.name}")
    return HttpResponseRedirect(TRASH, status=303)


@form_page
def erase(request: HttpRequest, caller: Caller) -> HttpResponse:
    """What exactly goes for good, before it goes; without ``item``s all of it."""
    asked = request.POST if request.method == "POST" else request.GET
    container = containers.get(caller, account_of(caller), trees.TRASH)
    items = checked(asked.getlist("item")) if asked.getlist("item") else []
    typed = _to_type(items)
    right = not typed or request.POST.get("typed", "").strip() == typed
    if request.method == "POST" and right:
        _erase(request, caller, items)
        return HttpResponseRedirect(TRASH, status=303)
    context = {
        "items": [(item, leaf_of(item)) for item in items],
        "count": container.object_count,
        "size": show_amount(container.size_bytes, "bytes"),
        "typed": typed,
        "mistyped": not right and request.method == "POST",
        "next": TRASH,
        "url": TRASH + "erase/",
    }
    return render(request, "pithos/erase.html", context)


def _to_type(items: list[str]) -> str:
    """Files go by a click; folders, and all at once, are named."""
    if not items:
        return trees.TRASH
    folders = [item for item in items if item.endswith("/")]
    return leaf_of(folders[0]) if folders else ""


def _erase(request: HttpRequest, caller: Caller, items: list[str]) -> None:
    if not items:
        trees.empty_trash(caller, account_of(caller))
        messages.success(request, "The trash is empty.")
        return
    for item in items:
        trees.erase(caller, Path(account_of(caller), trees.TRASH, item))
    what = leaf_of(items[0]) if len(items) == 1 else f"{len(items)} items"
    messages.success(request, f"{what} deleted for good.")


def _context(request: HttpRequest, caller: Caller) -> dict[str, Any]:
    wish = Wish.of(request.GET, Place(""), "trash", "-modified")
    container = containers.containers_for(caller, account_of(caller)).filter(name=trees.TRASH).first()
    found = _page_of(container, wish)
    return {
        "wish": wish,
        "rows": [Discarded(row, trees.TRASH, "") for row in found.rows],
        "empty": not found.rows and wish.number == 1,
        "size": show_amount(container.size_bytes, "bytes") if container else "",
        "here": TRASH,
        "earlier": f"?page={wish.number - 1}" if wish.number > 1 else "",
        "later": f"?page={wish.number + 1}" if found.more else "",
        "refresh_s": CALM_REFRESH_S,
    }


def _page_of(container: Container | None, wish: Wish) -> browsing.Page:
    """Latest first."""
    if container is None:
        return browsing.Page([])
    return browsing.sorted_by(container, "", "-modified", offset=wish.offset, limit=ROWS)


urlpatterns: list[URLPattern] = [
    path("files/trash/", listing, name="trash"),
    path("files/trash/rows/", rows, name="trash-rows"),
    path("files/trash/restore/", restore, name="trash-restore"),
    path("files/trash/erase/", erase, name="trash-erase"),
]
