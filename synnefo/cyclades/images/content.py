"""Images whose content an operation makes: snapshots, and images of volumes and servers.

All of it joins the caller's transaction. Storing the content is the operation's business, which must not
be in one; ``Digested`` takes the digests on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.objects import StoredObject, store_of
from synnefo.cyclades.images.checks import check
from synnefo.cyclades.images.inspection import DiskFacts
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.images.rules import Arrived, Digested, take

__all__ = ["Digested", "await_content", "complete", "fail"]


def await_content(
    caller: Caller, *, name: str, properties: Mapping[str, str] | None = None, description: str = "",
    disk_format: str = "raw", is_snapshot: bool = False, volume_id: int | None = None,
    server_uuid: str = "", min_ram_mib: int = 0, wanted_disk_gib: int = 0,
) -> Image:  # fmt: skip
    """An image that an operation is going to fill. Raises BadRequest (the name, the properties)."""
    about: dict[str, Any] = {
        "name": name, "description": description, "min_ram_mib": min_ram_mib,
        "wanted_disk_gib": wanted_disk_gib,
    }  # fmt: skip
    check(caller, properties=properties, **about)
    image = Image.objects.create(
        userid=caller.user, project=caller.project, shared_to_project=caller.shares_by_default,
        status=Image.Status.SAVING, disk_format=disk_format, properties=dict(properties or {}),
        is_snapshot=is_snapshot, volume_id=volume_id, server_uuid=server_uuid, **about,
    )  # fmt: skip
    record(caller, "image.announce", "image", image.pk, name=name, volume=volume_id, server=server_uuid)
    return image


def complete(
    caller: Caller, image_pk: int, found: StoredObject, *, disk_format: str, virtual_size_bytes: int,
    sha256: str = "", sha512: str = "",
) -> Image | None:  # fmt: skip
    """Give an image that waits the object that was made for it, which has its uuid.

    None: it does not wait any more, because it was removed; whoever made the object removes it.
    """
    image = _waiting(image_pk)
    if image is None:
        return None
    arrived = Arrived(found, DiskFacts(disk_format, virtual_size_bytes), sha256, sha512)
    take(caller, image, store_of(found.location), arrived, has_own_object=True)
    return image


def fail(image_pk: int, fault: str) -> None:
    """Say why an image that waits will never have content."""
    image = _waiting(image_pk)
    if image is not None:
        image.status, image.fault = Image.Status.ERROR, fault
        image.save(update_fields=("status", "fault", "updated"))


def _waiting(image_pk: int) -> Image | None:
    rows = Image.objects.select_for_update()
    return rows.filter(pk=image_pk, deleted=False, status=Image.Status.SAVING).first()
