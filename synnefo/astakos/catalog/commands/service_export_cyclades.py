"""``service-export-cyclades``"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from synnefo.astakos.catalog import exchange, standard
from synnefo.common.commands import Command as Base


class Command(Base):
    help = "Print the services and resources of Cyclades, for service-import."

    def handle(self, *args: Any, **options: Any) -> None:
        base = f"{settings.SYNNEFO_PUBLIC_URL.rstrip('/')}/{settings.CYCLADES_BASE_PATH.strip('/')}"
        services = standard.COMPONENTS["cyclades"](base.rstrip("/"))
        self.stdout.write(exchange.as_text(exchange.exported("cyclades", services)))
