"""``backend-update-status``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from synnefo.common.commands import Command as Base
from synnefo.cyclades.backends import registry
from synnefo.cyclades.backends.base import BackendError
from synnefo.cyclades.backends.models import Backend


class Command(Base):
    help = "Ask all engines that are online what they have free, as the dispatcher does by itself."

    def handle(self, *args: Any, **options: Any) -> None:
        silent = []
        for row in Backend.objects.filter(offline=False).order_by("pk"):
            try:
                found = registry.look(row)
            except BackendError as error:
                silent.append(row.name)
                self.say(f"{row.name}: {error}")
            else:
                self.stdout.write(f"{row.name}: {found.ram_free_mib} MiB, {found.disk_free_gib} GiB free")
        if silent:
            raise CommandError(f"no answer from {', '.join(silent)}")
