"""The documents by which clients find versions, and what belongs to no noun."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.http.plain import answer, empty, route
from synnefo.cyclades.synnefo_api import kit

_BORN = "2011-01-21T11:33:21-06:00"
_JSON = {"base": "application/json", "type": "application/vnd.openstack.compute.v2+json"}
_COLLECTIONS = ("network", "subnet", "port", "floatingip")


def _all_of_compute(request: HttpRequest) -> HttpResponse:
    return answer({"versions": [_version(request, "compute", "v2.0", updated=_BORN)]})


def _compute(request: HttpRequest) -> HttpResponse:
    return answer({"version": _version(request, "compute", "v2.0", updated=_BORN, media_types=[_JSON])})


def _all_of_network(request: HttpRequest) -> HttpResponse:
    return answer({"versions": [_version(request, "network", "v2.0")]})


def _network(request: HttpRequest, caller: Caller) -> HttpResponse:
    resources = []
    for name in _COLLECTIONS:
        url = kit.address(request, f"network/v2.0/{name}s")
        links = [{"rel": "self", "href": url}]
        resources.append({"name": name, "collection": f"{name}s", "links": links})
    return answer({"resources": resources})


def _all_of_image(request: HttpRequest) -> HttpResponse:
    found = [_version(request, "image", version, media_types=[_JSON]) for version in ("v1.0", "v1")]
    return answer({"versions": found})


def _all_of_volume(request: HttpRequest) -> HttpResponse:
    found = [
        _version(request, "volume", f"v{number}", min_version=number, version=number, media_types=[_JSON])
        for number in ("2.0", "2")
    ]
    return answer({"versions": found})


def _version(request: HttpRequest, service: str, release: str, /, **more: Any) -> dict[str, Any]:
    links = [{"rel": "self", "href": kit.address(request, f"{service}/{release}/")}]
    return {"id": release, "status": "CURRENT", "links": links, **more}


def _extensions(request: HttpRequest, caller: Caller) -> HttpResponse:
    return answer({"extensions": []})


def _extension(request: HttpRequest, caller: Caller, alias: str) -> HttpResponse:
    return empty(404)


compute_versions = route(GET=_all_of_compute)
network_versions = route(GET=_all_of_network)
image_versions = route(GET=_all_of_image)
volume_versions = route(GET=_all_of_volume)
COMPUTE: kit.Routes = {
    "": route(GET=_compute),
    "/extensions": kit.served(GET=_extensions),
    "/extensions/{alias}": kit.served(GET=_extension),
}
NETWORK: kit.Routes = {"": kit.served(GET=_network)}
