from __future__ import annotations

from django.apps import AppConfig


class PithosConfig(AppConfig):
    name = "synnefo.pithos"
    label = "pithos"

    def ready(self) -> None:
        from synnefo.engine import background
        from synnefo.pithos.faces.swift import paths
        from synnefo.pithos.upkeep import checksums, collection

        paths.watch()
        background.periodic("collect-blocks", collection.EVERY_S, collection.collect_one_part)
        background.periodic("take-checksums", 10, checksums.take_missing)
