"""The catalog as clients see it, kept in the process for ``ASTAKOS_CATALOG_CACHE_S``.

What changes it makes its own process read again at once; the others do so when that time is over.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from synnefo.astakos.catalog.models import Endpoint, Service
from synnefo.common.http.addresses import base_url as base_url
from synnefo.common.http.addresses import objects_path, objects_url, s3_url

REGION = "default"
#: The service whose address clients find under a key of its own, too.
WEBLOGIN = "astakos_weblogin"
#: In an endpoint's URL: the uuid of the project that the token is for, as Keystone writes it.
PROJECT = "%(project_id)s"
#: The URL of an endpoint that is where clients of S3 find the object store, whatever its address is.
S3 = "%(s3_url)s"


@dataclasses.dataclass(frozen=True, slots=True)
class Bases:
    """The origins that this cloud's own endpoints are below: objects have one of their own."""

    cloud: str
    objects: str
    s3: str = ""

    def absolute(self, url: str) -> str:
        if url == S3:
            return self.s3
        if not url.startswith("/"):
            return url
        return f"{self.objects if url.startswith(objects_path()) else self.cloud}{url}"


@dataclasses.dataclass(slots=True)
class _Kept:
    value: list[dict[str, Any]]
    until: float


_kept: dict[tuple[str, Bases], _Kept] = {}
_guard = threading.Lock()
_MOST_KEPT = 64  # base addresses may come from the requests' Host headers


def synnefo(request: HttpRequest) -> list[dict[str, Any]]:
    """``serviceCatalog`` of identity v2.0, with addresses for this client."""
    return _cached(Service.Catalog.SYNNEFO, _bases(request))


def openstack(request: HttpRequest, project: str | None = None) -> list[dict[str, Any]]:
    """``catalog`` of identity v3, with addresses for this client and for the project that its token is for.

    Without a project what has an address in every project is left out.
    """
    entries = _cached(Service.Catalog.OPENSTACK, _bases(request))
    if project is None:
        return [entry for entry in entries if not _is_template(entry)]
    return [_within(entry, project) if _is_template(entry) else entry for entry in entries]


def absolute(request: HttpRequest, url: str) -> str:
    """An endpoint's address for this client; a project in it stays open."""
    return _bases(request).absolute(url)


def forget() -> None:
    """Read the tables again at the next call (in this process)."""
    with _guard:
        _kept.clear()


def _bases(request: HttpRequest) -> Bases:
    return Bases(base_url(request), objects_url(request), s3_url(request))


def _cached(catalog: str, bases: Bases) -> list[dict[str, Any]]:
    kept = _kept.get((catalog, bases))
    if kept is not None and kept.until > time.monotonic():
        return kept.value
    value = _read(catalog, bases)
    with _guard:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[catalog, bases] = _Kept(value, time.monotonic() + settings.ASTAKOS_CATALOG_CACHE_S)
    return value


def _read(catalog: str, bases: Bases) -> list[dict[str, Any]]:
    rows = Endpoint.objects.filter(service__catalog=catalog).select_related("service__component")
    render = _synnefo_entry if catalog == Service.Catalog.SYNNEFO else _openstack_entry
    grouped = _by_service(rows.order_by("service_id", "id"))
    return [render(service, endpoints, bases) for service, endpoints in grouped]


def _by_service(rows: Any) -> list[tuple[Service, list[Endpoint]]]:
    found: dict[int, tuple[Service, list[Endpoint]]] = {}
    for row in rows:
        found.setdefault(row.service_id, (row.service, []))[1].append(row)
    return list(found.values())


def _is_template(entry: dict[str, Any]) -> bool:
    return any(PROJECT in endpoint["url"] for endpoint in entry["endpoints"])


def _within(entry: dict[str, Any], project: str) -> dict[str, Any]:
    endpoints = entry["endpoints"]
    return {**entry, "endpoints": [{**row, "url": row["url"].replace(PROJECT, project)} for row in endpoints]}


def _synnefo_entry(service: Service, endpoints: list[Endpoint], bases: Bases) -> dict[str, Any]:
    ui_url = bases.absolute(service.component.url)
    return {
        "name": service.name,
        "type": service.type,
        "endpoints_links": [],
        "endpoints": [
            {
                "region": REGION,
                "publicURL": bases.absolute(row.public_url),
                "SNF:uiURL": ui_url,
                **({"SNF:webloginURL": bases.absolute(row.public_url)} if service.name == WEBLOGIN else {}),
                **{key: str(value) for key, value in row.data.items()},
            }
            for row in endpoints
        ],
    }


def _openstack_entry(service: Service, endpoints: list[Endpoint], bases: Bases) -> dict[str, Any]:
    return {
        "id": f"{service.pk:032x}",
        "name": service.name,
        "type": service.type,
        "endpoints": [
            {
                "id": row.uuid.replace("-", ""),
                "interface": "public",
                "region": REGION,
                "region_id": REGION,
                "url": bases.absolute(row.public_url),
            }
            for row in endpoints
        ],
    }
