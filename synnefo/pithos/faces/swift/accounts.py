"""Accounts: ``v1/AUTH_<uuid>``."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from synnefo.pithos.faces.swift import kit, listing, metadata, unsupported
from synnefo.pithos.namespace import accounts, containers
from synnefo.pithos.namespace.models import Account, Container
from synnefo.pithos.namespace.names import behind, check_characters


def head(request: HttpRequest, account: str) -> HttpResponse:
    found = accounts.get(kit.caller(request), account)
    return _described(kit.empty(204, f"{listing.kind_of(request)}; charset=utf-8"), found)


def show(request: HttpRequest, account: str) -> HttpResponse:
    """GET: the containers of the account."""
    caller, kind = kit.caller(request), listing.kind_of(request)
    found = accounts.get(caller, account)
    items = _items(request, containers.containers_for(caller, account))
    response = listing.answer(kind, "account", kit.PREFIX + account, "container", items)
    return _described(response, found)


def change(request: HttpRequest, account: str) -> HttpResponse:
    """POST: metadata; what is not named stays."""
    caller = kit.caller(request)
    unsupported.in_account(request)
    accounts.set_attributes(caller, account, metadata.given(request, "Account"), merge=True)
    return kit.empty(204)


def _described(response: HttpResponse, account: Account) -> HttpResponse:
    totals = accounts.totals(account)
    response["X-Account-Container-Count"] = str(totals.containers)
    response["X-Account-Object-Count"] = str(totals.objects)
    response["X-Account-Bytes-Used"] = str(totals.size_bytes)
    response["X-Timestamp"] = kit.timestamp(account.created)
    response["Accept-Ranges"] = "bytes"
    metadata.put(response, "Account", account.attributes)
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
