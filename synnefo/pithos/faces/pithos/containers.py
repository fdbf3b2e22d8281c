"""Containers: ``v1/<account>/<container>``."""

from __future__ import annotations

import dataclasses
from typing import Any
from xml.etree import ElementTree

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import keep
from synnefo.pithos.blocks.hashing import ALGORITHM
from synnefo.pithos.faces import body, conditions
from synnefo.pithos.faces.attributes import OBJECT_META
from synnefo.pithos.faces.pithos import filters, headers, kit
from synnefo.pithos.faces.pithos.accounts import page_size, policy
from synnefo.pithos.namespace import containers, listing, objects
from synnefo.pithos.namespace.listing import Entry, Wanted
from synnefo.pithos.namespace.models import Container, timestamp

META = "X-Container-Meta-"


def head(request: HttpRequest, account: str, container: str) -> HttpResponse:
    found = containers.get(kit.caller(request), account, container)
    return _described(request, kit.empty(204), found)


def show(request: HttpRequest, account: str, container: str) -> HttpResponse:
    """GET: the objects of the container."""
    found = containers.get(kit.caller(request), account, container)
    nothing = bool({"shared", "public"} & request.GET.keys())
    entries = [] if nothing else listing.entries(found, _wanted(request))
    kind, looking_back = kit.serialization(request), kit.until(request) is not None
    if kind == "text":
        response = kit.answer_lines(entry.name for entry in entries)
    elif kind == "json":
        response = kit.answer_json([_item(entry, looking_back) for entry in entries])
    else:
        response = _xml(container, entries, looking_back)
    return _described(request, response, found)


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
        containers.get(caller, account, container)
    return _store_blocks(request) if uploading else kit.empty(202)


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


def _store_blocks(request: HttpRequest) -> HttpResponse:
    content = keep(blocks(), body.pieces(request), settings.PITHOS_BACKEND_BLOCK_SIZE, inline_bytes=0)
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


def _described(request: HttpRequest, response: HttpResponse, row: Container) -> HttpResponse:
    conditions.check_dates(request, row.modified)
    until = kit.until(request)
    count, size_bytes = row.object_count, row.size_bytes
    if until is not None:
        count, size_bytes = containers.totals_at(row, until)
        response["X-Container-Until-Timestamp"] = headers.encoded(kit.iso(until))
    response["X-Container-Object-Count"], response["X-Container-Bytes-Used"] = str(count), str(size_bytes)
    response["X-Container-Block-Size"] = str(settings.PITHOS_BACKEND_BLOCK_SIZE)
    response["X-Container-Block-Hash"] = ALGORITHM
    keys = listing.metadata_keys(row, OBJECT_META)
    response["X-Container-Object-Meta"] = headers.encoded(",".join(keys))
    headers.put_prefixed(response, META, row.attributes)
    for name, value in policy(row).items():
        response[f"X-Container-Policy-{name.capitalize()}"] = value
    kit.stamp(response, row.modified)
    return response


def _item(entry: Entry, looking_back: bool) -> dict[str, Any]:
    version = entry.version
    if version is None:
        return {"subdir": entry.name}
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
        "available": 1,
        "map_check_timestamp": None,
    }
    if looking_back:
        del item["last_modified"]
    return item


def _xml(container: str, entries: list[Entry], looking_back: bool) -> HttpResponse:
    root = ElementTree.Element("container", name=container)
    for entry in entries:
        if entry.version is None:
            ElementTree.SubElement(root, "subdir", name=entry.name)
            continue
        element = ElementTree.SubElement(root, "object")
        for name, value in _item(entry, looking_back).items():
            ElementTree.SubElement(element, name).text = "" if value is None else str(value)
    return kit.answer_xml(root)
