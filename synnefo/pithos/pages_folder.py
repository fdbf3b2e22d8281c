"""Pages of a folder: what is in it, what is done to what is ticked. Every change is a call of the rules."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.views.decorators.http import conditional_page

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Fault, ItemNotFound
from synnefo.common.pages import CALM_REFRESH_S, action, form_page, go, local_path, page
from synnefo.common.quota_shown import told
from synnefo.common.units import show_amount
from synnefo.pithos.blocks.content import EMPTY
from synnefo.pithos.faces import view
from synnefo.pithos.namespace import browsing, containers, objects, trees
from synnefo.pithos.namespace.browsing import account_of
from synnefo.pithos.namespace.models import Container
from synnefo.pithos.namespace.objects import Path
from synnefo.pithos.pages_places import HOME, ROWS, Place, Wish, address, data_url, folder_of, leaf_of
from synnefo.pithos.pages_shown import Shown

MOST_AT_ONCE = 100
#: Where a session remembers what was thrown away last.
_UNDO = "files-undo"
_FOLDER = "application/directory"


@page
def listing(request: HttpRequest, caller: Caller) -> HttpResponse:
    return render(request, "pithos/folder.html", _context(request, caller))


@conditional_page
@page
def rows(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The part of the list that lives."""
    return render(request, "pithos/folder_live.html", _context(request, caller))


@action
def act(request: HttpRequest, caller: Caller) -> HttpResponse:
    """``do`` is an action for all ``item``s that are ticked, or ``action:name`` for one."""
    name, _, one = request.POST.get("do", "").partition(":")
    place = Place.of(request.POST)
    back = local_path(request.POST.get("next", ""), HOME)
    if name == "undo":
        _undo(request, caller)
        return HttpResponseRedirect(back, status=303)
    items = checked([one] if one else request.POST.getlist("item"))
    if name == "download":
        return go(request, _download(request, caller, place, items))
    if name in ("move", "copy"):
        query = QueryDict(mutable=True)
        query.update({"in": place.container, "do": name, "next": back})
        query.setlist("item", items)
        return go(request, f"{HOME}move/?{query.urlencode()}")
    if name != "delete":
        raise BadRequest("There is no such action.")
    _discard(request, caller, place, items)
    return HttpResponseRedirect(back, status=303)


@form_page
def move(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Where to, under which name; then it is done, or what is in the way is said."""
    asked = request.POST if request.method == "POST" else request.GET
    place, items = Place.of(asked), checked(asked.getlist("item"))
    error = ""
    if request.method == "POST":
        try:
            return _move(request, caller, place, items)
        except Fault as fault:
            error = told(fault)
    first = items[0]
    context = {
        "place": place,
        "items": [(item, leaf_of(item)) for item in items],
        "copying": asked.get("do") == "copy",
        "containers": containers.containers_for(caller, account_of(caller)).exclude(name=trees.TRASH),
        "to": asked.get("to", place.container),
        "to_folder": asked.get("to_folder", folder_of(first)).removesuffix("/"),
        "name": asked.get("name", leaf_of(first)) if len(items) == 1 else "",
        "next": local_path(asked.get("next", ""), HOME),
        "error": error,
    }
    return render(request, "pithos/move.html", context, status=409 if error else 200)


@form_page
def new_folder(request: HttpRequest, caller: Caller) -> HttpResponse:
    asked = request.POST if request.method == "POST" else request.GET
    place, name, error = Place.of(asked), asked.get("name", "").strip().strip("/"), ""
    if request.method == "POST":
        try:
            return HttpResponseRedirect(_make_folder(caller, place, name).address, status=303)
        except Fault as fault:
            error = told(fault)
    context = {"place": place, "name": name, "error": error}
    return render(request, "pithos/new_folder.html", context, status=409 if error else 200)


def checked(items: Sequence[str]) -> list[str]:
    found = [item for item in dict.fromkeys(items) if item]
    if not found:
        raise BadRequest("Nothing is ticked.")
    if len(found) > MOST_AT_ONCE:
        raise BadRequest(f"At most {MOST_AT_ONCE} files at once.")
    return found


def _context(request: HttpRequest, caller: Caller) -> dict[str, Any]:
    place = Place.of(request.GET)
    wish = Wish.of(request.GET, place)
    container = containers.get(caller, account_of(caller), place.container)
    found = _page_of(container, wish)
    bare = not found.rows and not (wish.search or wish.after or wish.before or wish.number > 1)
    if bare and not browsing.folder_exists(container, place.folder):
        raise ItemNotFound("There is no such folder in this container.")
    earlier, later = _neighbours(wish, found)
    return {
        "place": place,
        "wish": wish,
        "rows": [Shown(row, place.container, place.folder) for row in found.rows],
        "headings": wish.headings(),
        "empty": bare,
        "here": wish.here,
        "here_rows": wish.here_rows,
        "upload_command": f"kamaki file upload FILE {shlex.quote(f'/{place.container}/{place.folder}')}",
        "earlier": earlier,
        "later": later,
        "refresh_s": CALM_REFRESH_S,
        "facts": "" if place.folder else _facts(caller, container),
        "share": address("share", place.container, name=place.folder),
        "is_trash": place.container == trees.TRASH,
        "first": wish.number == 1 and not wish.after,
    }


def _facts(caller: Caller, container: Container) -> str:
    files = f"{container.object_count} file" + ("" if container.object_count == 1 else "s")
    size = show_amount(container.size_bytes, "bytes")
    name = accounts().names([container.project]).get(container.project, container.project)
    paid = "" if container.project == account_of(caller) else f", charged to {name}"
    kept = "kept" if container.versioning == Container.Versioning.AUTO else "not kept"
    return f"{files}, {size}{paid}; old versions are {kept}"


def _page_of(container: Container, wish: Wish) -> browsing.Page:
    folder = wish.place.folder
    if wish.search:
        return browsing.search(
            container, folder, wish.search, after=wish.after, before=wish.before, limit=ROWS
        )
    if wish.by_name:
        descending = wish.order.startswith("-")
        return browsing.by_name(
            container, folder, after=wish.after, before=wish.before, descending=descending, limit=ROWS
        )
    return browsing.sorted_by(container, folder, wish.order, offset=wish.offset, limit=ROWS)


def _neighbours(wish: Wish, found: browsing.Page) -> tuple[str, str]:
    """Addresses of the pages before and behind; empty where there is none."""
    if not (wish.search or wish.by_name):
        earlier = wish.address(page=str(wish.number - 1)) if wish.number > 1 else ""
        return earlier, wish.address(page=str(wish.number + 1)) if found.more else ""
    # Who came back from a page finds it again; who came from the beginning finds nothing before.
    has_earlier = found.more if wish.before else bool(wish.after)
    has_later = bool(wish.before) or found.more
    earlier = wish.address(before=found.first or wish.after) if has_earlier else ""
    return earlier, wish.address(after=found.last) if has_later and found.last else ""


def _download(request: HttpRequest, caller: Caller, place: Place, items: list[str]) -> str:
    """The address of one file, or of an archive of all that is ticked."""
    if len(items) == 1 and not items[0].endswith("/"):
        return address("get", place.container, name=items[0])
    folder = folder_of(items[0])
    if any(not item.startswith(folder) for item in items):
        folder = ""
    containers.get(caller, account_of(caller), place.container)
    link = view.link_to_archive(caller, account_of(caller), place.container, folder, items)
    return f"{data_url(request)}/{link}"


def _discard(request: HttpRequest, caller: Caller, place: Place, items: list[str]) -> None:
    """To the trash, each for itself; what was thrown away is remembered, and can be undone."""
    gone: list[str] = []
    for item in items:
        try:
            gone.append(trees.discard(caller, place.path(caller, item)))
        except Fault as fault:
            messages.error(request, f"{leaf_of(item)}: {told(fault)}")
    if not gone:
        return
    request.session[_UNDO] = gone
    what = leaf_of(items[0]) if len(gone) == 1 else f"{len(gone)} items"
    words = '{} moved to the <a href="{}trash/">trash</a>. '
    how = 'class="btn btn-sm" form="act" type="submit" name="do" value="undo" data-undo'
    messages.success(request, format_html(f"{words}<button {how}>Undo</button>", what, HOME))


def _undo(request: HttpRequest, caller: Caller) -> None:
    names: list[str] = request.session.pop(_UNDO, [])
    if not names:
        raise BadRequest("There is nothing to undo any more. What you deleted is in the trash.")
    restored: list[Path] = []
    for name in names:
        try:
            restored.append(trees.restore(caller, account_of(caller), name))
        except Fault as fault:
            messages.error(request, f"{leaf_of(name)}: {told(fault)}")
    if restored:
        what = leaf_of(restored[0].name) if len(restored) == 1 else f"{len(restored)} items"
        messages.success(request, f"{what} {'is' if len(restored) == 1 else 'are'} back.")


def _move(request: HttpRequest, caller: Caller, place: Place, items: list[str]) -> HttpResponse:
    folder = request.POST.get("to_folder", "").strip().strip("/")
    target = Place(request.POST.get("to", ""), f"{folder}/" if folder else "")
    copying = request.POST.get("do") == "copy"
    name = request.POST.get("name", "").strip().strip("/")
    for item in items:
        leaf = name if len(items) == 1 and name else leaf_of(item)
        slash = "/" if item.endswith("/") else ""
        trees.move(
            caller,
            place.path(caller, item),
            target.path(caller, target.folder + leaf + slash),
            copying=copying,
            overwrite=bool(request.POST.get("overwrite")),
        )
    what = leaf_of(items[0]) if len(items) == 1 else f"{len(items)} items"
    done = f"{'copied' if copying else 'moved'} to {target.container}/{target.folder}"
    messages.success(request, f"{what} {done}")
    return HttpResponseRedirect(target.address, status=303)


def _make_folder(caller: Caller, place: Place, name: str) -> Place:
    """An object stands for it, so that it is there while nothing is in it."""
    if not name:
        raise BadRequest("A folder needs a name.")
    container = containers.get(caller, account_of(caller), place.container)
    if browsing.folder_exists(container, f"{place.folder}{name}/"):
        raise BadRequest(f"There is a folder {name} already.")
    if browsing.taken(caller, account_of(caller), place.container, [place.folder + name]):
        raise BadRequest(f"There is a file {name} already.")
    objects.write(caller, place.path(caller, place.folder + name), EMPTY, content_type=_FOLDER, attributes={})
    return place.inside(f"{place.folder}{name}/")


urlpatterns: list[URLPattern] = [
    path("files/folder/", listing, name="folder"),
    path("files/folder/rows/", rows, name="folder-rows"),
    path("files/folder/create/", new_folder, name="folder-create"),
    path("files/act/", act, name="files-act"),
    path("files/move/", move, name="files-move"),
]
