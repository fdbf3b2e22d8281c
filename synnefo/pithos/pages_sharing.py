"""Pages by which one shares a file or folder: with people, with groups, with whoever knows a link."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import timezone

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Fault, ItemNotFound
from synnefo.common.pages import form_page
from synnefo.common.quota_shown import told
from synnefo.pithos.blocks.content import EMPTY
from synnefo.pithos.faces.pithos import links
from synnefo.pithos.namespace import access, browsing, groups, objects, publishing, sharing
from synnefo.pithos.namespace import accounts as own_accounts
from synnefo.pithos.namespace.access import SIGNED_IN, Right
from synnefo.pithos.namespace.changes import current
from synnefo.pithos.namespace.models import Container
from synnefo.pithos.namespace.names import Path
from synnefo.pithos.pages_places import Place, address, folder_of, leaf_of

_FOLDER = "application/directory"
_DAY = datetime.timedelta(days=1)
_ENDS = {"never": ("Never", None), "day": ("In a day", _DAY), "week": ("In a week", 7 * _DAY),
         "month": ("In 30 days", 30 * _DAY)}  # fmt: skip


class Row(NamedTuple):
    """Somebody with whom it is shared: as rules name him, as people do, and a word on what he is."""

    who: str
    name: str
    kind: str
    write: bool


@form_page
def share(request: HttpRequest, caller: Caller) -> HttpResponse:
    """With whom it is shared, and its public link; each form changes one thing."""
    asked = request.POST if request.method == "POST" else request.GET
    place, name = Place.of(asked), asked.get("name", "")
    at = place.path(caller, name.removesuffix("/"))
    container = access.object(caller, at, Right.OWN)
    is_folder = _is_folder(container, at)
    error = ""
    if request.method == "POST":
        try:
            messages.success(request, _done(request, caller, at, is_folder))
            return HttpResponseRedirect(address("share", at.container, name=name), status=303)
        except Fault as fault:
            error = told(fault)
    context = {**_context(request, caller, container, at, is_folder), "name": name, "error": error}
    return render(request, "pithos/share.html", context, status=409 if error else 200)


def user_named(text: str) -> str:
    """The uuid of the user with exactly this e-mail address. Raises BadRequest."""
    wanted = text.strip().lower()
    found = accounts().names(accounts().users_like(wanted)) if wanted else {}
    for uuid, name in found.items():
        if name.lower() == wanted:
            return uuid
    raise BadRequest(f"Nobody here has the address {text.strip()}." if wanted else "Type an e-mail address.")


def rows_of(account: str, shares: Mapping[str, bool]) -> list[Row]:
    """As people read them, by name."""
    names = accounts().names([who for who in shares if ":" not in who and who != SIGNED_IN])
    found = []
    for who, write in shares.items():
        if who == SIGNED_IN:
            found.append(Row(who, "Everybody who is signed in", "all users", write))
        elif ":" in who:
            found.append(Row(who, who.removeprefix(f"{account}:"), "group", write))
        else:
            found.append(Row(who, names.get(who, who), "user", write))
    return sorted(found, key=lambda row: (row.kind, row.name))


def _is_folder(container: Container, at: Path) -> bool:
    """Raises ItemNotFound if nothing is there."""
    known = current(container, at.name)
    if browsing.is_folder(known):
        return True
    if known is None and not browsing.folder_exists(container, f"{at.name}/"):
        raise ItemNotFound("There is no such file or folder.")
    return known is None


def _done(request: HttpRequest, caller: Caller, at: Path, is_folder: bool) -> str:
    """What was changed, in words. Raises BadRequest and what the rules raise."""
    do, _, who = request.POST.get("do", "").partition(":")
    if do == "link":
        return _published(request, caller, at)
    if do == "unlink":
        publishing.unpublish(caller, at)
        return "The public link is switched off. Who had it reads nothing any more."
    shares = dict(_own(access.object(caller, at, Right.OWN), at))
    write = request.POST.get("right") == "write"
    if do == "add":
        who = _added(request, at.account)
        shares[who] = write
    elif do == "change" and who in shares:
        shares[who] = request.POST.get(f"right-{who}") == "write"
    elif do == "remove" and who in shares:
        del shares[who]
    else:
        raise BadRequest("There is no such action.")
    if is_folder and objects.find(caller, at) is None:  # its object is what is shared
        objects.write(caller, at, EMPTY, content_type=_FOLDER, attributes={})
    sharing.replace(caller, at, shares)
    (row,) = rows_of(at.account, {who: shares.get(who, False)})
    if who not in shares:
        return f"{leaf_of(at.name)} is not shared with {row.name} any more."
    return f"{row.name} can {'read and write' if shares[who] else 'read'} {leaf_of(at.name)}."


def _added(request: HttpRequest, account: str) -> str:
    group = request.POST.get("group", "")
    if request.POST.get("kind") == "everybody":
        return SIGNED_IN
    if request.POST.get("kind") == "group":
        return f"{account}:{group}"
    return user_named(request.POST.get("email", ""))


def _published(request: HttpRequest, caller: Caller, at: Path) -> str:
    ends = _ENDS.get(request.POST.get("ends", ""))
    password: str | publishing.Kept | None = request.POST.get("password", "") or publishing.Kept.KEPT
    if request.POST.get("open"):
        password = None
    expires: datetime.datetime | publishing.Kept | None = publishing.Kept.KEPT
    if ends is not None:
        expires = timezone.now() + ends[1] if ends[1] else None
    publishing.publish(caller, at, expires=expires, password=password)
    return "The public link is set."


def _own(container: Container, at: Path) -> dict[str, bool]:
    return sharing.between(container, [at.name]).get(at.name, {})


def _context(
    request: HttpRequest, caller: Caller, container: Container, at: Path, is_folder: bool
) -> dict[str, Any]:
    own = _own(container, at)
    counting = access.sharing(container.pk, at.name)
    inherited = counting.who if counting.of != at.name else {}
    link = None if is_folder else publishing.link_of(caller, at)
    return {
        "at": at,
        "leaf": leaf_of(at.name),
        "is_folder": is_folder,
        "back": address("folder", at.container, under=folder_of(at.name)),
        "place": Place(at.container, folder_of(at.name)),
        "rows": rows_of(at.account, own),
        "inherited": rows_of(at.account, inherited),
        "through": counting.of if inherited else "",
        "through_address": address("share", at.container, name=f"{counting.of}/") if inherited else "",
        "groups": sorted(groups.of(own_accounts.get(caller, at.account))),
        "link": link,
        "has_ended": link is not None and publishing.has_ended(link),
        "link_address": links.address(request, link) if link is not None else "",
        "ends": [(key, words) for key, (words, _) in _ENDS.items()],
        "posted": request.POST,
    }


urlpatterns: list[URLPattern] = [path("files/share/", share, name="file-share")]
