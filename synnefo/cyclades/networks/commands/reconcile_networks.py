"""``reconcile-networks``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.backends.base import BackendError
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.operations import reconcile_networks


class Command(Base):
    help = "Compare networks and routers with what engines have of them, and mend it with --fix-all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--fix-all", action="store_true", help="apply what is missing, remove what is too much"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        failed = False
        for backend in Backend.objects.filter(offline=False).order_by("pk"):
            try:
                failed |= self._look(backend, fix=options["fix_all"])
            except BackendError as error:
                self.say(f"{backend.name}: {error}")
                failed = True
        if failed:
            raise CommandError("not everything could be looked at or mended")

    def _look(self, backend: Backend, *, fix: bool) -> bool:
        """Whether something could not be mended."""
        failed = False
        for finding in reconcile_networks.look(backend):
            self.stdout.write(str(finding))
            if fix:
                try:
                    reconcile_networks.repair(finding)
                except BackendError as error:
                    self.say(f"{finding.name}: {error}")
                    failed = True
        return failed
