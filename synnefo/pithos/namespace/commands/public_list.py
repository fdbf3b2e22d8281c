"""``public-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.pithos.namespace.models import PublicLink


class Command(ListCommand):
    help = "List public links."
    columns = {
        "link": (attribute("url"), "the last part of its address"),
        "account": (attribute("object.container.account.name"), "whose it is"),
        "container": (attribute("object.container.name"), "container"),
        "object": (attribute("object.name"), "object that is published"),
        "created": (attribute("created"), "when it was made"),
        "expires": (attribute("expires"), "when it ends, if ever"),
        "password": (lambda link: bool(link.password), "whether it asks for one"),
    }
    shown = ("link", "account", "container", "object", "expires", "password")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--account", metavar="UUID", help="only those of this account")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[PublicLink]:
        rows = PublicLink.objects.select_related("object__container__account").order_by("pk")
        return (
            rows.filter(object__container__account__name=options["account"]) if options["account"] else rows
        )
