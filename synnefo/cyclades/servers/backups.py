"""Images that a server is kept in regularly: of a kind, only so many newest ones stay."""

from __future__ import annotations

from collections.abc import Mapping

from synnefo.common.caller import Caller
from synnefo.cyclades.images import rules as images
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.servers import imaging

_KIND, _SERVER = "backup_type", "instance_uuid"


def create(
    caller: Caller, server_uuid: str, name: str, kind: str, metadata: Mapping[str, str], *, rotation: int
) -> Image | None:
    """Keep the server in one more image of the kind; the oldest beyond ``rotation`` go. Raises as images do.

    None if none shall stay.
    """
    about = {**metadata, _KIND: kind, _SERVER: server_uuid, "image_type": "backup"}
    made = imaging.create_image(caller, server_uuid, name, about) if rotation else None
    own = images.images_for(caller).filter(is_snapshot=False, userid=caller.user).order_by("-created", "-pk")
    kept = [
        row for row in own if (row.properties.get(_KIND), row.properties.get(_SERVER)) == (kind, server_uuid)
    ]
    for image in kept[rotation:]:
        images.delete(caller, image.uuid)
    return made
