"""``component-register``, installed as ``snf-component-register``, too"""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from synnefo.astakos.catalog import rules, standard
from synnefo.astakos.catalog.models import Component
from synnefo.common.commands import Command as Base
from synnefo.common.transactions import atomic

_BASE_PATHS = {
    "astakos": "ASTAKOS_BASE_PATH",
    "cyclades": "CYCLADES_BASE_PATH",
    "pithos": "PITHOS_BASE_PATH",
}


class Command(Base):
    help = "Register a component (or all) with its services and resources, or bring what is there up to date."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "component", nargs="?", choices=sorted(_BASE_PATHS), help="default: all, one by one"
        )
        parser.add_argument("--base-url", metavar="URL", help="where its APIs are")
        parser.add_argument("--ui-url", metavar="URL", help="where its pages are (default: BASE_URL/ui)")
        parser.add_argument("--yes", action="store_true", help="ask nothing: take what is given or suggested")

    def handle(self, *args: Any, **options: Any) -> None:
        names = [options["component"]] if options["component"] else list(_BASE_PATHS)
        if options["base_url"] and len(names) > 1:
            raise CommandError("--base-url is one component's: name it")
        for name in names:
            self._register(name, options)
        self.say("New projects get no limit of new resources: see resource-list, and set limits by")
        self.say("resource-modify NAME --system-default LIMIT.")

    def _register(self, name: str, options: dict[str, Any]) -> None:
        row = Component.objects.filter(name=name).first()
        if row is not None and not options["yes"] and not self._agreed(f"{name} is registered. Renew it?"):
            return
        base = self._answer(f"Address of {name}", options["base_url"], _suggested(name, row), options)
        base = base.rstrip("/")
        if not base:
            raise CommandError(f"{name}: --base-url says where it is")
        ui = self._answer(f"Address of the pages of {name}", options["ui_url"], _ui(base, row), options)
        services = standard.COMPONENTS[name](base)
        with atomic():
            token = ""
            if row is None:
                row, token = rules.add_component(self.caller, name, base_url=base, ui_url=ui)
            elif (row.base_url, row.url) != (base, ui):
                row = rules.modify_component(self.caller, row, base_url=base, ui_url=ui)
            rules.purge_services(self.caller, row, keep=[service.name for service in services])
            for service in services:
                rules.register_service(self.caller, row, service)
        if token:
            self.stdout.write(f"Token: {token}")
            self._pause(f"{name} needs this token in its settings, on every host.", options)

    def _answer(self, question: str, given: str | None, suggested: str, options: dict[str, Any]) -> str:
        if given is not None or options["yes"]:
            return suggested if given is None else given
        self.stderr.write(f"{question} [{suggested}]: ", ending="")
        self.stderr.flush()
        return sys.stdin.readline().strip() or suggested

    def _agreed(self, question: str) -> bool:
        self.stderr.write(f"{question} [Y/n] ", ending="")
        self.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("", "y", "yes")

    def _pause(self, text: str, options: dict[str, Any]) -> None:
        self.say(text)
        if not options["yes"]:
            self.stderr.write("Press enter to go on. ", ending="")
            self.stderr.flush()
            sys.stdin.readline()


def _suggested(name: str, row: Component | None) -> str:
    if row is not None and row.base_url:
        return row.base_url
    public, base = settings.SYNNEFO_PUBLIC_URL.rstrip("/"), getattr(settings, _BASE_PATHS[name]).strip("/")
    return f"{public}/{base}".rstrip("/") if public else ""


def _ui(base: str, row: Component | None) -> str:
    return row.url if row is not None and row.url else f"{base}/ui"
