"""Containers: ``v1/AUTH_<uuid>/<container>``."""

from __future__ import annotations

import dataclasses
import functools
import json
import operator
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict
from synnefo.common.prepared import Row
from synnefo.pithos.faces.rows import quoted
from synnefo.pithos.faces.swift import (
    bulk,
    forms,
    kit,
    links,
    listing,
    metadata,
    settings,
    unsupported,
    versions,
)
from synnefo.pithos.namespace import access, containers
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.listing import (
    Entry,
    Listed,
    Rolled,
    Told,
    Wanted,
    entries,
    has_domain,
    listed,
    made,
    moments_of,
)
from synnefo.pithos.namespace.models import SWIFT, Container
from synnefo.pithos.namespace.names import MAX_CONTAINER


def head(request: HttpRequest, account: str, container: str) -> HttpResponse:
    caller = kit.caller(request)
    found = access.container(caller, account, container, Right.LIST)
    return _described(request, kit.empty(204, f"{listing.kind_of(request)}; charset=utf-8"), caller, found)


def show(request: HttpRequest, account: str, container: str) -> HttpResponse:
    """GET: the objects of the container, or with ``?versions`` all that they were."""
    caller = kit.caller(request)
    found = access.container(caller, account, container, Right.LIST)
    if "versions" in request.GET:
        versions.check_format(request)
        response = listing.answer(listing.JSON, "container", container, "object", _versions(request, found))
    else:
        kind, wanted = listing.kind_of(request), _wanted(request)
        response = _with_ids(found, kind, wanted) if versions.state(found) else _listed(found, kind, wanted)
    return _described(request, response, caller, found)


def put(request: HttpRequest, account: str, container: str) -> HttpResponseBase:
    """PUT: make the container, or change what is given; or unpack an archive into it."""
    if "extract-archive" in request.GET:
        return bulk.extract(request, account, container)
    caller = kit.caller(request)
    unsupported.in_container(request)
    if len(container) > MAX_CONTAINER:
        raise BadRequest(f"Container name length of {len(container)} longer than {MAX_CONTAINER}")
    if request.META.get("HTTP_X_STORAGE_POLICY", "").lower() not in ("", kit.POLICY):
        raise BadRequest(f"Invalid X-Storage-Policy: there is only {kit.POLICY}")
    attributes = settings.without_secrets(request, caller, account, metadata.given(request, "Container"))
    settings.check(request)
    made = containers.put(caller, account, container, attributes=attributes, policy={})
    if not made and not attributes:  # to Swift's clients this is a change, if of nothing but its time
        containers.update(caller, account, container, attributes={}, policy={}, merge=True)
    settings.keep(request, caller, account, container)
    return kit.empty(201 if made else 202)


def post(request: HttpRequest, account: str, container: str) -> HttpResponse:
    """POST: metadata; what is not named stays. Or a form with files."""
    if forms.is_one(request):
        return forms.post(request, account, container)
    caller = kit.caller(request)
    unsupported.in_container(request)
    attributes = settings.without_secrets(request, caller, account, metadata.given(request, "Container"))
    settings.check(request)
    old = access.container(caller, account, container, Right.OWN)
    metadata.check_together(old.attributes, attributes)
    containers.update(caller, account, container, attributes=attributes, policy={}, merge=True)
    settings.keep(request, caller, account, container)
    return kit.empty(204)


def delete(request: HttpRequest, account: str, container: str) -> HttpResponseBase:
    """DELETE: the container, if it is empty and nothing is kept of what was in it."""
    if "bulk-delete" in request.GET:
        return bulk.delete(request, account)
    caller = kit.caller(request)
    found = access.container(caller, account, container, Right.OWN)
    if versions.state(found) and next(versions.listed(found, request, 1), None) is not None:
        raise Conflict(kit.CONFLICT)
    if found.object_count:
        raise Conflict(kit.CONFLICT)
    containers.delete(caller, account, container)
    return kit.empty(204)


def _described(request: HttpRequest, response: HttpResponse, caller: Caller, row: Container) -> HttpResponse:
    response["X-Container-Object-Count"] = str(row.object_count)
    response["X-Container-Bytes-Used"] = str(versions.bytes_of(row))
    response["X-Timestamp"] = kit.timestamp(row.created)
    response["Last-Modified"] = kit.last_modified(row.modified)
    response["Accept-Ranges"] = "bytes"
    response["X-Storage-Policy"] = kit.POLICY
    settings.put(request, response, caller, row)
    return response


def _versions(request: HttpRequest, found: Container) -> list[listing.Item]:
    limit = listing.limit_of(request)
    return list(versions.listed(found, request, limit)) if limit else []


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


def _listed(found: Container, kind: str, wanted: Wanted) -> HttpResponse:
    account, brief = found.account.name, dataclasses.replace(wanted, told=Told.BRIEF)
    if kind == listing.JSON:
        kept = dataclasses.replace(brief, kept_as="swift json")
        return listing.as_json(made(found, kept, functools.partial(_json, account), _rolled))
    if kind == listing.TEXT:
        only_names = dataclasses.replace(wanted, told=Told.NAMES)
        return listing.as_text(made(found, only_names, _names, operator.attrgetter("name")))
    items = (_item(account, entry) for entry in entries(found, brief))
    return listing.as_xml(kind, "container", found.name, "object", items)


def _with_ids(found: Container, kind: str, wanted: Wanted) -> HttpResponse:
    """What is there where versions have ids: to Swift's clients a link to the version that it is."""
    account, items = found.account.name, list[listing.Item]()
    for entry in entries(found, wanted):
        link = {} if isinstance(entry, Rolled) else versions.link_to(found, entry.name, entry.pk)
        items.append({**link, **_item(account, entry)})
    return listing.answer(kind, "container", found.name, "object", items)


def _rolled(entry: Rolled) -> str:
    return json.dumps({"subdir": entry.name})


def _names(rows: Sequence[Row]) -> list[str]:
    return [name for (name,) in rows]


def _json(account: str, rows: Sequence[Row]) -> list[str]:
    """``_item`` of objects as text: hardly any has more to tell than its columns."""
    texts = list[str]()
    for row, moment in zip(rows, moments_of(rows), strict=True):
        name, size_bytes, content_type, checksum, _, kept = row
        if has_domain(kept, SWIFT):
            texts.append(json.dumps(_item(account, listed(row))))
            continue
        texts.append(
            f'{{"name": {quoted(name)}, "hash": {quoted(checksum)}, "bytes": {size_bytes}, '
            f'"content_type": {quoted(content_type or kit.OCTETS)}, "last_modified": "{moment}"}}'
        )
    return texts


def _item(account: str, entry: Entry) -> listing.Item:
    if isinstance(entry, Rolled):
        return {"subdir": entry.name}
    return {
        "name": entry.name,
        "hash": entry.checksum,
        "bytes": entry.size_bytes,
        "content_type": entry.content_type or kit.OCTETS,
        "last_modified": entry.moment,
        **_more(account, entry),
    }


def _more(account: str, version: Listed) -> listing.Item:
    """What is told of large objects and links."""
    if not version.says_of(SWIFT):
        return {}
    kept = version.attributes.get(SWIFT, {})
    if "slo" in kept:
        return {"slo_etag": f'"{kept["slo"]}"', "bytes": int(kept["slo-bytes"])}
    link = links.of(version.attributes, account)
    if link is None:
        return {}
    found: dict[str, Any] = {"symlink_path": link.location}
    if link.etag:
        found |= {"symlink_etag": link.etag, "symlink_bytes": int(link.size_bytes or 0)}
    if link.slo_etag:
        found["slo_etag"] = f'"{link.slo_etag}"'
    return found
