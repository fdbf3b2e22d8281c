from __future__ import annotations

from django.apps import AppConfig


class PithosConfig(AppConfig):
    name = "synnefo.pithos"
    label = "pithos"

    def ready(self) -> None:
        from synnefo.pithos.faces.swift import paths

        paths.watch()
