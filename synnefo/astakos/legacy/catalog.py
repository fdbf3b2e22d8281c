"""Components with their tokens, services, where these are reached, resources.

What has the name of something that is here already is merged with it. Addresses below the one that clients
know the old accounts by become paths: they are found wherever the cloud is asked, so that the new one can
stand where the old one stood, or beside it. Addresses elsewhere stay. Services that this cloud offers itself
are where it offers them: set-up and the end of the import see to that (``standard``).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from synnefo.astakos.catalog.models import Component, Endpoint, Resource, Service
from synnefo.astakos.catalog.rules import kept_token
from synnefo.astakos.legacy.world import World
from synnefo.common.legacy import numbers
from synnefo.common.legacy.source import Row, Source, Sql
from synnefo.common.legacy.steps import Numbered, Step, of_table
from synnefo.common.units import INFINITE

ACCOUNTS = "astakos"


def origin(source: Source) -> str:
    """Scheme and host of the old accounts; empty where they are not registered."""
    rows = source.all("SELECT base_url, url FROM im_component WHERE name = %s", ACCOUNTS)
    parts = urlsplit((rows[0]["base_url"] or rows[0]["url"] or "") if rows else "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def moved(url: str | None, old_origin: str) -> str:
    """An address as it is written down here."""
    text = url or ""
    below = old_origin and (text == old_origin or text.startswith(f"{old_origin}/"))
    return (text[len(old_origin) :] or "/") if below else text


def _component(row: Row, world: World) -> None:
    old_origin = origin(world.source)
    digest, sealed = kept_token(row["auth_token"]) if row["auth_token"] else (None, "")
    values: dict[str, Any] = {
        "url": moved(row["url"], old_origin),
        "base_url": moved(row["base_url"], old_origin),
        "token_digest": digest,
        "token_sealed": sealed,
        "token_created": row["auth_token_created"],
        "token_expires": row["auth_token_expires"],
    }
    _merged(Component, row, values)


def _service(row: Row, world: World) -> None:
    component = Component.objects.get(name=row["component"])
    values = {"type": row["type"], "component": component, "catalog": Service.Catalog.SYNNEFO}
    _merged(Service, row, values)


def _endpoint(row: Row, world: World) -> None:
    """Instead of those that the service has, when it is the first of the service."""
    service = Service.objects.get(name=row["service"])
    if row["place"] == 1:
        service.endpoints.all().delete()
    data = {key: value for key, value in row["data"].items() if key != "publicURL"}
    url = moved(row["data"].get("publicURL"), origin(world.source))
    Endpoint.objects.create(service=service, public_url=url, data=data)


def _resource(row: Row, world: World) -> None:
    values = {
        "description": row["desc"] or "",
        "unit": row["unit"] or "",
        "service_type": row["service_type"],
        "service_origin": row["service_origin"],
        "system_default": min(row["uplimit"], INFINITE),
        "project_default": min(row["project_default"], INFINITE),
        "api_visible": row["api_visible"] or row["ui_visible"],
        "ui_visible": row["ui_visible"],
    }
    _merged(Resource, row, values)


def _merged(model: Any, row: Row, values: dict[str, Any]) -> None:
    """The row of this name, or a new one, gets the old number (the catalog is in their order) and values."""
    known = model.objects.filter(name=row["name"]).first()
    if known is not None:
        numbers.renumber(known, row["id"])
    model.objects.update_or_create(pk=row["id"], defaults={"name": row["name"], **values})


def numbers_of_resources(source: Source) -> dict[int, int]:
    """Old number of each resource to ours."""
    ours = dict(Resource.objects.values_list("name", "pk"))
    rows = source.all("SELECT id, name FROM im_resource")
    return {row["id"]: ours[row["name"]] for row in rows if row["name"] in ours}


def _endpoints(source: Source) -> Sql:
    return (
        "SELECT e.id AS key, s.name AS service,"
        " row_number() OVER (PARTITION BY s.id ORDER BY e.id) AS place,"
        " (SELECT coalesce(json_object_agg(d.key, d.value), '{}') FROM im_endpointdata d"
        "   WHERE d.endpoint_id = e.id) AS data"
        " FROM im_endpoint e JOIN im_service s ON s.id = e.service_id"
    )


STEPS = (
    Step(
        "components",
        of_table("im_component"),
        merge=_component,
        numbered=(Numbered(Component, "im_component"),),
    ),
    Step(
        "services",
        lambda source: (
            "SELECT s.id AS key, s.*, c.name AS component FROM im_service s"
            " JOIN im_component c ON c.id = s.component_id"
        ),
        merge=_service,
        numbered=(Numbered(Service, "im_service"),),
    ),
    Step("endpoints", _endpoints, merge=_endpoint),
    Step(
        "resources", of_table("im_resource"), merge=_resource, numbered=(Numbered(Resource, "im_resource"),)
    ),
)
