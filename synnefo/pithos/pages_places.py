"""Where one is in the files, and how a list of them is to be shown, as addresses of pages say it."""

from __future__ import annotations

import dataclasses

from django.http import HttpRequest, QueryDict
from django.utils.http import urlencode

from synnefo.common.caller import Caller
from synnefo.common.http.addresses import objects_path, objects_url
from synnefo.common.listing import Heading
from synnefo.pithos.namespace.browsing import account_of
from synnefo.pithos.namespace.objects import Path

HOME = "/ui/files/"
ROWS = 50
_COLUMNS = {"name": "Name", "size": "Size", "modified": "Modified", "kind": "Type"}
_LONGEST = 4096


def data_url(request: HttpRequest) -> str:
    """Where browsers reach the object store, without a slash at the end."""
    return objects_url(request) + objects_path()


@dataclasses.dataclass(frozen=True)
class Place:
    """A container, or a folder in it (which ends in a slash)."""

    container: str
    folder: str = ""

    @classmethod
    def of(cls, query: QueryDict) -> Place:
        folder = query.get("under", "")
        return cls(query.get("in", ""), folder if not folder or folder.endswith("/") else f"{folder}/")

    @property
    def title(self) -> str:
        return leaf_of(self.folder) if self.folder else self.container

    @property
    def address(self) -> str:
        return address("folder", self.container, under=self.folder)

    @property
    def query(self) -> str:
        return self.address.partition("?")[2]

    @property
    def crumbs(self) -> list[Place]:
        """From the container down to here, without here."""
        if not self.folder:
            return []
        parts = self.folder[:-1].split("/")
        above = ["", *("/".join(parts[: depth + 1]) + "/" for depth in range(len(parts) - 1))]
        return [Place(self.container, folder) for folder in above]

    def inside(self, folder: str) -> Place:
        return Place(self.container, folder)

    def path(self, caller: Caller, name: str) -> Path:
        return Path(account_of(caller), self.container, name)


def leaf_of(name: str) -> str:
    """The last part of the name of a file or folder."""
    return name.removesuffix("/").rpartition("/")[2] or "/"


def folder_of(name: str) -> str:
    """The folder that a file or folder lies in: ``""``, or ending in a slash."""
    head, slash, _ = name.removesuffix("/").rpartition("/")
    return head + slash


def address(kind: str, container: str, **more: str) -> str:
    """A page of the files; what is empty is left out."""
    query = {"in": container, **{name: value for name, value in more.items() if value}}
    return f"{HOME}{kind}/?{urlencode(query)}".replace("%2F", "/")


@dataclasses.dataclass(frozen=True)
class Wish:
    """How a list is wanted; whatever an address cannot mean is passed over.

    In the order of names pages go on behind (or end before) a name; in other orders they have numbers.
    """

    place: Place
    kind: str
    order: str
    search: str
    after: str
    before: str
    number: int

    @classmethod
    def of(cls, query: QueryDict, place: Place, kind: str = "folder", usual: str = "name") -> Wish:
        order, number = query.get("sort", usual), query.get("page", "1")
        return cls(
            place=place,
            kind=kind,
            order=order if order.removeprefix("-") in _COLUMNS else usual,
            search=query.get("q", "").strip().replace("\x00", "")[:100],
            after=query.get("after", "")[:_LONGEST],
            before=query.get("before", "")[:_LONGEST],
            number=max(1, int(number)) if number.isdecimal() and len(number) < 7 else 1,
        )

    @property
    def by_name(self) -> bool:
        return self.order.removeprefix("-") == "name"

    @property
    def offset(self) -> int:
        return (self.number - 1) * ROWS

    def address(self, **more: str) -> str:
        """This list with something said; where in the list one is, is not kept."""
        said = {"under": self.place.folder, "q": self.search, "sort": self.order, **more}
        if said["sort"] == "name":
            del said["sort"]
        return address(self.kind, self.place.container, **said)

    @property
    def here(self) -> str:
        number = str(self.number) if self.number > 1 else ""
        return self.address(after=self.after, before=self.before, page=number)

    @property
    def here_rows(self) -> str:
        """The same without what stands around the list."""
        return self.here.replace("/?", "/rows/?", 1)

    def headings(self) -> dict[str, Heading]:
        found = {}
        for key, title in _COLUMNS.items():
            down, up = self.order == f"-{key}", self.order == key
            direction = "descending" if down else "ascending" if up else "none"
            first = key if key in ("name", "kind") else f"-{key}"
            turned = key if down else f"-{key}" if up else first
            found[key] = Heading(title, direction, self.address(sort=turned))
        return found
