"""``service-export-pithos``"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from synnefo.astakos.catalog import exchange, standard
from synnefo.common.commands import Command as Base


class Command(Base):
    help = "Print the services and resources of Pithos, for service-import."

    def handle(self, *args: Any, **options: Any) -> None:
        origin = settings.PITHOS_PUBLIC_URL or settings.SYNNEFO_PUBLIC_URL
        base = f"{origin.rstrip('/')}/{settings.PITHOS_BASE_PATH.strip('/')}"
        services = standard.COMPONENTS["pithos"](base.rstrip("/"))
        self.stdout.write(exchange.as_text(exchange.exported("pithos", services)))
