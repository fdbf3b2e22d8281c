"""``component-modify``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.astakos.accounts.commands import passwords
from synnefo.astakos.catalog import rules
from synnefo.common.commands import Command as Base
from synnefo.common.transactions import atomic


class Command(Base):
    help = "Change where a part of the cloud is, or renew its service token, which is printed this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("component", help="name or number")
        parser.add_argument("--base-url", metavar="URL", help="where its APIs are")
        parser.add_argument("--ui-url", metavar="URL", help="where its pages are; /...: on this very cloud")
        tokens = parser.add_mutually_exclusive_group()
        tokens.add_argument("--renew-token", action="store_true", help="the old one stops working")
        tokens.add_argument("--auth-token", metavar="TOKEN", help="take this one; -: from standard input")
        parser.add_argument("--purge-services", action="store_true", help="remove all of its services")

    def handle(self, *args: Any, **options: Any) -> None:
        urls = {name: options[name] for name in ("base_url", "ui_url") if options[name] is not None}
        secret = passwords.given(options["auth_token"])
        if not (urls or secret or options["renew_token"] or options["purge_services"]):
            raise CommandError("nothing to change; see --help")
        component = rules.find_component(options["component"])
        with atomic():
            if urls:
                rules.modify_component(self.caller, component, **urls)
            if options["purge_services"]:
                rules.purge_services(self.caller, component)
            if secret:
                rules.renew_service_token(self.caller, component, token=secret)
            token = rules.renew_service_token(self.caller, component) if options["renew_token"] else None
        if token is not None:
            self.say("The new service token; it is not shown again:")
            self.stdout.write(token)
