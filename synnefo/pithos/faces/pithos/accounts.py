"""The top and accounts: ``v1/`` and ``v1/<account>``."""

from __future__ import annotations

import datetime
from typing import Any
from xml.etree import ElementTree

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from synnefo.common.accounts import accounts as astakos
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden, NotImplementedFault
from synnefo.pithos.faces import conditions
from synnefo.pithos.faces.attributes import shaped
from synnefo.pithos.faces.pithos import headers, kit
from synnefo.pithos.namespace import accounts, containers
from synnefo.pithos.namespace.containers import RESOURCE
from synnefo.pithos.namespace.models import Account, Container

META = "X-Account-Meta-"


def top(request: HttpRequest) -> HttpResponse:
    """GET v1/: with a token the accounts that share something with one; without, Swift's v1 sign-in."""
    if kit.token_of(request):
        kit.caller(request)
        if not request.path.endswith("/"):
            return kit.unknown(request)
        kind = kit.serialization(request)
        if kind == "json":
            return kit.answer_json([])
        return kit.answer_xml(ElementTree.Element("accounts")) if kind == "xml" else kit.answer_lines([])
    user, key = request.META.get("HTTP_X_AUTH_USER", ""), request.META.get("HTTP_X_AUTH_KEY", "")
    if not user or not key:
        raise BadRequest("Missing X-Auth-User or X-Auth-Key header")
    request.META["HTTP_X_AUTH_TOKEN"] = key
    if kit.caller(request).user != user:
        raise Forbidden("The token is another user's.")
    response = kit.empty(204)
    response["X-Auth-Token"] = key
    response["X-Storage-Url"] = request.build_absolute_uri(request.path).rstrip("/") + f"/{user}"
    return response


def head(request: HttpRequest, account: str) -> HttpResponse:
    caller = kit.caller(request)
    return _described(request, kit.empty(204), caller, accounts.get(caller, account))


def show(request: HttpRequest, account: str) -> HttpResponse:
    """GET: the containers of the account."""
    caller = kit.caller(request)
    found = accounts.get(caller, account)
    rows = [] if {"shared", "public"} & request.GET.keys() else _page(request, caller, account)
    kind, until = kit.serialization(request), kit.until(request)
    if kind == "text":
        response = kit.answer_lines(row.name for row in rows)
    else:
        items = [_item(row, until) for row in rows]
        response = kit.answer_json(items) if kind == "json" else _xml(account, items)
    return _described(request, response, caller, found)


def change(request: HttpRequest, account: str) -> HttpResponse:
    """POST: metadata. Groups are of use to shared objects alone."""
    caller = kit.caller(request)
    if any(headers.prefixed(request, "X-Account-Group-").values()):
        raise NotImplementedFault("Objects cannot be shared, so there are no groups.")
    attributes = headers.prefixed(request, META)
    accounts.set_attributes(caller, account, attributes, merge="update" in request.GET)
    return kit.empty(202)


def _described(
    request: HttpRequest, response: HttpResponse, caller: Caller, account: Account
) -> HttpResponse:
    rows = Container.objects.filter(account=account)
    modified = max([account.modified, *rows.values_list("modified", flat=True)])
    conditions.check_dates(request, modified)
    count, objects, size_bytes = accounts.totals(account)
    response["X-Account-Container-Count"] = str(count)
    response["X-Account-Object-Count"] = str(objects)
    response["X-Account-Bytes-Used"] = str(size_bytes)
    limits = _limits(caller, account)
    response["X-Account-Policy-Quota"] = str(sum(limits.values()))
    for project, limit in limits.items():
        response[f"X-Account-Policy-Quota-{shaped(project)}"] = str(limit)
    headers.put_prefixed(response, META, account.attributes)
    until = kit.until(request)
    if until is not None:
        response["X-Account-Until-Timestamp"] = headers.encoded(kit.iso(until))
    kit.stamp(response, modified)
    return response


def _limits(caller: Caller, account: Account) -> dict[str, int]:
    """What he may store, by project; in the account of a project, what all of it may."""
    found = {}
    for project in [account.name] if account.of_project else sorted({caller.user, *caller.projects}):
        use = astakos().quotas(caller.user, project).get(RESOURCE)
        if use is not None:
            found[project] = use.project_limit if account.of_project else use.limit
    return found


def _page(request: HttpRequest, caller: Caller, account: str) -> list[Container]:
    rows = containers.containers_for(caller, account)
    marker, until = request.GET.get("marker", "").replace("\x00", ""), kit.until(request)
    if marker:
        rows = rows.filter(name__gt=marker)
    if until is not None:
        rows = rows.filter(created__lt=until)
    return list(rows[: page_size(request)])


def page_size(request: HttpRequest) -> int:
    most: int = settings.PITHOS_API_LIST_LIMIT
    return min(kit.number(request, "limit") or most, most)


def _item(row: Container, until: datetime.datetime | None) -> dict[str, Any]:
    count, size_bytes = (
        (row.object_count, row.size_bytes) if until is None else containers.totals_at(row, until)
    )
    item: dict[str, Any] = {
        "name": row.name,
        "count": count,
        "bytes": size_bytes,
        "last_modified": kit.iso(row.modified),
        "x_container_policy": policy(row),
    }
    if until is not None:
        item["x_container_until_timestamp"] = kit.iso(until)
    return item


def policy(row: Container) -> dict[str, str]:
    return {"quota": str(row.quota_bytes), "versioning": row.versioning, "project": row.project}


def _xml(account: str, items: list[dict[str, Any]]) -> HttpResponse:
    root = ElementTree.Element("account", name=account)
    for item in items:
        element = ElementTree.SubElement(root, "container")
        for name, value in item.items():
            child = ElementTree.SubElement(element, name)
            if not isinstance(value, dict):
                child.text = str(value)
                continue
            for key, text in value.items():
                ElementTree.SubElement(child, "key").text = key
                ElementTree.SubElement(child, "value").text = text
    return kit.answer_xml(root)
