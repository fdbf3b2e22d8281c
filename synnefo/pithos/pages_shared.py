"""Pages of what others share: whose, in which containers, and what is in their folders."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.http import urlencode

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden
from synnefo.common.pages import page
from synnefo.common.units import show_amount
from synnefo.pithos.faces import view
from synnefo.pithos.namespace import browsing, listing, objects, sharing, sights
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.listing import Listed, Rolled, Told, Wanted
from synnefo.pithos.namespace.names import Path
from synnefo.pithos.namespace.sights import Sight
from synnefo.pithos.pages_places import HOME, ROWS, data_url, folder_of, leaf_of
from synnefo.pithos.pages_shown import kind_of

_TOP = f"{HOME}shared/"
_MOST_ACCOUNTS = 200


@dataclasses.dataclass(frozen=True)
class Foreign:
    """A container of somebody else's, or a folder in it (which ends in a slash)."""

    account: str
    container: str
    folder: str = ""

    @classmethod
    def of(cls, query: QueryDict) -> Foreign:
        folder = query.get("under", "")
        ended = folder if not folder or folder.endswith("/") else f"{folder}/"
        return cls(query.get("of", ""), query.get("in", ""), ended)

    @property
    def title(self) -> str:
        return leaf_of(self.folder) if self.folder else self.container

    @property
    def address(self) -> str:
        return self.page("folder", under=self.folder)

    @property
    def above(self) -> Foreign:
        return dataclasses.replace(self, folder=folder_of(self.folder))

    def page(self, kind: str, **more: str) -> str:
        query = {
            "of": self.account,
            "in": self.container,
            **{key: text for key, text in more.items() if text},
        }
        return f"{_TOP}{kind}/?{urlencode(query)}".replace("%2F", "/")


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    address: str
    is_folder: bool
    may_write: bool
    version: Listed | None

    @property
    def size(self) -> str:
        return "" if self.is_folder or self.version is None else show_amount(self.version.size_bytes, "bytes")

    @property
    def modified(self) -> datetime.datetime | None:
        return self.version.modified if self.version else None

    @property
    def kind(self) -> str:
        return "Folder" if self.is_folder else kind_of(self.version.content_type if self.version else "")


@page
def accounts_sharing(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Whose files one may see, and the containers that they are in."""
    himself = as_himself(caller)
    found = sharing.sharers(himself, marker="", limit=_MOST_ACCOUNTS)
    names = accounts().names([one.name for one in found])
    shown = [
        (names.get(one.name, one.name), [
            Foreign(one.name, container.name) for container in sharing.containers_shared(himself, one.name)
        ])
        for one in found
    ]  # fmt: skip
    return render(request, "pithos/shared.html", {"sharers": shown})


@page
def folder(request: HttpRequest, caller: Caller) -> HttpResponse:
    """What is in a folder of somebody else's, as far as it is shared."""
    place, after = Foreign.of(request.GET), request.GET.get("after", "")
    container, sight = sights.look(as_himself(caller), place.account, place.container)
    if sight is not None and not sight.reaches(place.folder):
        raise Forbidden("This folder is not shared with you.")
    wanted = Wanted(place.folder, "/", marker=after, limit=ROWS + 1, folds=True, sight=sight, told=Told.BRIEF)
    found = listing.entries(container, wanted)
    names = accounts().names([place.account])
    context: dict[str, Any] = {
        "place": place,
        "owner": names.get(place.account, place.account),
        "rows": _rows(place, sight, found[:ROWS]),
        "later": place.page("folder", under=place.folder, after=found[ROWS - 1].name)
        if len(found) > ROWS
        else "",
        "may_write": _may_write(sight, place.folder),
    }
    return render(request, "pithos/shared_folder.html", context)


@page
def get(request: HttpRequest, caller: Caller) -> HttpResponse:
    """On to where the content comes from, by a link that is good for some minutes."""
    place, himself = Foreign.of(request.GET), as_himself(caller)
    at = Path(place.account, place.container, request.GET.get("name", ""))
    link = view.link_to_file(himself, at, objects.get(himself, at))
    return HttpResponseRedirect(f"{data_url(request)}/{link}")


def as_himself(caller: Caller) -> Caller:
    """In his own project: what is shared is shared with him, wherever he works at the moment."""
    return caller.in_project(caller.user)


def _may_write(sight: Sight | None, name: str) -> bool:
    return bool(sight is not None and name and sight.right(name.removesuffix("/")) is Right.WRITE)


def _rows(place: Foreign, sight: Sight | None, entries: list[listing.Entry]) -> list[Row]:
    """A folder that has an object and members is there once; a file of a folder's name is hidden."""
    found: dict[str, Row] = {}
    for entry in entries:
        name, version = entry.name, None if isinstance(entry, Rolled) else entry
        bare = name.removesuffix("/")
        is_folder = name.endswith("/") or browsing.is_folder(version)
        if bare == place.folder.removesuffix("/") or (bare in found and not is_folder):
            continue
        where = place.page("folder", under=f"{bare}/") if is_folder else place.page("get", name=name)
        may_write = _may_write(sight, bare)
        found[bare] = Row(leaf_of(bare), where, is_folder, may_write, version)
    return list(found.values())


urlpatterns: list[URLPattern] = [
    path("files/shared/", accounts_sharing, name="shared"),
    path("files/shared/folder/", folder, name="shared-folder"),
    path("files/shared/get/", get, name="shared-get"),
]
