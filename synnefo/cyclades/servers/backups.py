"""Images that a server is kept in regularly: of a kind, only so many newest ones stay."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import QuerySet

from synnefo.common.caller import Caller
from synnefo.cyclades.images import rules as images
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.servers import imaging

_KIND, _SERVER = "backup_type", "instance_uuid"


def create(
    caller: Caller, server_uuid: str, name: str, kind: str, metadata: Mapping[str, str], *, rotation: int
) -> Image | None:
    """Keep the server in one more image of the kind; of the whole ones before, ``rotation`` newest stay.

    The new one is not whole yet, and might never be: it takes no place until the next is asked for. None if
    none shall stay. Raises as images do.
    """
    older = [row for row in _backups(caller) if _of(row) == (kind, server_uuid)]
    about = {**metadata, _KIND: kind, _SERVER: server_uuid, "image_type": "backup"}
    made = imaging.create_image(caller, server_uuid, name, about) if rotation else None
    for image in older[rotation:]:
        images.delete(caller, image.uuid)
    return made


def _backups(caller: Caller) -> QuerySet[Image]:
    """The caller's own whole images, newest first."""
    rows = images.images_for(caller).filter(is_snapshot=False, status=Image.Status.AVAILABLE)
    return rows.filter(userid=caller.user).order_by("-created", "-pk")


def _of(image: Image) -> tuple[str, str]:
    return image.properties.get(_KIND, ""), image.properties.get(_SERVER, "")
