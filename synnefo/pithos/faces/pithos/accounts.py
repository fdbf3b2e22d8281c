"""The top and accounts: ``v1/`` and ``v1/<account>``."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from synnefo.common.accounts import accounts as astakos
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden
from synnefo.pithos.faces import conditions
from synnefo.pithos.faces.attributes import shaped
from synnefo.pithos.faces.pithos import headers, kit
from synnefo.pithos.namespace import access, accounts, containers, groups, sharing
from synnefo.pithos.namespace.containers import RESOURCE
from synnefo.pithos.namespace.models import Account, Container

META = "X-Account-Meta-"
GROUP = "X-Account-Group-"
#: As much as servers take in one header.
_LONGEST_GROUP = 16 * 1024


def top(request: HttpRequest) -> HttpResponse:
    """GET v1/: with a token the accounts that share something with one; without, Swift's v1 sign-in."""
    if kit.token_of(request):
        caller = kit.caller(request)
        return _sharers(request, caller) if request.path.endswith("/") else kit.unknown(request)
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
    return _described(request, kit.empty(204), kit.caller(request), account)


def show(request: HttpRequest, account: str) -> HttpResponse:
    """GET: the containers of the account; of another's, those in which something is shared with one."""
    caller = kit.caller(request)
    owned = account in access.names_of(caller)
    rows = _page(request, _own(request, caller, account) if owned else _others(request, caller, account))
    kind = kit.serialization(request)
    if kind == "text":
        response = kit.answer_lines(row.name for row in rows)
    else:
        items = _items(rows, kit.until(request)) if owned else [_bare(row.name, row.modified) for row in rows]
        response = kit.answer_json(items) if kind == "json" else _xml(account, items)
    return _described(request, response, caller, account)


def change(request: HttpRequest, account: str) -> HttpResponse:
    """POST: metadata and groups."""
    caller = kit.caller(request)
    given = headers.prefixed(request, GROUP, _LONGEST_GROUP)
    wanted = {name: users.replace(" ", "").split(",") for name, users in given.items()}
    attributes, merge = headers.prefixed(request, META), "update" in request.GET
    accounts.set_attributes(caller, account, attributes, merge=merge, wanted=wanted or None)
    return kit.empty(202)


def _sharers(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Accounts in which something is shared with one."""
    marker = request.GET.get("marker", "").replace("\x00", "")
    found = sharing.sharers(caller, marker=marker, limit=page_size(request))
    kind = kit.serialization(request)
    if kind == "text":
        return kit.answer_lines(one.name for one in found)
    items = [_bare(one.name, one.modified) for one in found]
    if kind == "json":
        return kit.answer_json(items)
    root = ElementTree.Element("accounts")
    for item in items:
        element = ElementTree.SubElement(root, "account")
        for name, value in item.items():
            ElementTree.SubElement(element, name).text = value
    return kit.answer_xml(root)


def _described(request: HttpRequest, response: HttpResponse, caller: Caller, name: str) -> HttpResponse:
    if name not in access.names_of(caller):
        _refuse_looking_back(request)
        modified = sharing.sharer(caller, name).modified
        conditions.check_dates(request, modified)
        kit.stamp(response, modified)
        return response
    account = accounts.get(caller, name)
    totals = accounts.totals(account)
    conditions.check_dates(request, totals.modified)
    response["X-Account-Container-Count"] = str(totals.containers)
    response["X-Account-Bytes-Used"] = str(totals.size_bytes)
    for group, users in groups.of(account).items():
        response[GROUP + quote(shaped(group))] = headers.encoded(",".join(users))
    limits = _limits(caller, account)
    response["X-Account-Policy-Quota"] = str(sum(limits.values()))
    for project, limit in limits.items():
        response[f"X-Account-Policy-Quota-{shaped(project)}"] = str(limit)
    headers.put_prefixed(response, META, access.seen_attributes(caller, name, account.attributes))
    until = kit.until(request)
    if until is not None:
        response["X-Account-Until-Timestamp"] = headers.encoded(kit.iso(until))
    kit.stamp(response, totals.modified)
    return response


def _limits(caller: Caller, account: Account) -> dict[str, int]:
    """What he may store, by project, of those that are over, too; in a project's account, what all may."""
    if account.of_project:
        use = astakos().quotas(caller.user, account.name).get(RESOURCE)
        return {} if use is None else {account.name: use.project_limit}
    shares = astakos().shares(caller.user)
    return {project: uses[RESOURCE].limit for project, uses in sorted(shares.items()) if RESOURCE in uses}


def _own(request: HttpRequest, caller: Caller, account: str) -> QuerySet[Container]:
    """One's own; with ``shared`` or ``public`` those with something in it that is that, or either."""
    rows, until = containers.containers_for(caller, account), kit.until(request)
    if until is not None:
        rows = rows.filter(created__lt=until)
    wanted = [kind for kind in ("shared", "public") if kind in request.GET]
    return containers.with_any(rows, account, *wanted) if wanted else rows


def _others(request: HttpRequest, caller: Caller, account: str) -> QuerySet[Container]:
    _refuse_looking_back(request)
    if "public" in request.GET:
        raise Forbidden("Only people of the account see what is public.")
    sharing.sharer(caller, account)
    return sharing.containers_shared(caller, account)


def _refuse_looking_back(request: HttpRequest) -> None:
    if kit.until(request) is not None:
        raise Forbidden("Only people of the account look back.")


def _page(request: HttpRequest, rows: QuerySet[Container]) -> list[Container]:
    marker = request.GET.get("marker", "").replace("\x00", "")
    return list((rows.filter(name__gt=marker) if marker else rows)[: page_size(request)])


def page_size(request: HttpRequest) -> int:
    most: int = settings.PITHOS_API_LIST_LIMIT
    return min(kit.number(request, "limit") or most, most)


def _bare(name: str, modified: datetime.datetime) -> dict[str, str]:
    """What is told of what is another's."""
    return {"name": name, "last_modified": kit.iso(modified)}


def _items(rows: list[Container], until: datetime.datetime | None) -> list[dict[str, Any]]:
    then = containers.all_totals_at(rows, until) if until is not None else {}
    items = []
    for row in rows:
        now = row.object_count, row.size_bytes
        count, size_bytes = now if until is None else then.get(row.pk, (0, 0))
        item: dict[str, Any] = {
            "name": row.name,
            "count": count,
            "bytes": size_bytes,
            "last_modified": kit.iso(row.modified),
            "x_container_policy": policy(row),
        }
        if until is not None:
            item["x_container_until_timestamp"] = kit.iso(until)
        items.append(item)
    return items


def policy(row: Container) -> dict[str, str]:
    return {"quota": str(row.quota_bytes), "versioning": row.versioning, "project": row.project}


def _xml(account: str, items: Sequence[Mapping[str, Any]]) -> HttpResponse:
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
