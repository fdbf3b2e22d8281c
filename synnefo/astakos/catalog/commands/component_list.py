"""``component-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from synnefo.astakos.catalog.models import Component
from synnefo.common.commands import ListCommand, attribute


class Command(ListCommand):
    help = "List the parts of the cloud that offer services."
    columns = {
        "id": (attribute("pk"), "number"),
        "name": (attribute("name"), "name"),
        "base_url": (attribute("base_url"), "where its APIs are; empty: on this very cloud"),
        "ui_url": (attribute("url"), "where its pages are"),
        "has_token": (lambda row: row.token_digest is not None, "whether it has a service token"),
        "token_created": (attribute("token_created"), "when that was made"),
        "token_expires": (attribute("token_expires"), "when that ends; empty: never"),
        "services": (lambda row: [service.name for service in row.services.all()], "its services"),
    }
    shown = ("id", "name", "base_url", "services")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Component]:
        return Component.objects.prefetch_related("services").order_by("pk")
