"""The volumes of servers: what comes and goes with a server, and what that costs (spec: cyclades 3.2)."""

from __future__ import annotations

from django.db.models import Sum

from synnefo.common.units import GIB
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.volumes.models import Volume


def make_root(server: Server, image: Image) -> Volume:
    """The disk that a new server boots from, with an image's content."""
    return Volume.objects.create(
        name=f"Root of {server.name}"[:255],
        userid=server.userid,
        project=server.project,
        shared_to_project=server.shared_to_project,
        size_gib=server.flavor.disk,
        volume_type=server.flavor.volume_type,
        server=server,
        index=0,
        backend=server.backend,
        bootable=True,
        source=Volume.Source.SNAPSHOT if image.is_snapshot else Volume.Source.IMAGE,
        source_uuid=image.uuid,
        source_version=image.version,
        image_properties=image.properties,
    )


def held_bytes(server: Server) -> int:
    """What the volumes that go with a server give back."""
    sizes = server.volumes.filter(deleted=False).aggregate(sum=Sum("size_gib"))
    return int(sizes["sum"] or 0) * GIB
