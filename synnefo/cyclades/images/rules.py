"""What may be done with images: bringing them in, seeing, describing and removing them.

An image is what an object held when it was registered; the object carries a copy of what the row says (in
the domain ``plankton``), written in the same transaction. Content comes from a file of the caller's that is
there, or from a stream that becomes one. Of content only the first bytes are read here, and never inside a
transaction. A crash on the way leaves a file of the caller's at most, never an image without content.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from synnefo.audit.rules import record
from synnefo.common.caller import Caller, Scope, visible
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.ids import new_uuid
from synnefo.common.objects import ObjectStore, StoredObject, store_for, store_of
from synnefo.common.transactions import atomic, forbid_in_transaction
from synnefo.cyclades.images.inspection import HEAD_BYTES, DiskFacts, inspect
from synnefo.cyclades.images.models import Image, ImageMember
from synnefo.engine.models import Operation

MAX_PROPERTIES, MAX_PROPERTY_KEY, MAX_PROPERTY_VALUE = 128, 111, 256
MAX_NAME = 255
_LARGEST_COUNT = 2**31 - 1
_DESCRIBED = ("name", "is_public", "description", "min_ram_mib", "wanted_disk_gib")
_CHUNK = 1024 * 1024
#: An upload that was not heard of for so long is over; another may take its place.
_ABANDONED_AFTER = datetime.timedelta(hours=6)
#: By then whoever saw an image before it was removed has asked for his server.
_RELEASE_AFTER = datetime.timedelta(minutes=5)


@dataclasses.dataclass(frozen=True)
class _Arrived:
    """Content that is stored: the object, what kind of disk it is, its SHA-256 where it is known."""

    found: StoredObject
    facts: DiskFacts
    sha256: str = ""


def images_for(caller: Caller, *, deleted: bool | None = False) -> QuerySet[Image]:
    """Images that the caller may see: his, shared ones, those that he is a member of, and public ones.

    ``deleted`` None: also those that were removed.
    """
    rows = Image.objects.all() if deleted is None else Image.objects.filter(deleted=deleted)
    is_member = Exists(ImageMember.objects.filter(image=OuterRef("pk"), member=membership(caller)))
    return rows.filter(Q(pk__in=visible(rows, caller)) | Q(is_public=True) | Q(is_member))


def get(caller: Caller, uuid: str) -> Image:
    found = images_for(caller).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Image {uuid} could not be found.")
    return found


def bootable(caller: Caller, uuid: str) -> Image:
    """An image that servers can be made from. Raises ItemNotFound, BadRequest."""
    found = get(caller, uuid)
    if found.status != Image.Status.AVAILABLE:
        raise BadRequest(f"Image {uuid} is not active.")
    return found


def register_location(
    caller: Caller, location: str, *, name: str, is_public: bool = False, min_ram_mib: int = 0,
    properties: Mapping[str, str] | None = None, description: str = "",
    expected: Mapping[str, object] | None = None,
) -> Image:  # fmt: skip
    """Make an image of what an object holds now (``pithos://account/container/object``, parts quoted).

    The same object again renews its image. ``expected`` may name ``size_bytes`` and ``hash``, which must be
    the object's. Raises BadRequest, Forbidden, ItemNotFound.
    """
    forbid_in_transaction("looking into an object")
    about: dict[str, Any] = {
        "name": name, "is_public": is_public, "min_ram_mib": min_ram_mib, "description": description,
    }  # fmt: skip
    check(caller, properties=properties, **about)
    store = store_of_location(location)
    found = store.find(caller, location)
    for key, value in (expected or {}).items():
        if getattr(found, key) != value:
            raise BadRequest(f"The object's {key.removesuffix('_bytes')} is not {value}.")
    facts = _facts(store, found)
    return _make_known(caller, store, _Arrived(found, facts), properties=dict(properties or {}), **about)


def look(caller: Caller, location: str) -> tuple[StoredObject, DiskFacts]:
    """What ``register_location`` would make an image of: the object, and what kind of disk is in it.

    Raises BadRequest (it is no disk), Forbidden, ItemNotFound.
    """
    forbid_in_transaction("looking into an object")
    store = store_of_location(location)
    found = store.find(caller, location)
    return found, _facts(store, found)


def register(
    caller: Caller, stream: BinaryIO, *, name: str, is_public: bool = False, min_ram_mib: int = 0,
    properties: Mapping[str, str] | None = None, description: str = "",
) -> Image:  # fmt: skip
    """Store a disk image (raw or qcow2) as a file of the caller's and make it known.

    Raises BadRequest, Forbidden, OverLimit.
    """
    about: dict[str, Any] = {
        "name": name, "is_public": is_public, "min_ram_mib": min_ram_mib, "description": description,
    }  # fmt: skip
    check(caller, properties=properties, **about)
    pieces = iter(lambda: stream.read(_CHUNK), b"")
    return _store(caller, pieces, new_uuid(), properties=dict(properties or {}), **about)


def register_file(caller: Caller, path: Path, **about: object) -> Image:
    """``register`` for a file of this host."""
    with path.open("rb") as stream:
        return register(caller, stream, **about)  # type: ignore[arg-type]


def announce(
    caller: Caller, *, uuid: str | None, disk_format: str, properties: Mapping[str, str], **about: Any
) -> Image:
    """An image that waits for its content. Raises BadRequest, Forbidden, Conflict (the id is taken)."""
    check(caller, properties=properties, **about)
    if disk_format not in Image.FORMATS:
        raise BadRequest(f"Images are {' or '.join(Image.FORMATS)}.")
    with atomic():
        if uuid is not None and Image.objects.filter(uuid=uuid).exists():
            raise Conflict(f"Image ID {uuid} already exists!")
        image = Image.objects.create(
            uuid=uuid or new_uuid(), userid=caller.user, project=caller.project, disk_format=disk_format,
            shared_to_project=caller.shares_by_default, status=Image.Status.QUEUED,
            properties=dict(properties), **about,
        )  # fmt: skip
        record(caller, "image.announce", "image", image.pk, name=image.name)
    return image


def upload(caller: Caller, uuid: str, pieces: Iterable[bytes]) -> Image:
    """Give an image that waits its content. If that fails it waits on.

    Raises ItemNotFound, Forbidden, Conflict (it has content, or gets it now), BadRequest, OverLimit.
    """
    forbid_in_transaction("storing an image")
    image = _claim(caller, uuid)
    try:
        return _store(
            caller, pieces, image.uuid, promised=image.disk_format, properties=image.properties,
            name=image.name, is_public=image.is_public,
        )  # fmt: skip
    finally:
        waiting = Image.objects.filter(pk=image.pk, status=Image.Status.SAVING)
        waiting.update(status=Image.Status.QUEUED)


def read(image: Image) -> Iterator[bytes]:
    """What it holds. Raises Conflict while it has no content."""
    if not image.hold:
        raise Conflict("The image has no content yet.")
    return store_of(image.hold).read(image.hold)


def store_of_location(location: str) -> ObjectStore:
    """Raises BadRequest for a location of no store."""
    try:
        return store_of(location)
    except ItemNotFound as fault:
        raise BadRequest(fault.message) from None


def modify(
    caller: Caller,
    uuid: str,
    *,
    properties: Mapping[str, str] | None = None,
    merge: bool = False,
    **about: Any,
) -> Image:
    """Change what is said of an image: any of name, is_public, description, min_ram_mib, wanted_disk_gib.

    ``properties`` take the place of those that it has, or with ``merge`` are added to them. Raises
    ItemNotFound, Forbidden, BadRequest.
    """
    with atomic():
        image = owned(caller, uuid)
        if properties is not None:
            image.properties = {**(image.properties if merge else {}), **properties}
        check(caller, image, properties=image.properties, **about)
        for name in _DESCRIBED:
            setattr(image, name, about.get(name, getattr(image, name)))
        describe(caller, image)
        image.save()
        record(caller, "image.modify", "image", image.pk, **about)
    return image


def set_properties(caller: Caller, uuid: str, wanted: Mapping[str, str | None]) -> dict[str, str]:
    """Merge an image's properties, None takes one away; returns all of them.

    Raises ItemNotFound, Forbidden (not the owner), BadRequest (too many, too long).
    """
    with atomic():
        image = owned(caller, uuid)
        merged = {**image.properties, **wanted}
        kept = {key: value for key, value in merged.items() if value is not None}
        check(caller, image, properties=kept)
        image.properties = kept
        describe(caller, image)
        image.save()
        record(caller, "image.properties", "image", image.pk, keys=sorted(wanted))
    return kept


def unregister(caller: Caller, uuid: str) -> None:
    """Make an image unknown; its file stays, and servers made from it keep running."""
    _remove(caller, uuid, with_object=False)


def delete(caller: Caller, uuid: str) -> None:
    """The same, but the file that an upload made for this image alone goes with it."""
    _remove(caller, uuid, with_object=True)


def shared_by(caller: Caller, owner: str) -> QuerySet[Image]:
    """Images of somebody's that are not public and that the caller sees."""
    return images_for(caller).filter(userid=owner, is_public=False).order_by("pk")


def membership(caller: Caller) -> str:
    """Whom a list of members must name for the caller to see an image."""
    return caller.project if caller.scope is Scope.PROJECT else caller.user


def owned(caller: Caller, uuid: str) -> Image:
    """The image's row, locked, for its owner (or an administrator). Raises ItemNotFound, Forbidden."""
    found = get(caller, uuid)
    if found.userid != caller.user and not caller.is_admin:
        raise Forbidden("Only its owner changes or removes an image.")
    return Image.objects.select_for_update().get(pk=found.pk)


def check(
    caller: Caller, image: Image | None = None, *, properties: Mapping[str, str] | None = None, **about: Any
) -> None:
    """Whether this may be said of an image. Raises BadRequest, Forbidden."""
    name = about.get("name")
    if name is not None and (not 1 <= len(name) <= MAX_NAME or not name.isprintable()):
        raise BadRequest(f"An image's name has 1 to {MAX_NAME} printable characters.")
    if len(about.get("description", "")) > MAX_PROPERTY_VALUE:
        raise BadRequest(f"A description has at most {MAX_PROPERTY_VALUE} characters.")
    for number in (about.get("min_ram_mib", 0), about.get("wanted_disk_gib", 0)):
        if not 0 <= number <= _LARGEST_COUNT:
            raise BadRequest(f"{number} is no amount of memory or disk.")
    becomes_public = about.get("is_public") and not (image is not None and image.is_public)
    if becomes_public and not may_publish(caller):
        raise Forbidden("Only administrators make public images.")
    _check_properties(properties or {})


def may_publish(caller: Caller) -> bool:
    """Whether he may make images that everybody sees."""
    return caller.is_admin or bool(settings.CYCLADES_USERS_PUBLISH_IMAGES)


def describe(caller: Caller, image: Image) -> None:
    """Write to the image's object what its row says, in the transaction; the caller saves the row."""
    if not image.hold:
        return
    seen = store_of(image.hold).set_properties(caller, image.uuid, _plankton(image))
    if seen is not None:
        image.location = seen.location


def release_unused(after: datetime.timedelta = _RELEASE_AFTER) -> int:
    """Let go of the content of images removed so long ago that no server is being made from.

    Returns how many these were.
    """
    building = Operation.objects.filter(kind="server.create", state__in=Operation.ACTIVE)
    used = {payload["image"] for payload in building.values_list("payload", flat=True)}
    removed = Image.objects.filter(deleted=True, updated__lte=timezone.now() - after)
    waiting = removed.exclude(hold="").exclude(pk__in=used)
    released = 0
    for key in waiting.values_list("pk", flat=True):
        with atomic():
            image = Image.objects.select_for_update().get(pk=key)
            if image.deleted and image.hold:
                store_of(image.hold).release(image.hold)
                image.hold = ""
                image.save(update_fields=("hold",))
                released += 1
    return released


def _facts(store: ObjectStore, found: StoredObject) -> DiskFacts:
    return inspect(store.head(found, HEAD_BYTES), found.size_bytes)


def _claim(caller: Caller, uuid: str) -> Image:
    with atomic():
        image = owned(caller, uuid)
        if image.userid != caller.user:
            raise Forbidden("Only its owner gives an image its content.")
        abandoned = image.status == Image.Status.SAVING and image.updated < timezone.now() - _ABANDONED_AFTER
        if image.status != Image.Status.QUEUED and not abandoned:
            raise Conflict(f"Image {uuid} has content, or is getting it.")
        image.status = Image.Status.SAVING
        image.save(update_fields=("status", "updated"))
    return image


def _store(
    caller: Caller, pieces: Iterable[bytes], uuid: str, *, promised: str | None = None, **about: Any
) -> Image:
    """Store a stream as a file and make it known as the image with that id; the file goes if it fails.

    ``promised`` is the format of an image that waits for this content.
    """
    forbid_in_transaction("storing an image")
    store, counted = store_for(caller), _Counted(pieces)
    head, whole = _peek(counted)
    facts = inspect(head, len(head))
    if promised == "qcow2" and facts.disk_format != promised:
        raise BadRequest("This is no qcow2 image.")
    found = store.put(caller, whole, name=about["name"], uuid=uuid)
    if facts.disk_format == "raw":
        facts = DiskFacts("raw", found.size_bytes)
    try:
        arrived = _Arrived(found, facts, counted.digest.hexdigest())
        return _make_known(caller, store, arrived, awaited=promised is not None, has_own_object=True, **about)
    except BaseException:
        store.remove(caller, uuid)
        raise


def _make_known(
    caller: Caller, store: ObjectStore, arrived: _Arrived, *, awaited: bool = False, **about: Any
) -> Image:
    """The row of an image with this content: new, renewed, or the one that waits for it."""
    found = arrived.found
    with atomic():
        image = _row_for(caller, found.uuid)
        if awaited and (image.deleted or image.status != Image.Status.SAVING):
            raise Conflict("The image was removed meanwhile.")
        if image.hold:
            store_of(image.hold).release(image.hold)
        image.hold = store.hold(found)
        image.status, image.deleted = Image.Status.AVAILABLE, False
        image.disk_format = arrived.facts.disk_format
        image.virtual_size_bytes = arrived.facts.virtual_size_bytes
        image.size_bytes, image.hash, image.checksum = found.size_bytes, found.hash, found.checksum
        image.location, image.version, image.sha256 = found.location, found.version, arrived.sha256
        for name, value in about.items():
            setattr(image, name, value)
        describe(caller, image)
        image.save()
        record(caller, "image.register", "image", image.pk, name=image.name, hash=image.hash)
    return image


def _row_for(caller: Caller, uuid: str) -> Image:
    """The locked row of the image of an object that is the caller's; a new one if there is none.

    A row of somebody else's stands in nobody's way when it was removed or never had content. Raises
    Forbidden.
    """
    image = Image.objects.select_for_update().filter(uuid=uuid).first()
    if image is not None and (image.userid == caller.user or caller.is_admin):
        return image
    if image is not None and not image.deleted and image.hold:
        raise Forbidden("Only its owner renews an image.")
    image = image or Image(uuid=uuid)
    image.userid, image.project = caller.user, caller.project
    image.shared_to_project = caller.shares_by_default
    return image


class _Counted:
    """A stream of pieces whose SHA-256 is taken as it passes."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self.digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.digest.update(piece)
            yield piece


def _peek(pieces: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The beginning of a stream, and the whole stream."""
    stream, seen = iter(pieces), bytearray()
    while len(seen) < HEAD_BYTES and (piece := next(stream, b"")):
        seen += piece
    return bytes(seen), itertools.chain([bytes(seen)], stream)


def _remove(caller: Caller, uuid: str, *, with_object: bool) -> None:
    with atomic():
        image = owned(caller, uuid)
        takes_object = with_object and image.has_own_object and bool(image.hold)
        if image.hold and not takes_object:
            store_of(image.hold).set_properties(caller, image.uuid, {})
        image.members.all().delete()
        image.deleted = True
        image.save(update_fields=("deleted", "updated"))
        record(caller, "image.unregister", "image", image.pk, name=image.name)
    if takes_object:
        store_of(image.hold).remove(caller, image.uuid, only=image.hash)


def _plankton(image: Image) -> dict[str, str]:
    """An image in words that exports and older tools know."""
    about = {
        "name": image.name,
        "status": image.status,
        "disk_format": image.disk_format,
        "container_format": "bare",
        "created_at": image.created.strftime("%Y-%m-%d %H:%M:%S"),
        "description": image.description,
    }
    properties = {f"property:{key}": str(value) for key, value in image.properties.items()}
    return {f"plankton:{key}": value for key, value in {**about, **properties}.items()}


def _check_properties(properties: Mapping[str, str]) -> None:
    if len(properties) > MAX_PROPERTIES:
        raise BadRequest(f"An image has at most {MAX_PROPERTIES} properties.")
    for key, value in properties.items():
        if not 1 <= len(key) <= MAX_PROPERTY_KEY or len(value) > MAX_PROPERTY_VALUE:
            raise BadRequest(
                f"Properties have keys of 1 to {MAX_PROPERTY_KEY} characters, values of {MAX_PROPERTY_VALUE}."
            )
