"""Containers: ``v1/<account>/<container>``."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import keep
from synnefo.pithos.blocks.hashing import ALGORITHM
from synnefo.pithos.faces import body, conditions, rows
from synnefo.pithos.faces.attributes import OBJECT_META
from synnefo.pithos.faces.pithos import filters, headers, kit, links
from synnefo.pithos.faces.pithos.accounts import page_size, policy
from synnefo.pithos.faces.pithos.sharing import RIGHTS, text_of
from synnefo.pithos.faces.rows import quoted
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
from synnefo.pithos.namespace.listing import Entry, Rolled, Told, Wanted
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
    kind = kit.serialization(request)
    told = Told.NAMES if kind == "text" and wanted.accepts is None else Told.ALL
    entries = listing.entries(found, dataclasses.replace(wanted, sight=narrowed, told=told))
    if kind == "text":
        response = kit.answer_lines(entry.name for entry in entries)
    else:
        more, looking_back = _more(request, caller, found, sight, entries), wanted.until is not None
        if kind == "json":
            response = kit.answer_text(
                rows.json_list(_json(entry, more, looking_back) for entry in entries), kind
            )
        else:
            items = (_item(entry, more, looking_back) for entry in entries)
            response = kit.answer_text(_xml(container, items), kind)
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


def _more(
    request: HttpRequest, caller: Caller, row: Container, sight: Sight | None, entries: Sequence[Entry]
) -> Mapping[str, dict[str, str]]:
    """What is told of some names: sharing and links. Looking back nothing is, as these have no history."""
    if kit.until(request) is not None:
        return {}
    names = [entry.name for entry in entries if not isinstance(entry, Rolled)]
    found = collections.defaultdict[str, dict[str, str]](dict)
    for name, shares in sharing.between(row, names).items():
        found[name]["x_object_sharing"] = text_of(shares)
    if sight is not None:
        for name in names:
            if (right := sight.right(name)) is not None:
                found[name]["x_object_allowed_to"] = RIGHTS[right]
    for name, link in publishing.links_in(row, names).items() if _is_owned(caller, row) else ():
        if not publishing.has_ended(link):
            found[name]["x_object_public"] = links.address(request, link)
    return found


def _json(entry: Entry, more: Mapping[str, dict[str, str]], looking_back: bool) -> str:
    """``_item`` as text: of hardly any row more is told than its columns."""
    if isinstance(entry, Rolled) or looking_back or entry.name in more:
        return json.dumps(_item(entry, more, looking_back))
    moment = f"{entry.moment}+00:00"
    since_epoch = timestamp(datetime.datetime.fromisoformat(moment))
    return (
        f'{{"name": {quoted(entry.name)}, "bytes": {entry.size_bytes}, '
        f'"content_type": {quoted(entry.content_type)}, "hash": {quoted(entry.checksum)}, '
        f'"x_object_hash": {quoted(entry.hash)}, "x_object_uuid": {quoted(entry.uuid)}, '
        f'"x_object_version": {entry.pk}, "x_object_version_timestamp": "{since_epoch}", '
        f'"x_object_modified_by": {quoted(entry.modified_by)}, "last_modified": "{moment}", '
        f'"available": {entry.available}, "map_check_timestamp": null}}'
    )


def _item(entry: Entry, more: Mapping[str, dict[str, str]], looking_back: bool) -> dict[str, Any]:
    if isinstance(entry, Rolled):
        return {"subdir": entry.name}
    item: dict[str, Any] = {
        "name": entry.name,
        "bytes": entry.size_bytes,
        "content_type": entry.content_type,
        "hash": entry.checksum,
        "x_object_hash": entry.hash,
        "x_object_uuid": entry.uuid,
        "x_object_version": entry.pk,
        "x_object_version_timestamp": timestamp(entry.modified),
        "x_object_modified_by": entry.modified_by,
        "last_modified": f"{entry.moment}+00:00",
        "available": entry.available,
        "map_check_timestamp": None,
        **more.get(entry.name, {}),
    }
    if looking_back:
        del item["last_modified"]
    return item


def _xml(container: str, items: Iterable[dict[str, Any]]) -> bytes:
    root = ElementTree.Element("container", name=container)
    return rows.xml_list(root, (_subdir(item) or rows.xml_row("object", item) for item in items))


def _subdir(item: dict[str, Any]) -> str:
    """What several names begin with, in XML; of all else nothing."""
    if "subdir" not in item:
        return ""
    return ElementTree.tostring(ElementTree.Element("subdir", name=item["subdir"]), encoding="unicode")
