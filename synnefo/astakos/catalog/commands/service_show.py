"""``service-show``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.catalog import rules
from synnefo.astakos.catalog.models import Resource
from synnefo.common.commands import ShowCommand, Table


class Command(ShowCommand):
    help = "Show a service, where it is reached, and its resources."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("service", help="name or number")

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        row = rules.find_service(options["service"])
        endpoints = [
            (endpoint.pk, key, value)
            for endpoint in row.endpoints.order_by("pk")
            for key, value in sorted({"publicURL": endpoint.public_url, **endpoint.data}.items())
        ]
        resources = (
            Resource.objects.filter(service_origin=row.name).order_by("pk").values_list("name", "unit")
        )
        return {
            "id": row.pk,
            "name": row.name,
            "component": row.component.name,
            "type": row.type,
            "catalog": row.catalog,
            "endpoints": Table(("id", "key", "value"), endpoints),
            "resources": Table(("name", "unit"), list(resources)),
        }
