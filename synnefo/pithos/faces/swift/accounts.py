"""Accounts: ``v1/AUTH_<uuid>``."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden, NotAllowed
from synnefo.pithos.faces.swift import bulk, kit, listing, metadata, people
from synnefo.pithos.namespace import access, accounts, containers, names
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.models import Account, Container
from synnefo.pithos.namespace.names import behind, check_characters


def head(request: HttpRequest, account: str) -> HttpResponse:
    caller = kit.caller(request)
    found = accounts.get(caller, account)
    return _described(request, kit.empty(204, f"{listing.kind_of(request)}; charset=utf-8"), caller, found)


def show(request: HttpRequest, account: str) -> HttpResponse:
    """GET: the containers of the account."""
    caller, kind = kit.caller(request), listing.kind_of(request)
    found = accounts.get(caller, account)
    items = _items(request, containers.containers_for(caller, account))
    response = listing.answer(kind, "account", kit.PREFIX + account, "container", items)
    return _described(request, response, caller, found)


def change(request: HttpRequest, account: str) -> HttpResponseBase:
    """POST: metadata; what is not named stays. With ``bulk-delete`` it is another thing."""
    if "bulk-delete" in request.GET:
        return bulk.delete(request, account)
    caller = kit.caller(request)
    lists = people.asked(request)
    access.account(caller, account, right=Right.OWN)
    if not kit.owns(request, caller, account):
        raise Forbidden("Account: access denied.")
    attributes = metadata.given(request, "Account")
    metadata.check_together(accounts.get(caller, account, right=Right.OWN).attributes, attributes)
    accounts.set_attributes(caller, account, attributes, merge=True)
    if lists is not None:
        people.keep(caller, account, lists)
    return kit.empty(204)


def put(request: HttpRequest, account: str) -> HttpResponseBase:
    """PUT: an archive is unpacked; accounts are there by themselves."""
    if "extract-archive" in request.GET:
        return bulk.extract(request, account)
    raise NotAllowed("Accounts come into being by themselves.")


def delete(request: HttpRequest, account: str) -> HttpResponseBase:
    """DELETE: with ``bulk-delete`` objects; accounts go with their users and projects."""
    if "bulk-delete" in request.GET:
        return bulk.delete(request, account)
    access.account(kit.caller(request), account)
    raise NotAllowed("Accounts go with their users and projects.")


def _described(
    request: HttpRequest, response: HttpResponse, caller: Caller, account: Account
) -> HttpResponse:
    totals = accounts.totals(account)
    for policy in ("", f"Storage-Policy-{kit.POLICY.title()}-"):  # all there is has the one policy
        response[f"X-Account-{policy}Container-Count"] = str(totals.containers)
        response[f"X-Account-{policy}Object-Count"] = str(totals.objects)
        response[f"X-Account-{policy}Bytes-Used"] = str(totals.size_bytes)
    response["X-Timestamp"] = kit.timestamp(account.created)
    response["Accept-Ranges"] = "bytes"
    attributes = account.attributes
    if kit.owns(request, caller, account.name):
        if lists := people.told(account):
            response[people.HEADER] = lists
    else:
        attributes = names.without_secrets(attributes)
    metadata.put(response, "Account", attributes)
    return response


def _items(request: HttpRequest, rows: QuerySet[Container]) -> list[listing.Item]:
    limit, found = listing.limit_of(request), []
    if limit:
        for item in _rolled_up(request, rows):
            found.append(item)
            if len(found) >= limit:
                break
    return found


def _rolled_up(request: HttpRequest, rows: QuerySet[Container]) -> Iterator[listing.Item]:
    prefix, delimiter = kit.parameter(request, "prefix"), kit.parameter(request, "delimiter")
    last = ""
    for row in _between(request, rows, prefix).iterator(chunk_size=500):
        head, found, _ = row.name[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
        if not found:
            yield {
                "name": row.name,
                "count": row.object_count,
                "bytes": row.size_bytes,
                "last_modified": listing.moment(row.modified),
                "storage_policy": kit.POLICY,
            }
        elif (entry := prefix + head + found) not in (last, kit.parameter(request, "marker")):
            last = entry
            yield {"subdir": entry}


def _between(request: HttpRequest, rows: QuerySet[Container], prefix: str) -> QuerySet[Container]:
    check_characters(prefix)
    if prefix:
        rows = rows.filter(name__gte=prefix, name__lt=behind(prefix))
    low, high = "marker", "end_marker"
    if listing.reversed_of(request):
        low, high, rows = high, low, rows.order_by("-name")
    first, last = listing.border(request, low), listing.border(request, high, upper=True)
    if first:
        rows = rows.filter(name__gt=first)
    return rows.filter(name__lt=last) if last else rows
