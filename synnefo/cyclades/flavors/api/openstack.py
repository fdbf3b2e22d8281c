"""Flavors in compute v2.1."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.cyclades.flavors import rules
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.openstack import kit

router = Router()

_VISIBILITY = {"none": None, "true": True, "1": True, "false": False, "0": False}


class FlavorFilters(kit.Listing):
    is_public: str = "true"
    min_disk: int = Field(0, alias="minDisk")
    min_ram: int = Field(0, alias="minRam")


@router.get("/flavors")
def list_flavors(request: HttpRequest, filters: Query[FlavorFilters]) -> HttpResponse:
    return _listed(request, filters, "flavors", detail=False)


@router.get("/flavors/detail")
def list_flavors_with_details(request: HttpRequest, filters: Query[FlavorFilters]) -> HttpResponse:
    return _listed(request, filters, "flavors/detail", detail=True)


@router.get("/flavors/{flavor_id}")
def show_flavor(request: HttpRequest, flavor_id: str) -> HttpResponse:
    flavor = rules.get(kit.caller_of(request), kit.known_id(flavor_id, "Flavor"))
    return kit.answer({"flavor": details_of(flavor, kit.address(request, "compute"))})


@router.get("/flavors/{flavor_id}/os-extra_specs")
def list_extra_specs(request: HttpRequest, flavor_id: str) -> HttpResponse:
    rules.get(kit.caller_of(request), kit.known_id(flavor_id, "Flavor"))
    return kit.answer({"extra_specs": {}})


@router.get("/flavors/{flavor_id}/os-extra_specs/{key}")
def show_extra_spec(request: HttpRequest, flavor_id: str, key: str) -> HttpResponse:
    flavor = rules.get(kit.caller_of(request), kit.known_id(flavor_id, "Flavor"))
    raise ItemNotFound(f"Flavor {flavor.uuid} has no extra specs with key {key}.")


def brief_of(flavor: Flavor, compute_url: str) -> dict[str, Any]:
    return {"id": flavor.uuid, "name": flavor.name, "links": links_of(flavor.uuid, compute_url)}


def details_of(flavor: Flavor, compute_url: str) -> dict[str, Any]:
    return {
        "id": flavor.uuid,
        "name": flavor.name,
        "ram": flavor.ram,
        "disk": flavor.disk,
        "vcpus": flavor.cpu,
        "swap": "",
        "rxtx_factor": 1.0,
        "OS-FLV-DISABLED:disabled": not flavor.allow_create,
        "OS-FLV-EXT-DATA:ephemeral": 0,
        "os-flavor-access:is_public": flavor.public,
        "links": links_of(flavor.uuid, compute_url),
    }


def links_of(uuid: str, compute_url: str) -> list[dict[str, str]]:
    return [
        {"rel": "self", "href": f"{compute_url}/v2.1/flavors/{uuid}"},
        {"rel": "bookmark", "href": f"{compute_url}/flavors/{uuid}"},
    ]


def _listed(request: HttpRequest, filters: FlavorFilters, path: str, *, detail: bool) -> HttpResponse:
    caller, url = kit.caller_of(request), kit.address(request, "compute")
    rows = rules.flavors_for(caller).filter(ram__gte=filters.min_ram, disk__gte=filters.min_disk)
    public = _visibility(filters.is_public)
    if caller.is_admin and public is not None:
        rows = rows.filter(public=public)
    found, more = kit.page_of(rows, filters, newest_first=False)
    render = details_of if detail else brief_of
    body: dict[str, Any] = {"flavors": [render(flavor, url) for flavor in found]}
    if more:
        following = kit.next_page(request, f"{url}/v2.1/{path}", found[-1].uuid)
        body["flavors_links"] = [{"rel": "next", "href": following}]
    return kit.answer(body)


def _visibility(text: str) -> bool | None:
    """What ``is_public`` asks for; None for both. Raises BadRequest."""
    if text.lower() not in _VISIBILITY:
        raise BadRequest(f"Invalid is_public filter [{text}]")
    return _VISIBILITY[text.lower()]
