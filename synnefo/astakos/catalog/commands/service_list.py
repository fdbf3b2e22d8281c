"""``service-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from synnefo.astakos.catalog.models import Service
from synnefo.common.commands import ListCommand, attribute


class Command(ListCommand):
    help = "List services."
    columns = {
        "id": (attribute("pk"), "number"),
        "name": (attribute("name"), "name"),
        "component": (attribute("component.name"), "part of the cloud that offers it"),
        "type": (attribute("type"), "type, by which clients find it"),
        "catalog": (attribute("catalog"), "which catalog lists it: synnefo, openstack or none"),
        "endpoints": (
            lambda row: [endpoint.public_url for endpoint in row.endpoints.all()],
            "where it is reached",
        ),
    }
    shown = ("id", "name", "component", "type")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Service]:
        return Service.objects.select_related("component").prefetch_related("endpoints").order_by("pk")
