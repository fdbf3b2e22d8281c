"""Containers: ``v1/AUTH_<uuid>/<container>``."""

from __future__ import annotations

import dataclasses

from django.http import HttpRequest, HttpResponse

from synnefo.common.faults import BadRequest
from synnefo.pithos.faces.swift import kit, listing, metadata, unsupported
from synnefo.pithos.namespace import containers
from synnefo.pithos.namespace.listing import Entry, Listed, Wanted, entries
from synnefo.pithos.namespace.models import Container


def head(request: HttpRequest, account: str, container: str) -> HttpResponse:
    found = containers.get(kit.caller(request), account, container)
    return _described(kit.empty(204, f"{listing.kind_of(request)}; charset=utf-8"), found)


def show(request: HttpRequest, account: str, container: str) -> HttpResponse:
    """GET: the objects of the container."""
    found = containers.get(kit.caller(request), account, container)
    kind = listing.kind_of(request)
    items = [_item(entry) for entry in entries(found, _wanted(request))]
    return _described(listing.answer(kind, "container", container, "object", items), found)


def put(request: HttpRequest, account: str, container: str) -> HttpResponse:
    """PUT: make the container, or change what is given."""
    caller = kit.caller(request)
    unsupported.in_container(request)
    if request.META.get("HTTP_X_STORAGE_POLICY", "").lower() not in ("", kit.POLICY):
        raise BadRequest(f"Invalid X-Storage-Policy: there is only {kit.POLICY}")
    attributes = metadata.given(request, "Container")
    made = containers.put(caller, account, container, attributes=attributes, policy={})
    return kit.empty(201 if made else 202)


def post(request: HttpRequest, account: str, container: str) -> HttpResponse:
    """POST: metadata; what is not named stays."""
    caller = kit.caller(request)
    unsupported.in_container(request)
    attributes = metadata.given(request, "Container")
    containers.update(caller, account, container, attributes=attributes, policy={}, merge=True)
    return kit.empty(204)


def delete(request: HttpRequest, account: str, container: str) -> HttpResponse:
    """DELETE: the container, if it is empty."""
    containers.delete(kit.caller(request), account, container)
    return kit.empty(204)


def _described(response: HttpResponse, row: Container) -> HttpResponse:
    response["X-Container-Object-Count"] = str(row.object_count)
    response["X-Container-Bytes-Used"] = str(row.size_bytes)
    response["X-Timestamp"] = kit.timestamp(row.created)
    response["Last-Modified"] = kit.last_modified(row.modified)
    response["Accept-Ranges"] = "bytes"
    response["X-Storage-Policy"] = kit.POLICY
    metadata.put(response, "Container", row.attributes)
    return response


def _wanted(request: HttpRequest) -> Wanted:
    backwards = listing.reversed_of(request)
    wanted = Wanted(
        marker=listing.border(request, "marker", upper=backwards),
        end_marker=listing.border(request, "end_marker", upper=not backwards),
        limit=listing.limit_of(request), reverse=backwards,
    )  # fmt: skip
    if "path" not in request.GET:
        prefix, delimiter = kit.parameter(request, "prefix"), kit.parameter(request, "delimiter")
        return dataclasses.replace(wanted, prefix=prefix, delimiter=delimiter, folds=True)
    path = kit.parameter(request, "path")
    folder = path.rstrip("/") + "/" if path else ""

    def inside(version: Listed) -> bool:
        return version.name != folder

    return dataclasses.replace(wanted, prefix=folder, delimiter="/", virtual=False, accepts=inside)


def _item(entry: Entry) -> listing.Item:
    version = entry.version
    if version is None:
        return {"subdir": entry.name}
    return {
        "name": entry.name,
        "hash": version.checksum,
        "bytes": version.size_bytes,
        "content_type": version.content_type or kit.OCTETS,
        "last_modified": listing.moment(version.modified),
    }
