"""``service-export-astakos``"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from synnefo.astakos.catalog import exchange, standard
from synnefo.common.commands import Command as Base


class Command(Base):
    help = "Print the services and resources of Astakos itself, for service-import."

    def handle(self, *args: Any, **options: Any) -> None:
        base = f"{settings.SYNNEFO_PUBLIC_URL.rstrip('/')}/{settings.ASTAKOS_BASE_PATH.strip('/')}"
        services = standard.COMPONENTS["astakos"](base.rstrip("/"))
        self.stdout.write(exchange.as_text(exchange.exported("astakos", services)))
