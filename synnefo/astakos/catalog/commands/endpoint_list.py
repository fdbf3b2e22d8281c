"""``endpoint-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from synnefo.astakos.catalog.models import Endpoint
from synnefo.common.commands import ListCommand, attribute


class Command(ListCommand):
    help = "List where services are reached."
    columns = {
        "id": (attribute("pk"), "number"),
        "uuid": (attribute("uuid"), "id in OpenStack's catalog"),
        "service": (attribute("service.name"), "name of its service"),
        "type": (attribute("service.type"), "type of its service"),
        "component": (attribute("service.component.name"), "part of the cloud that offers it"),
        "catalog": (attribute("service.catalog"), "which catalog lists it: synnefo, openstack or none"),
        "public_url": (attribute("public_url"), "address; /...: on this very cloud"),
        "data": (
            lambda row: [f"{key}={value}" for key, value in sorted(row.data.items())],
            "further keys of the catalog",
        ),
    }
    shown = ("id", "service", "type", "public_url", "data")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Endpoint]:
        return Endpoint.objects.select_related("service__component").order_by("pk")
