"""What may be done with images. Their bytes are behind ``common.objects``; rows say what they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from django.db.models import Q, QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller, visible
from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound
from synnefo.common.objects import objects
from synnefo.common.transactions import atomic, forbid_in_transaction
from synnefo.cyclades.images.inspection import DiskFacts, inspect
from synnefo.cyclades.images.models import Image

MAX_PROPERTIES, MAX_PROPERTY_KEY, MAX_PROPERTY_VALUE = 128, 111, 256


def images_for(caller: Caller, *, deleted: bool | None = False) -> QuerySet[Image]:
    """Images that the caller may see: his, shared ones, and the public ones. ``deleted`` None: all."""
    rows = Image.objects.all() if deleted is None else Image.objects.filter(deleted=deleted)
    return rows.filter(Q(pk__in=visible(rows, caller)) | Q(is_public=True))


def get(caller: Caller, uuid: str) -> Image:
    found = images_for(caller).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Image {uuid} could not be found.")
    return found


def register(
    caller: Caller, stream: BinaryIO, *, name: str, is_public: bool = False, min_ram_mib: int = 0,
    properties: Mapping[str, str] | None = None, description: str = "",
) -> Image:  # fmt: skip
    """Keep a disk image (raw or qcow2) and make it known. Raises BadRequest, Forbidden.

    The content is stored whole and looked at before the row exists; a crash in between leaves a file
    that nothing refers to, never an image without content.
    """
    forbid_in_transaction("storing an image")
    if not 1 <= len(name) <= 255 or not name.isprintable():
        raise BadRequest("An image's name has 1 to 255 printable characters.")
    if is_public and not caller.is_admin:
        raise Forbidden("Only administrators make public images.")
    facts: list[DiskFacts] = []
    stored = objects().put(stream, check=lambda path: facts.append(inspect(path)))
    with atomic():
        image = Image.objects.create(
            name=name,
            userid=caller.user,
            project=caller.project,
            shared_to_project=caller.shares_by_default,
            is_public=is_public,
            disk_format=facts[0].disk_format,
            size_bytes=stored.size_bytes,
            virtual_size_bytes=facts[0].virtual_size_bytes,
            sha256=stored.sha256,
            location=stored.location,
            min_ram_mib=min_ram_mib,
            properties=dict(properties or {}),
            description=description,
        )
        record(caller, "image.register", "image", image.pk, name=name, sha256=stored.sha256)
    return image


def register_file(caller: Caller, path: Path, **about: object) -> Image:
    """``register`` for a file of this host."""
    with path.open("rb") as stream:
        return register(caller, stream, **about)  # type: ignore[arg-type]


def set_properties(caller: Caller, uuid: str, wanted: Mapping[str, str | None]) -> dict[str, str]:
    """Merge an image's properties, None takes one away; returns all of them.

    Raises ItemNotFound, Forbidden (not the owner), BadRequest (too many, too long).
    """
    with atomic():
        image = _owned(caller, uuid)
        merged = {**image.properties, **wanted}
        kept = {key: value for key, value in merged.items() if value is not None}
        _check_properties(kept)
        image.properties = kept
        image.save(update_fields=("properties", "updated"))
        record(caller, "image.properties", "image", image.pk, keys=sorted(wanted))
    return kept


def unregister(caller: Caller, uuid: str) -> None:
    """Make an image unknown; servers made from it keep running, its content stays for them."""
    with atomic():
        image = _owned(caller, uuid)
        image.deleted = True
        image.save(update_fields=("deleted", "updated"))
        record(caller, "image.unregister", "image", image.pk, name=image.name)


def _owned(caller: Caller, uuid: str) -> Image:
    """The image's row, locked, for its owner (or an administrator)."""
    found = get(caller, uuid)
    if found.userid != caller.user and not caller.is_admin:
        raise Forbidden("Only its owner changes or removes an image.")
    return Image.objects.select_for_update().get(pk=found.pk)


def _check_properties(properties: Mapping[str, str]) -> None:
    if len(properties) > MAX_PROPERTIES:
        raise BadRequest(f"An image has at most {MAX_PROPERTIES} properties.")
    for key, value in properties.items():
        if not 1 <= len(key) <= MAX_PROPERTY_KEY or len(value) > MAX_PROPERTY_VALUE:
            raise BadRequest(
                f"Properties have keys of 1 to {MAX_PROPERTY_KEY} characters, values of {MAX_PROPERTY_VALUE}."
            )
