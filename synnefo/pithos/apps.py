from __future__ import annotations

from django.apps import AppConfig
from prometheus_client import REGISTRY


class PithosConfig(AppConfig):
    name = "synnefo.pithos"
    label = "pithos"

    def ready(self) -> None:
        from synnefo.engine import background
        from synnefo.pithos.faces import paths, wholes
        from synnefo.pithos.faces.swift import slo
        from synnefo.pithos.upkeep import checksums, collection, expiry, scrubbing
        from synnefo.pithos.uploads import upkeep as uploads

        paths.watch()
        wholes.register(wholes.Kind(slo.is_one, slo.joined, slo.etag_of, slo.size_of))
        REGISTRY.register(scrubbing.Metrics())
        background.periodic("collect-blocks", collection.EVERY_S, collection.collect_some_parts)
        background.periodic("scrub-blocks", scrubbing.EVERY_S, scrubbing.scrub_some)
        background.periodic("give-up-uploads", uploads.EVERY_S, uploads.give_up)
        background.periodic("forget-completed-uploads", uploads.DAY_S, uploads.forget_completed)
        background.periodic("delete-expired", expiry.EVERY_S, expiry.delete_expired)
        background.periodic("take-checksums", 10, checksums.take_missing)
        background.follower("checksums", checksums.follow_long)
