"""``reconcile-volumes``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.backends.base import BackendError
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.operations import reconcile_volumes


class Command(Base):
    help = "Compare volumes with what engines have of them, and mend it with --fix."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--fix", action="store_true", help="remove what nobody knows, say of volumes what is true"
        )
        parser.add_argument("-f", "--force", action="store_true", help="do not ask before data is removed")

    def handle(self, *args: Any, **options: Any) -> None:
        failed = False
        for backend in Backend.objects.filter(offline=False).order_by("pk"):
            try:
                failed |= self._look(backend, fix=options["fix"], force=options["force"])
            except BackendError as error:
                self.say(f"{backend.name}: {error}")
                failed = True
        if failed:
            raise CommandError("not everything could be looked at or mended")

    def _look(self, backend: Backend, *, fix: bool, force: bool) -> bool:
        """Whether something could not be mended."""
        findings, failed = reconcile_volumes.look(backend), False
        for finding in findings:
            self.stdout.write(str(finding))
        if fix and not force and any(finding.kind == "orphan" for finding in findings):
            self.confirm("Remove the data that no volume has?")
        for finding in findings if fix else ():
            try:
                reconcile_volumes.repair(finding)
            except BackendError as error:
                self.say(f"{finding.name}: {error}")
                failed = True
        return failed
