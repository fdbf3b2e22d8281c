"""Flavors in compute v2.1: lists and details for everybody, the rest for administrators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Body, Query, Router
from pydantic import Field, NonNegativeInt, StringConstraints

from synnefo.common.faults import BadRequest, Conflict, ItemNotFound
from synnefo.cyclades.flavors import rules
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.openstack import kit, microversions

router = Router()
#: The microversion that refuses to give access to what everybody has.
_STRICT_ACCESS = 7

_VISIBILITY = {"none": None, "true": True, "1": True, "false": False, "0": False}

Name = Annotated[kit.Text, StringConstraints(min_length=1, max_length=255, strip_whitespace=True)]
Ref = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9._-]([a-zA-Z0-9. _-]{0,253}[a-zA-Z0-9._-])?$")]
SpecKey = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9\-_:. ]{1,255}$")]
SpecValue = Annotated[kit.Text, StringConstraints(max_length=255)]
Size = NonNegativeInt | Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}$")]
Specs = dict[SpecKey, SpecValue]


class FlavorFilters(kit.Listing):
    is_public: str = "true"
    min_disk: int = Field(0, alias="minDisk")
    min_ram: int = Field(0, alias="minRam")


class NewFlavor(kit.Body):
    name: Name
    ram: Size
    vcpus: Size
    disk: Size
    id: Ref | int | None = None
    swap: Size = 0
    ephemeral: Size = Field(0, alias="OS-FLV-EXT-DATA:ephemeral")
    rxtx_factor: float | int | str = 1.0
    public: kit.Flag = Field(True, alias="os-flavor-access:is_public")

    @property
    def ref(self) -> str:
        """The id that is asked for; empty for one that is made up."""
        return "" if self.id in (None, "auto") else str(self.id)


class NewFlavorBody(kit.Body):
    flavor: NewFlavor


class SpecsBody(kit.Body):
    extra_specs: Specs


class Tenant(kit.Body):
    tenant: Annotated[kit.Text, StringConstraints(min_length=1, max_length=255)]


class AccessChange(kit.Body):
    """Exactly one of the two."""

    grant: Tenant | None = Field(None, alias="addTenantAccess")
    revoke: Tenant | None = Field(None, alias="removeTenantAccess")


@router.get("/flavors")
def list_flavors(request: HttpRequest, filters: Query[FlavorFilters]) -> HttpResponse:
    return _listed(request, filters, "flavors", brief_of)


@router.get("/flavors/detail")
def list_flavors_with_details(request: HttpRequest, filters: Query[FlavorFilters]) -> HttpResponse:
    return _listed(request, filters, "flavors/detail", details_of)


@router.post("/flavors")
def create_flavor(request: HttpRequest, body: NewFlavorBody) -> HttpResponse:
    wanted = body.flavor
    flavor = rules.create(
        kit.caller_of(request), cpu=int(wanted.vcpus), ram=int(wanted.ram), disk=int(wanted.disk),
        label=wanted.name, ref=wanted.ref, public=kit.is_true(wanted.public),
        swap_mib=int(wanted.swap), ephemeral_gib=int(wanted.ephemeral),
    )  # fmt: skip
    return kit.answer({"flavor": details_of(flavor, kit.address(request, "compute"))})


@router.get("/flavors/{flavor_id}")
def show_flavor(request: HttpRequest, flavor_id: str) -> HttpResponse:
    return kit.answer({"flavor": details_of(_flavor(request, flavor_id), kit.address(request, "compute"))})


@router.delete("/flavors/{flavor_id}")
def delete_flavor(request: HttpRequest, flavor_id: str) -> HttpResponse:
    rules.modify(kit.caller_of(request), _flavor(request, flavor_id).pk, deleted=True)
    return kit.empty(202)


@router.get("/flavors/{flavor_id}/os-extra_specs")
def list_extra_specs(request: HttpRequest, flavor_id: str) -> HttpResponse:
    return kit.answer({"extra_specs": rules.specs_of(_flavor(request, flavor_id))})


@router.post("/flavors/{flavor_id}/os-extra_specs")
def set_extra_specs(request: HttpRequest, flavor_id: str, body: SpecsBody) -> HttpResponse:
    flavor = _flavor(request, flavor_id)
    rules.set_specs(kit.caller_of(request), flavor, body.extra_specs)
    return kit.answer({"extra_specs": body.extra_specs})


@router.get("/flavors/{flavor_id}/os-extra_specs/{key}")
def show_extra_spec(request: HttpRequest, flavor_id: str, key: str) -> HttpResponse:
    flavor = _flavor(request, flavor_id)
    found = rules.specs_of(flavor)
    if key not in found:
        raise ItemNotFound(f"Flavor {flavor.openstack_id} has no extra specs with key {key}.")
    return kit.answer({key: found[key]})


@router.put("/flavors/{flavor_id}/os-extra_specs/{key}")
def set_extra_spec(request: HttpRequest, flavor_id: str, key: str, body: Body[Specs]) -> HttpResponse:
    flavor = _flavor(request, flavor_id)
    if list(body) != [key]:
        raise BadRequest("Request body and URI mismatch")
    rules.set_specs(kit.caller_of(request), flavor, body)
    return kit.answer(body)


@router.delete("/flavors/{flavor_id}/os-extra_specs/{key}")
def delete_extra_spec(request: HttpRequest, flavor_id: str, key: str) -> HttpResponse:
    rules.delete_specs(kit.caller_of(request), _flavor(request, flavor_id), [key])
    return kit.empty(200)


@router.get("/flavors/{flavor_id}/os-flavor-access")
def list_access(request: HttpRequest, flavor_id: str) -> HttpResponse:
    flavor = _flavor(request, flavor_id)
    if flavor.public:
        raise ItemNotFound("Access list not available for public flavors.")
    return kit.answer({"flavor_access": _access(request, flavor)})


@router.post("/flavors/{flavor_id}/action")
def change_access(request: HttpRequest, flavor_id: str, body: AccessChange) -> HttpResponse:
    caller, flavor = kit.caller_of(request), _flavor(request, flavor_id)
    if (body.grant is None) == (body.revoke is None):
        raise BadRequest("The request must name one action.")
    if body.grant is not None:
        if flavor.public and microversions.spoken(request) >= _STRICT_ACCESS:
            raise Conflict("Can not add access to a public flavor.")
        rules.grant(caller, flavor, kit.wanted_id(body.grant.tenant))
    elif flavor.public:
        raise Conflict(f"Flavor {flavor.openstack_id} is public: everybody may use it.")
    else:
        rules.revoke(caller, flavor, kit.wanted_id(body.revoke.tenant if body.revoke else ""))
    return kit.answer({"flavor_access": _access(request, _flavor(request, flavor_id))})


def brief_of(flavor: Flavor, compute_url: str) -> dict[str, Any]:
    return {
        "id": flavor.openstack_id,
        "name": flavor.name,
        "links": links_of(flavor.openstack_id, compute_url),
    }


def details_of(flavor: Flavor, compute_url: str) -> dict[str, Any]:
    return {
        **brief_of(flavor, compute_url),
        "ram": flavor.ram,
        "disk": flavor.disk,
        "vcpus": flavor.cpu,
        "swap": flavor.swap_mib or "",
        "rxtx_factor": 1.0,
        "OS-FLV-DISABLED:disabled": not flavor.allow_create,
        "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeral_gib,
        "os-flavor-access:is_public": flavor.public,
    }


def links_of(flavor_id: str, compute_url: str) -> list[dict[str, str]]:
    return [
        {"rel": "self", "href": f"{compute_url}/v2.1/flavors/{flavor_id}"},
        {"rel": "bookmark", "href": f"{compute_url}/flavors/{flavor_id}"},
    ]


def _flavor(request: HttpRequest, flavor_id: str) -> Flavor:
    if "\x00" in flavor_id:
        raise ItemNotFound("No flavor has such an id.")
    return rules.get(kit.caller_of(request), kit.wanted_id(flavor_id))


def _access(request: HttpRequest, flavor: Flavor) -> list[dict[str, str]]:
    granted = rules.projects_of(kit.caller_of(request), flavor)
    return [{"flavor_id": flavor.openstack_id, "tenant_id": project} for project in granted]


def _listed(
    request: HttpRequest, filters: FlavorFilters, path: str, render: Callable[[Flavor, str], dict[str, Any]]
) -> HttpResponse:
    url = kit.address(request, "compute")
    rows = _rows(request, filters)
    marker = _marker(rows, filters.marker)
    found, more = kit.page_of(rows, filters.model_copy(update={"marker": marker}), newest_first=False)
    body: dict[str, Any] = {"flavors": [render(flavor, url) for flavor in found]}
    if more:
        following = kit.next_page(request, f"{url}/v2.1/{path}", found[-1].openstack_id)
        body["flavors_links"] = [{"rel": "next", "href": following}]
    return kit.answer(body)


def _rows(request: HttpRequest, filters: FlavorFilters) -> QuerySet[Flavor]:
    caller = kit.caller_of(request)
    rows = rules.flavors_for(caller).filter(ram__gte=filters.min_ram, disk__gte=filters.min_disk)
    public = _visibility(filters.is_public)
    return rows.filter(public=public) if caller.is_admin and public is not None else rows


def _marker(rows: QuerySet[Flavor], marker: str | None) -> str | None:
    """The uuid of the flavor that a page begins after. Raises BadRequest."""
    if not marker:
        return None
    found = rows.filter(rules.named(kit.wanted_id(marker))).values_list("uuid", flat=True).first()
    if found is None:
        raise BadRequest(f"marker [{marker}] not found")
    return str(found)


def _visibility(text: str) -> bool | None:
    """What ``is_public`` asks for; None for both. Raises BadRequest."""
    if text.lower() not in _VISIBILITY:
        raise BadRequest(f"Invalid is_public filter [{text}]")
    return _VISIBILITY[text.lower()]
