from __future__ import annotations

from django.apps import AppConfig


class CycladesConfig(AppConfig):
    name = "synnefo.cyclades"
    label = "cyclades"

    def ready(self) -> None:
        from synnefo.cyclades import operations

        operations.register()
