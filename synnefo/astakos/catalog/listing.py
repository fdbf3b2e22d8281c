"""The catalog as clients see it, kept in the process for ``ASTAKOS_CATALOG_CACHE_S``."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from synnefo.astakos.catalog.models import Endpoint, Service

REGION = "default"


@dataclasses.dataclass(slots=True)
class _Kept:
    value: list[dict[str, Any]]
    until: float


_kept: dict[tuple[str, str], _Kept] = {}
_guard = threading.Lock()
_MOST_KEPT = 64  # base addresses may come from the requests' Host headers


def base_url(request: HttpRequest) -> str:
    """The address of this cloud as the client may use it, without a slash at the end."""
    public: str = settings.SYNNEFO_PUBLIC_URL
    return (public or f"{request.scheme}://{request.get_host()}").rstrip("/")


def synnefo(base: str) -> list[dict[str, Any]]:
    """``serviceCatalog`` of identity v2.0."""
    return _cached(Service.Catalog.SYNNEFO, base)


def openstack(base: str) -> list[dict[str, Any]]:
    """``catalog`` of identity v3."""
    return _cached(Service.Catalog.OPENSTACK, base)


def forget() -> None:
    """Read the tables again at the next call (in this process)."""
    with _guard:
        _kept.clear()


def _cached(catalog: str, base: str) -> list[dict[str, Any]]:
    kept = _kept.get((catalog, base))
    if kept is not None and kept.until > time.monotonic():
        return kept.value
    value = _read(catalog, base)
    with _guard:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[catalog, base] = _Kept(value, time.monotonic() + settings.ASTAKOS_CATALOG_CACHE_S)
    return value


def _read(catalog: str, base: str) -> list[dict[str, Any]]:
    rows = Endpoint.objects.filter(service__catalog=catalog).select_related("service__component")
    render = _synnefo_entry if catalog == Service.Catalog.SYNNEFO else _openstack_entry
    grouped = _by_service(rows.order_by("service_id", "id"))
    return [render(service, endpoints, base) for service, endpoints in grouped]


def _by_service(rows: Any) -> list[tuple[Service, list[Endpoint]]]:
    found: dict[int, tuple[Service, list[Endpoint]]] = {}
    for row in rows:
        found.setdefault(row.service_id, (row.service, []))[1].append(row)
    return list(found.values())


def _absolute(url: str, base: str) -> str:
    return f"{base}{url}" if url.startswith("/") else url


def _synnefo_entry(service: Service, endpoints: list[Endpoint], base: str) -> dict[str, Any]:
    ui_url = _absolute(service.component.url, base)
    return {
        "name": service.name,
        "type": service.type,
        "endpoints_links": [],
        "endpoints": [
            {
                "region": REGION,
                "publicURL": _absolute(row.public_url, base),
                "SNF:uiURL": ui_url,
                **{key: str(value) for key, value in row.data.items()},
            }
            for row in endpoints
        ],
    }


def _openstack_entry(service: Service, endpoints: list[Endpoint], base: str) -> dict[str, Any]:
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
                "url": _absolute(row.public_url, base),
            }
            for row in endpoints
        ],
    }
