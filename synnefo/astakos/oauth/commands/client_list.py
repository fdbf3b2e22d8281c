"""``oauth2-client-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.idp.oidc.models import Client
from django.core.management.base import CommandParser
from django.db.models import QuerySet

from synnefo.astakos.oauth import rules
from synnefo.astakos.oauth.models import OAuthClient
from synnefo.common.commands import Filter, ListCommand, attribute


class Command(ListCommand):
    help = "List programs that sign people in by their accounts here."
    columns = {
        "id": (attribute("pk"), "number"),
        "identifier": (attribute("client_id"), "what it calls itself in requests"),
        "name": (attribute("client.name"), "what people are told that it is"),
        "type": (attribute("client.type"), "confidential: it has a secret; public: it has none"),
        "is_trusted": (attribute("client.skip_consent"), "whether nobody is asked for his consent"),
        "redirect_urls": (lambda row: row.client.get_redirect_uris(), "where people come back to"),
        "scopes": (lambda row: row.client.get_scopes(), "what it may ask for"),
        "grants": (lambda row: row.client.get_grant_types(), "how it gets tokens"),
        "created": (attribute("client.created_at"), "when it was made known"),
    }
    shown = ("id", "identifier", "type", "is_trusted")
    filters = {"identifier": Filter("client_id", str, "what it calls itself in requests")}

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--confidential", action="store_true", help="those with a secret")
        parser.add_argument("--public", action="store_true", help="those without one")
        parser.add_argument("--trusted", action="store_true", help="those that need no consent")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[OAuthClient]:
        found = rules.clients()
        kinds = [kind for kind in Client.Type.values if options[kind]]
        if kinds:
            found = found.filter(client__type__in=kinds)
        return found.filter(client__skip_consent=True) if options["trusted"] else found
