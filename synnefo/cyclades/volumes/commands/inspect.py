"""``volume-inspect``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import ShowCommand, Table
from synnefo.cyclades.backends import registry
from synnefo.cyclades.backends.base import BackendError
from synnefo.cyclades.volumes.commands.common import volume_of, volume_option
from synnefo.cyclades.volumes.commands.show import facts_of
from synnefo.cyclades.volumes.models import Volume
from synnefo.engine.rules import history_of


class Command(ShowCommand):
    help = "Show a volume, what its engine has of it, and what was done to it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        volume_option(parser)

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        volume = volume_of(options["volume_id"])
        done = history_of(Volume.TARGET, volume.pk)[:20]
        rows = [(row.pk, row.kind, row.state, row.created, row.error) for row in done]
        return {
            **facts_of(volume),
            "engine": volume.backend.name if volume.backend is not None else "",
            "name on the engine": volume.engine_name,
            "seen there": _seen(volume),
            "operations": Table(("id", "kind", "state", "created", "error"), rows),
        }


def _seen(volume: Volume) -> str:
    """Whether its engine has it, or why that is not known."""
    if volume.backend is None:
        return "no"
    try:
        return "yes" if volume.engine_name in registry.engine(volume.backend).volumes() else "no"
    except BackendError as error:
        return f"not known: {error}"
