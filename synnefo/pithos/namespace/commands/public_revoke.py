"""``public-revoke``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.faults import ItemNotFound
from synnefo.pithos.namespace import operating, publishing
from synnefo.pithos.namespace.models import PublicLink
from synnefo.pithos.namespace.names import Path


class Command(Base):
    help = "End public links. What they led to stays; publishing it again makes another link."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("link", nargs="+", help="the last part of the link's address")

    def handle(self, *args: Any, **options: Any) -> None:
        for url in options["link"]:
            rows = PublicLink.objects.select_related("object__container__account")
            link = rows.filter(url=url.rpartition("/")[2]).first()
            if link is None:
                raise ItemNotFound(f"There is no public link {url}.")
            container = link.object.container
            path = Path(container.account.name, container.name, link.object.name)
            publishing.unpublish(operating.as_owner(self.caller, container.account), path)
            self.say(f"ended the link to {path}")
