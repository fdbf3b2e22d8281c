"""Flavors in Synnefo's compute v2.0."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.http.plain import answer
from synnefo.cyclades.flavors import rules
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.synnefo_api import kit


def _list(request: HttpRequest, caller: Caller) -> HttpResponse:
    return answer({"flavors": [_brief(request, row) for row in _rows(request, caller)]})


def _list_detail(request: HttpRequest, caller: Caller) -> HttpResponse:
    return answer({"flavors": [_details(request, caller, row) for row in _rows(request, caller)]})


def _show(request: HttpRequest, caller: Caller, flavor_id: str) -> HttpResponse:
    flavor = rules.find(caller, kit.number_of(flavor_id, "flavor"))
    return answer({"flavor": _details(request, caller, flavor)})


def _extra_specs(request: HttpRequest, caller: Caller, flavor_id: str) -> HttpResponse:
    rules.find(caller, kit.number_of(flavor_id, "flavor"))
    return answer({"extra_specs": {}})


def url_of(request: HttpRequest, flavor_id: int) -> str:
    return kit.address(request, f"compute/v2.0/flavors/{flavor_id}")


def _rows(request: HttpRequest, caller: Caller) -> list[Flavor]:
    """What there is; ``SNF:flavor-access`` asks for what is granted to a project of the caller's."""
    rows = rules.flavors_for(caller).prefetch_related("access").order_by("pk")
    public = request.GET.get("SNF:is_public")
    if public is not None:
        rows = rows.filter(public=public.lower() == "true")
    project = request.GET.get("SNF:flavor-access")
    if project is not None:
        granted = caller.is_admin or project in caller.projects
        rows = rows.filter(access__project=project) if granted and "\x00" not in project else rows.none()
    return list(rows)


def _brief(request: HttpRequest, flavor: Flavor) -> dict[str, Any]:
    return {"id": flavor.pk, "name": flavor.name, "links": kit.links(url_of(request, flavor.pk))}


def _details(request: HttpRequest, caller: Caller, flavor: Flavor) -> dict[str, Any]:
    return {
        **_brief(request, flavor),
        "ram": flavor.ram,
        "disk": flavor.disk,
        "vcpus": flavor.cpu,
        "os-flavor-access:is_public": flavor.public,
        "SNF:disk_template": flavor.volume_type.disk_template,
        "SNF:volume_type": flavor.volume_type_id,
        "SNF:allow_create": flavor.allow_create,
        "SNF:flavor-access": rules.projects_of(caller, flavor),
    }


ROUTES: kit.Routes = {
    "/flavors": kit.served(GET=_list),
    "/flavors/detail": kit.served(GET=_list_detail),
    "/flavors/{flavor_id}": kit.served(GET=_show),
    "/flavors/{flavor_id}/os-extra_specs": kit.served(GET=_extra_specs),
}
