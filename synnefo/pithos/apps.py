from __future__ import annotations

from django.apps import AppConfig


class PithosConfig(AppConfig):
    name = "synnefo.pithos"
    label = "pithos"

    def ready(self) -> None:
        from synnefo.engine import background
        from synnefo.pithos.faces.swift import paths
        from synnefo.pithos.upkeep import checksums, collection
        from synnefo.pithos.uploads import upkeep as uploads

        paths.watch()
        background.periodic("collect-blocks", collection.EVERY_S, collection.collect_one_part)
        background.periodic("give-up-uploads", uploads.EVERY_S, uploads.give_up)
        background.periodic("forget-completed-uploads", uploads.DAY_S, uploads.forget_completed)
        background.periodic("take-checksums", 10, checksums.take_missing)
