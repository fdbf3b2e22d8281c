"""Containers: ``v1/<account>/<container>``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import keep
from synnefo.pithos.blocks.hashing import ALGORITHM
from synnefo.pithos.faces import body, conditions
from synnefo.pithos.faces.attributes import OBJECT_META
from synnefo.pithos.faces.pithos import filters, headers, kit, links
from synnefo.pithos.faces.pithos.accounts import page_size, policy
from synnefo.pithos.faces.pithos.sharing import RIGHTS, text_of
from synnefo.pithos.namespace import (
    access,
    containers,
    known,
    listing,
    objects,
    publishing,
    sharing,
    sights,
)
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.listing import Entry, Listed, Wanted
from synnefo.pithos.namespace.models import Container, timestamp
from synnefo.pithos.namespace.sights import Sight

META = "X-Container-Meta-"


def head(request: HttpRequest, account: str, container: str) -> HttpResponse:
    caller = kit.caller(request)
    found, sight = sights.look(caller, account, container)
    _refuse_looking_back(request, sight)
    return _described(request, kit.empty(204), caller, found, sight)


def show(request: HttpRequest, account: str, container: str) -> HttpResponse:
    """GET: the objects of the container."""
    caller = kit.caller(request)
    found, sight = sights.look(caller, account, container)
    _refuse_looking_back(request, sight)
    wanted = _wanted(request)
    if sight is not None and not sight.reaches(wanted.prefix):
        raise Forbidden("User does not have read access to the container")
    narrowed = _narrowed(request, caller, found, sight)
    entries = listing.entries(found, dataclasses.replace(wanted, sight=narrowed))
    kind = kit.serialization(request)
    if kind == "text":
        response = kit.answer_lines(entry.name for entry in entries)
    else:
        items = _items(request, caller, found, sight, entries)
        response = kit.answer_json(items) if kind == "json" else _xml(container, items)
    return _described(request, response, caller, found, sight)


def put(request: HttpRequest, account: str, container: str) -> HttpResponse:
    """PUT: make the container, or change what is given."""
    made = containers.put(
        kit.caller(request), account, container,
        attributes=headers.prefixed(request, META), policy=headers.policy(request),
    )  # fmt: skip
    return kit.empty(201 if made else 202)


def post(request: HttpRequest, account: str, container: str) -> HttpResponse:
    """POST: metadata and policy; with a body of octets, blocks to store."""
    caller, merge = kit.caller(request), "update" in request.GET
    attributes, policies = headers.prefixed(request, META), headers.policy(request)
    uploading = request.META.get("CONTENT_TYPE", "") == "application/octet-stream" and body.has_body(request)
    if attributes or policies or not (merge or uploading):
        containers.update(caller, account, container, attributes=attributes, policy=policies, merge=merge)
    else:
        access.container(caller, account, container, Right.OWN)
    return _store_blocks(request, caller, account) if uploading else kit.empty(202)


def delete(request: HttpRequest, account: str, container: str) -> HttpResponse:
    """DELETE: the container; with a delimiter all objects in it, with ``until`` its history."""
    caller, until = kit.caller(request), kit.until(request)
    if until is not None:
        containers.purge(caller, account, container, until)
    elif request.GET.get("delimiter"):
        objects.delete_all(caller, account, container)
    else:
        containers.delete(caller, account, container)
    return kit.empty(204)


def _store_blocks(request: HttpRequest, caller: Caller, account: str) -> HttpResponse:
    content = keep(blocks(), body.pieces(request), settings.PITHOS_BACKEND_BLOCK_SIZE, inline_bytes=0)
    known.note_upload(caller, account, content.digests)
    hashes = [digest.hex() for digest in content.digests]
    kind = kit.serialization(request, "json")
    if kind == "json":
        return kit.answer_json(hashes, 202)
    root = ElementTree.Element("items")
    for text in hashes:
        ElementTree.SubElement(root, "item").text = text
    return kit.answer_xml(root, 202)


def _wanted(request: HttpRequest) -> Wanted:
    given = request.GET
    prefix, delimiter, path = given.get("prefix", ""), given.get("delimiter", ""), given.get("path")
    if path is not None:
        prefix, delimiter = path, "/"
    prefix = prefix.lstrip("/")
    if prefix and delimiter and not prefix.endswith(delimiter):
        prefix += delimiter
    wanted = Wanted(
        prefix=prefix, delimiter=delimiter, marker=given.get("marker", ""),
        end_marker=given.get("end_marker", ""), limit=page_size(request), virtual=path is None,
        until=kit.until(request),
    )  # fmt: skip
    terms = given.get("meta", "")
    return dataclasses.replace(wanted, accepts=filters.by_metadata(terms)) if terms else wanted


def _refuse_looking_back(request: HttpRequest, sight: Sight | None) -> None:
    if sight is not None and kit.until(request) is not None:
        raise Forbidden("Only people of the account look back.")


def _narrowed(request: HttpRequest, caller: Caller, row: Container, sight: Sight | None) -> Sight | None:
    """What is listed of what the caller sees: with ``shared`` or ``public`` what is that, or either."""
    shared, public = "shared" in request.GET, "public" in request.GET
    if public and not _is_owned(caller, row):
        raise Forbidden("Only people of the account see what is public.")
    if sight is not None or not (shared or public):
        return sight
    found = sights.shared(row) if shared else Sight({})
    return found.with_names(sights.published(row)) if public else found


def _is_owned(caller: Caller, row: Container) -> bool:
    return row.account.name in access.names_of(caller)


def _described(
    request: HttpRequest, response: HttpResponse, caller: Caller, row: Container, sight: Sight | None
) -> HttpResponse:
    """What everybody needs to know who uploads; all else is for people of the account."""
    conditions.check_dates(request, row.modified)
    response["X-Container-Block-Size"] = str(settings.PITHOS_BACKEND_BLOCK_SIZE)
    response["X-Container-Block-Hash"] = ALGORITHM
    keys = listing.metadata_keys(row, OBJECT_META, sight)
    response["X-Container-Object-Meta"] = headers.encoded(",".join(keys))
    if _is_owned(caller, row):
        _describe_to_owner(request, response, caller, row)
    kit.stamp(response, row.modified)
    return response


def _describe_to_owner(request: HttpRequest, response: HttpResponse, caller: Caller, row: Container) -> None:
    until = kit.until(request)
    count, size_bytes = row.object_count, row.size_bytes
    if until is not None:
        count, size_bytes = containers.totals_at(row, until)
        response["X-Container-Until-Timestamp"] = headers.encoded(kit.iso(until))
    response["X-Container-Object-Count"], response["X-Container-Bytes-Used"] = str(count), str(size_bytes)
    seen = access.seen_attributes(caller, row.account.name, row.attributes)
    headers.put_prefixed(response, META, seen)
    for name, value in policy(row).items():
        response[f"X-Container-Policy-{name.capitalize()}"] = value


def _items(
    request: HttpRequest, caller: Caller, row: Container, sight: Sight | None, entries: Sequence[Entry]
) -> list[dict[str, Any]]:
    """Looking back, nothing is told of sharing, which has no history."""
    names = [entry.name for entry in entries if entry.version is not None]
    looking_back = kit.until(request) is not None
    shares = {} if looking_back else sharing.between(row, names)
    owned = _is_owned(caller, row) and not looking_back
    published = publishing.links_in(row, names) if owned else {}
    items = []
    for entry in entries:
        item = _item(entry, entry.version, looking_back) if entry.version else {"subdir": entry.name}
        items.append(item)
        if entry.version is None:
            continue
        if entry.name in shares:
            item["x_object_sharing"] = text_of(shares[entry.name])
        if sight is not None and (right := sight.right(entry.name)) is not None:
            item["x_object_allowed_to"] = RIGHTS[right]
        if (link := published.get(entry.name)) is not None and not publishing.has_ended(link):
            item["x_object_public"] = links.address(request, link)
    return items


def _item(entry: Entry, version: Listed, looking_back: bool) -> dict[str, Any]:
    item: dict[str, Any] = {
        "name": entry.name,
        "bytes": version.size_bytes,
        "content_type": version.content_type,
        "hash": version.checksum,
        "x_object_hash": version.hash,
        "x_object_uuid": version.uuid,
        "x_object_version": version.pk,
        "x_object_version_timestamp": timestamp(version.modified),
        "x_object_modified_by": version.modified_by,
        "last_modified": version.modified.isoformat(timespec="microseconds"),
        "available": version.available,
        "map_check_timestamp": None,
    }
    if looking_back:
        del item["last_modified"]
    return item


def _xml(container: str, items: list[dict[str, Any]]) -> HttpResponse:
    root = ElementTree.Element("container", name=container)
    for item in items:
        if "subdir" in item:
            ElementTree.SubElement(root, "subdir", name=item["subdir"])
            continue
        element = ElementTree.SubElement(root, "object")
        for name, value in item.items():
            ElementTree.SubElement(element, name).text = "" if value is None else str(value)
    return kit.answer_xml(root)
