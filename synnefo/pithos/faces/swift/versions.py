"""Versions with ids (``X-Versions-Enabled``): old ones are read, listed, removed and brought back by id.

An id is the version's number; ``null`` is the one that came while versions were switched off.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from django.db.models import Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound, NotAcceptable
from synnefo.pithos.faces.swift import kit, listing
from synnefo.pithos.faces.swift.listing import Item
from synnefo.pithos.namespace import access, containers, numbered, numbers, objects
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.models import Container, Version
from synnefo.pithos.namespace.names import Path, behind, check_characters

NULL = "null"
#: What deleted objects look like in lists.
GONE = "application/x-deleted;swift_versions_deleted=1"
NOTHING = "d41d8cd98f00b204e9800998ecf8427e"
_HEADER = "HTTP_X_VERSIONS_ENABLED"
_NOT_ENABLED = "Object versioning is not enabled for this container."


class Deleted(ItemNotFound):
    """What was asked for is the mark of a deletion; its ``version`` is in the data."""


def asked(request: HttpRequest) -> bool | None:
    """Whether a request switches versions on or off; None if it does neither. Raises BadRequest."""
    text = request.META.get(_HEADER, "").strip().lower()
    if not text:
        return None
    if text not in (*kit.TRUE, "false", "0", "no", "off", "f", "n"):
        raise BadRequest("X-Versions-Enabled is true or false")
    return text in kit.TRUE


def switch(caller: Caller, account: str, container: str, *, on: bool) -> None:
    """From now on old versions have ids, or no more. Those that are there already keep what they have."""
    found = access.container(caller, account, container, Right.OWN)
    if numbers.OPTION not in found.options:
        if not on:
            return
        # What was kept before anybody asked for ids has none.
        policy = {"versioning": Container.Versioning.NONE.value}
        containers.update(caller, account, container, attributes={}, policy=policy, merge=True)
    numbered.switch(caller, account, container, on=on)


def state(container: Container) -> str:
    """``True`` or ``False`` where versions were ever switched on; else empty."""
    if numbers.OPTION not in container.options:
        return ""
    return str(container.versioning == Container.Versioning.AUTO)


def get(caller: Caller, path: Path, text: str) -> Version:
    """Raises Forbidden, BadRequest, ItemNotFound, Deleted."""
    number = number_of(text)
    container = access.object(caller, path, Right.OWN)
    if numbers.OPTION not in container.options:
        if number is not None:
            raise BadRequest(_NOT_ENABLED)
        return objects.get(caller, path)
    found = numbered.find(container, path.name, number)
    if found.state == Version.State.TOMBSTONE:
        raise Deleted("The resource could not be found.", data={"version": text})
    return found


def headers(path: Path, version: Version) -> dict[str, str]:
    """What is said of a version's id to who may read it."""
    container = version.object.container
    if numbers.OPTION not in container.options:
        return {}
    found = {"X-Object-Version-Id": id_of(container, version)}
    if version.state == Version.State.CURRENT and found["X-Object-Version-Id"] != NULL:
        place = quote(f"/v1/{kit.PREFIX}{path.account}/{path.container}/{path.name}")
        found["Content-Location"] = f"{place}?version-id={version.pk}"
    return found


def id_of(container: Container, version: Version) -> str:
    if numbers.OPTION in container.options and numbered.is_numbered(container, version):
        return str(version.pk)
    return NULL


def link_to(container: Container, name: str, number: int) -> Item:
    """What lists tell of an object that is a version with an id."""
    if not numbers.is_numbered(container, number, is_past=False):
        return {}
    place = quote(f"/v1/{kit.PREFIX}{container.account.name}/{container.name}/{name}")
    return {"version_symlink": True, "symlink_path": f"{place}?version-id={number}"}


def bytes_of(container: Container) -> int:
    """All that is in it, old versions that clients count included."""
    if numbers.OPTION not in container.options:
        return container.size_bytes
    old = Version.objects.filter(object__container=container, state=Version.State.HISTORY)
    return container.size_bytes + (old.aggregate(total=Sum("size_bytes"))["total"] or 0)


def number_of(text: str) -> int | None:
    """Raises BadRequest."""
    if text == NULL:
        return None
    whole, _, rest = text.partition(".")
    if not (whole.isascii() and whole.isdigit() and (not rest or rest.isdigit()) and len(whole) < 19):
        raise BadRequest("Invalid version parameter")
    return int(whole)


def is_plain(caller: Caller, path: Path, request: HttpRequest) -> bool:
    """Whether ``null`` is asked for where versions have no ids: the object itself."""
    container = access.object(caller, path, Right.DELETE)
    return kit.parameter(request, "version-id") == NULL and numbers.OPTION not in container.options


def remove(caller: Caller, path: Path, text: str) -> HttpResponse:
    """DELETE with an id: that version is forgotten."""
    container, number = access.object(caller, path, Right.DELETE), number_of(text)
    if numbers.OPTION not in container.options:
        raise BadRequest(_NOT_ENABLED)
    try:
        gone = numbered.find(container, path.name, number)
    except ItemNotFound:
        if number is not None:
            raise
        numbered.put_away(caller, container, path)
        return kit.empty(204)
    was_current = gone.state == Version.State.CURRENT
    numbered.remove(caller, path, number, brings_back=False)
    response = kit.empty(204)
    response["X-Object-Version-Id"] = text
    response["X-Object-Current-Version-Id"] = _current_id(container, path) if not was_current else ""
    return response


def delete(caller: Caller, path: Path, check: objects.Check) -> HttpResponse:
    """DELETE where versions have ids: a mark of the deletion is the newest one then."""
    container = access.object(caller, path, Right.DELETE)
    there: list[Version | None] = []

    def look(version: Version | None) -> None:
        there[:] = [version]
        check(version)

    (mark,) = numbered.delete(caller, container, [path.name], look)
    # What was not there leaves a mark, too; it was not found all the same.
    response = kit.empty(204 if any(there) else 404)
    if mark is not None:
        tell(response, container, mark)
    return response


def tell(response: HttpResponse, container: Container, version: Version) -> None:
    """Say the id of a version that was just made, if it has one."""
    if numbers.OPTION in container.options and numbered.is_numbered(container, version):
        response["X-Object-Version-Id"] = str(version.pk)


def restore(caller: Caller, path: Path, text: str) -> Version:
    """PUT with an id: that version is what is there from now on."""
    container = access.object(caller, path, Right.WRITE)
    if container.versioning != Container.Versioning.AUTO or numbers.OPTION not in container.options:
        raise BadRequest(_NOT_ENABLED)
    number = number_of(text)
    if number is None:
        raise BadRequest("Invalid version parameter")
    wanted = numbered.find(container, path.name, number)
    if wanted.state == Version.State.TOMBSTONE:
        raise Conflict("A deletion cannot be brought back.")
    if wanted.state == Version.State.CURRENT:
        return wanted
    return objects.copy(caller, objects.Source(path, wanted.pk), path, objects.Overrides())


def check_format(request: HttpRequest) -> None:
    """Versions are told as JSON only. Raises NotAcceptable."""
    asked, accepted = request.GET.get("format", "json"), request.get_preferred_type([listing.JSON])
    if asked != "json" or ("format" not in request.GET and accepted is None):
        raise NotAcceptable("Versions are listed as JSON.")


def listed(container: Container, request: HttpRequest, limit: int) -> Iterator[Item]:
    """Versions and marks of deletions by name, newest first, as they are told in lists; or all reversed.

    Of versions without an id only the newest of a name is shown, and of marks those that have one.
    """
    prefix, delimiter = kit.parameter(request, "prefix"), kit.parameter(request, "delimiter")
    backwards, count, last = listing.reversed_of(request), 0, ""
    rows = _asked_for(container, request, prefix, backwards)
    for name, group in itertools.groupby(rows.iterator(chunk_size=500), lambda row: row.object.name):
        head, found, _ = name[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
        if found:
            items: list[Item] = [{"subdir": prefix + head + found}] if prefix + head + found != last else []
            last = prefix + head + found
        else:
            items = _told(container, group)
        for item in reversed(items) if backwards else items:
            yield item
            count += 1
            if count >= limit:
                return


def _asked_for(container: Container, request: HttpRequest, prefix: str, backwards: bool) -> QuerySet[Version]:
    rows = Version.objects.filter(object__container=container).select_related("object")
    rows = rows.defer("attributes", "data").order_by("-object__name" if backwards else "object__name", "-pk")
    check_characters(prefix)
    if prefix:
        rows = rows.filter(object__name__gte=prefix, object__name__lt=behind(prefix))
    side, end = ("lt", "gt") if backwards else ("gt", "lt")
    if name := listing.border(request, "marker"):
        beyond = Q(**{f"object__name__{side}": name})
        if text := kit.parameter(request, "version_marker"):
            number = number_of(text)
            if number is None:
                with contextlib.suppress(ItemNotFound):
                    number = numbered.find(container, name, None).pk
            behind_it = {f"pk__{'gt' if backwards else 'lt'}": number} if number is not None else {}
            beyond |= Q(object__name=name, **behind_it)
        rows = rows.filter(beyond)
    if border := listing.border(request, "end_marker"):
        rows = rows.filter(**{f"object__name__{end}": border})
    return rows if numbers.OPTION in container.options else rows.filter(state=Version.State.CURRENT)


def _told(container: Container, group: Iterable[Version]) -> list[Item]:
    """The entries of one name, newest first."""
    items: list[Item] = []
    for number, row in enumerate(group):
        gone, text = row.state == Version.State.TOMBSTONE, id_of(container, row)
        if text == NULL and (gone or any(item["version_id"] == NULL for item in items)):
            continue
        is_latest = row.state == Version.State.CURRENT or (gone and not number and _is_newest(row))
        items.append(_item(row, is_latest, text))
    return items


def _is_newest(row: Version) -> bool:
    return not Version.objects.filter(object=row.object_id, pk__gt=row.pk).exists()


def _item(version: Version, is_latest: bool, text: str) -> Item:
    gone = version.state == Version.State.TOMBSTONE
    return {
        "name": version.object.name,
        "hash": NOTHING if gone else version.checksum,
        "bytes": version.size_bytes,
        "content_type": GONE if gone else version.content_type or kit.OCTETS,
        "last_modified": listing.moment(version.modified),
        "version_id": text,
        "is_latest": is_latest,
    }


def _current_id(container: Container, path: Path) -> str:
    newest = numbered.of_path(container, path.name).first()
    return id_of(container, newest) if newest is not None else ""
