"""Which versions of identity there are, for clients that look before they speak."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from synnefo.astakos.catalog import listing


def all_versions(request: HttpRequest, path: str = "") -> HttpResponse:
    root = _root(request)
    return JsonResponse({"versions": {"values": [_v3(root), _v2(root)]}}, status=300)


def v3(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"version": _v3(_root(request))})


def v2(request: HttpRequest) -> HttpResponse:
    version = _v2(_root(request))
    documentation = {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"}
    version["links"].append(documentation)
    version["media_types"] = version.pop("media-types")
    return JsonResponse({"version": version}, content_type="application/json; charset=UTF-8")


def _root(request: HttpRequest) -> str:
    return f"{listing.base_url(request)}/{settings.ASTAKOS_BASE_PATH}/identity"


def _v3(root: str) -> dict[str, Any]:
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{root}/v3/"}],
        "media-types": _media_types("v3"),
    }


def _v2(root: str) -> dict[str, Any]:
    return {
        "id": "v2.0",
        "status": "CURRENT",
        "updated": "2014-04-17T00:00:00Z",
        "links": [{"rel": "self", "href": f"{root}/v2.0/"}],
        "media-types": _media_types("v2.0"),
    }


def _media_types(version: str) -> list[dict[str, str]]:
    return [{"base": "application/json", "type": f"application/vnd.openstack.identity-{version}+json"}]
