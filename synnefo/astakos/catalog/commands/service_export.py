"""``service-export``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.catalog import exchange, standard
from synnefo.common.commands import Command as Base


class Command(Base):
    help = "Print the services and resources of a component at an address, for service-import."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("component", choices=sorted(standard.COMPONENTS))
        parser.add_argument("base_url", help="where its APIs are, as https://cloud.example.org/cyclades")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["component"]
        services = standard.COMPONENTS[name](options["base_url"].rstrip("/"))
        self.stdout.write(exchange.as_text(exchange.exported(name, services)))
