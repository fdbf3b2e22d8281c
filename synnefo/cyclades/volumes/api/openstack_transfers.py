"""Volumes that are offered to other projects, in block storage v3."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from synnefo.cyclades.openstack import kit
from synnefo.cyclades.volumes import owners
from synnefo.cyclades.volumes.api.openstack import find
from synnefo.cyclades.volumes.api.openstack_views import transfer_view

router = Router()


class NewTransfer(kit.Body):
    volume_id: kit.Text
    name: kit.Text | None = Field(None, max_length=255)


class NewTransferBody(kit.Body):
    transfer: NewTransfer


class Acceptance(kit.Body):
    auth_key: kit.Text


class AcceptanceBody(kit.Body):
    accept: Acceptance


@router.get("/os-volume-transfer")
def list_transfers(request: HttpRequest) -> HttpResponse:
    caller = kit.caller_of(request)
    rows = owners.transfers_for(caller).order_by("created", "pk")
    found = [transfer_view(request, row, caller.project) for row in rows]
    for view in found:
        del view["created_at"]
    return kit.answer({"transfers": found})


@router.get("/os-volume-transfer/detail")
def list_transfers_with_details(request: HttpRequest) -> HttpResponse:
    caller = kit.caller_of(request)
    rows = owners.transfers_for(caller).order_by("created", "pk")
    return kit.answer({"transfers": [transfer_view(request, row, caller.project) for row in rows]})


@router.post("/os-volume-transfer")
def offer_volume(request: HttpRequest, body: NewTransferBody) -> HttpResponse:
    """The key stands in this answer alone."""
    caller, wanted = kit.caller_of(request), body.transfer
    volume = find(caller, wanted.volume_id)
    made, key = owners.offer(caller, volume.uuid, name=wanted.name or "")
    return kit.answer({"transfer": {**transfer_view(request, made, caller.project), "auth_key": key}}, 202)


@router.get("/os-volume-transfer/{transfer_id}")
def show_transfer(request: HttpRequest, transfer_id: str) -> HttpResponse:
    caller = kit.caller_of(request)
    found = owners.transfer(caller, kit.known_id(transfer_id, "Transfer"))
    return kit.answer({"transfer": transfer_view(request, found, caller.project)})


@router.delete("/os-volume-transfer/{transfer_id}")
def withdraw_transfer(request: HttpRequest, transfer_id: str) -> HttpResponse:
    owners.withdraw(kit.caller_of(request), kit.known_id(transfer_id, "Transfer"))
    return kit.empty(202)


@router.post("/os-volume-transfer/{transfer_id}/accept")
def accept_transfer(request: HttpRequest, transfer_id: str, body: AcceptanceBody) -> HttpResponse:
    caller = kit.caller_of(request)
    found = owners.accept(caller, kit.known_id(transfer_id, "Transfer"), body.accept.auth_key)
    view = transfer_view(request, found, caller.project)
    del view["created_at"]
    return kit.answer({"transfer": view}, 202)
