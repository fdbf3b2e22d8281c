"""``resource-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet, Value

from synnefo.astakos.catalog.models import Resource
from synnefo.common.commands import Filter, ListCommand, amount_of, attribute, unit_style_option
from synnefo.common.units import parse_amount


class Command(ListCommand):
    help = "List resources that quota limits, with the limits that new projects get."
    columns = {
        "id": (attribute("pk"), "number"),
        "name": (attribute("name"), "name"),
        "system_default": (amount_of("system_default"), "limit of new users' system projects"),
        "project_default": (amount_of("project_default"), "limit of other new projects"),
        "api_visible": (attribute("api_visible"), "whether the APIs show it"),
        "ui_visible": (attribute("ui_visible"), "whether pages show it"),
        "service_type": (attribute("service_type"), "type of its service"),
        "service_origin": (attribute("service_origin"), "name of its service"),
        "unit": (attribute("unit"), "bytes, or nothing for what is counted"),
        "description": (attribute("description"), "description"),
    }
    shown = ("id", "name", "system_default", "project_default", "api_visible", "ui_visible")
    filters = {
        name: Filter(name, parse_amount, "an amount, as 4 or 20GiB")
        for name in ("system_default", "project_default")
    }

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        unit_style_option(parser)

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Resource]:
        # getters see nothing but the row
        return Resource.objects.annotate(style=Value(options["unit_style"])).order_by("pk")
