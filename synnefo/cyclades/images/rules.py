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

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from synnefo.audit.rules import record
from synnefo.common.caller import Caller, Scope, visible
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.ids import new_uuid
from synnefo.common.objects import ObjectStore, StoredObject, store_for, store_of
from synnefo.common.transactions import atomic, forbid_in_transaction
from synnefo.cyclades.images.checks import as_expected, as_promised, check
from synnefo.cyclades.images.inspection import HEAD_BYTES, PLAIN, DiskFacts, inspect
from synnefo.cyclades.images.models import Image, ImageMember
from synnefo.engine import rules as engine
from synnefo.engine.models import Operation

_DESCRIBED = (
    "name", "is_public", "visibility", "description", "min_ram_mib", "wanted_disk_gib", "disk_format",
    "container_format", "protected", "hidden", "tags", "project",
)  # fmt: skip
_CHUNK = 1024 * 1024
#: An upload that was not heard of for so long is over; another may take its place.
_ABANDONED_AFTER = datetime.timedelta(hours=6)
#: By then whoever saw an image before it was removed has asked for his server.
_RELEASE_AFTER = datetime.timedelta(minutes=5)


@dataclasses.dataclass(frozen=True)
class Arrived:
    """Content that is stored: the object, what kind of disk it is, its digests where they are known."""

    found: StoredObject
    facts: DiskFacts
    sha256: str = ""
    sha512: str = ""


def images_for(caller: Caller, *, deleted: bool | None = False) -> QuerySet[Image]:
    """Images that the caller may see: his, shared ones, those that he is a member of, and everybody's.

    An administrator sees what he made himself, whosever project it is in. ``deleted`` None: also those that
    were removed.
    """
    rows = Image.objects.all() if deleted is None else Image.objects.filter(deleted=deleted)
    for_all = Q(is_public=True) | Q(visibility=Image.Visibility.COMMUNITY)
    return rows.filter(_own(rows, caller) | for_all | _is_member(caller))


def listed(
    caller: Caller, *, deleted: bool | None = False, hidden: bool = False,
    offered: Iterable[str] = (ImageMember.Status.ACCEPTED,),
) -> QuerySet[Image]:  # fmt: skip
    """Those of them that belong into his lists: his, the public ones, and what he has accepted.

    ``offered`` are other answers to what was shared with him; ``hidden``: the hidden ones instead.
    """
    rows = Image.objects.filter(hidden=hidden)
    rows = rows if deleted is None else rows.filter(deleted=deleted)
    return rows.filter(_own(rows, caller) | Q(is_public=True) | _is_member(caller, *offered))


def _own(rows: QuerySet[Image], caller: Caller) -> Q:
    own = Q(pk__in=visible(rows, caller).values("pk"))
    return own | Q(userid=caller.user) if caller.is_admin else own


def _is_member(caller: Caller, *statuses: str) -> Q:
    rows = ImageMember.objects.filter(image=OuterRef("pk"), member=membership(caller))
    return Q(Exists(rows.filter(status__in=statuses) if statuses else rows)) & Q(
        visibility=Image.Visibility.SHARED
    )


def get(caller: Caller, uuid: str) -> Image:
    found = images_for(caller).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Image {uuid} could not be found.")
    return found


def bootable(caller: Caller, uuid: str) -> Image:
    """An image that servers can be made from. Raises ItemNotFound, BadRequest."""
    found = get(caller, uuid)
    if found.status != Image.Status.AVAILABLE or found.container_format not in ("", "bare"):
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
    as_expected(found, expected or {})
    facts = _facts(store, found)
    return _make_known(caller, store, Arrived(found, facts), properties=dict(properties or {}), **about)


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


def register_pieces(
    caller: Caller, pieces: Iterable[bytes], *, disk_format: str = "raw",
    expected: Mapping[str, object] | None = None, **about: Any,
) -> Image:  # fmt: skip
    """``register`` for content that comes in pieces, of a kind that may be said; ``expected`` as above."""
    check(caller, **about)
    about["properties"] = dict(about.get("properties") or {})
    return _store(caller, pieces, new_uuid(), promised=disk_format, expected=expected, **about)


def register_file(caller: Caller, path: Path, **about: object) -> Image:
    """``register`` for a file of this host."""
    with path.open("rb") as stream:
        return register(caller, stream, **about)  # type: ignore[arg-type]


def announce(
    caller: Caller, *, uuid: str | None, disk_format: str, properties: Mapping[str, str], **about: Any
) -> Image:
    """An image that waits for its content; of a format that may be said later (then it is empty).

    Raises BadRequest, Forbidden, Conflict (the id is taken).
    """
    check(caller, properties=properties, disk_format=disk_format, **about)
    with atomic():
        if uuid is not None and Image.objects.filter(uuid=uuid).exists():
            raise Conflict(f"Image ID {uuid} already exists!")
        owner = {"project": caller.project, "shared_to_project": caller.shares_by_default}
        image = Image.objects.create(
            uuid=uuid or new_uuid(), userid=caller.user, disk_format=disk_format,
            status=Image.Status.QUEUED, properties=dict(properties), **{**owner, **about},
        )  # fmt: skip
        record(caller, "image.announce", "image", image.pk, name=image.name)
    return image


def upload(caller: Caller, uuid: str, pieces: Iterable[bytes], *, staged: bool = False) -> Image:
    """Give an image that waits its content; ``staged``: it is taken for good by an import later.

    If that fails it waits on. What an upload stored that was killed before it could say so is taken instead.
    Raises ItemNotFound, Forbidden, Conflict (it has content, or gets it now), BadRequest, OverLimit.
    """
    forbid_in_transaction("storing an image")
    image, abandoned = _claim(caller, uuid)
    try:
        if abandoned and adopt(caller, image):
            raise Conflict(f"Image {uuid} has its content: that of the upload before.")
        return fill(caller, image, pieces, staged=staged)
    finally:
        waiting = Image.objects.filter(pk=image.pk, status=Image.Status.SAVING)
        waiting.update(status=Image.Status.QUEUED)


def fill(caller: Caller, image: Image, pieces: Iterable[bytes], *, staged: bool = False) -> Image:
    """Store the content of an image that was claimed for it (``SAVING``, ``IMPORTING``).

    Raises BadRequest, OverLimit, Conflict.
    """
    status = Image.Status.UPLOADING if staged else Image.Status.AVAILABLE
    return _store(caller, pieces, image.uuid, awaited=image, status=status)


def adopt(caller: Caller, image: Image) -> bool:
    """Take what was stored for an image by somebody who was stopped before he could say so, if it is there.

    Raises BadRequest (it is of another kind than was said), Conflict, Forbidden (it is somebody else's).
    """
    forbid_in_transaction("looking into an object")
    store = store_for(caller)
    found = store.known(image.uuid)
    if found is None:
        return False
    store.find(caller, found.location)  # whoever knows the id of an object does not own it
    facts = as_promised(image.disk_format, _facts(store, found))
    _make_known(caller, store, Arrived(found, facts), awaited=image, has_own_object=True)
    return True


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
    """Change what is said of an image: any of name, is_public, visibility, description, min_ram_mib,
    wanted_disk_gib, protected, hidden, tags; disk_format and container_format while it waits for its content;
    project for administrators.

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


def set_active(caller: Caller, uuid: str, active: bool) -> Image:
    """Let an image be used again, or not for a while. What it is already is no error.

    Raises ItemNotFound, Forbidden (not the owner, or it has no content).
    """
    states = (Image.Status.AVAILABLE, Image.Status.DEACTIVATED)
    with atomic():
        image = owned(caller, uuid)
        if image.status not in states:
            raise Forbidden("Only images that have their content are activated and deactivated.")
        image.status = states[0] if active else states[1]
        image.save(update_fields=("status", "updated"))
        record(caller, "image.activate" if active else "image.deactivate", "image", image.pk)
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


def tag(caller: Caller, uuid: str, label: str, present: bool) -> bool:
    """Put a tag to an image or take it away; says whether that was to be done.

    Raises ItemNotFound, Forbidden, BadRequest (too many, too long).
    """
    with atomic():
        image = owned(caller, uuid)
        if (label in image.tags) == present:
            return False
        tags = sorted({*image.tags, label} if present else set(image.tags) - {label})
        check(caller, image, tags=tags)
        image.tags = tags
        image.save(update_fields=("tags", "updated"))
        record(caller, "image.tag", "image", image.pk, tag=label, present=present)
    return True


def unregister(caller: Caller, uuid: str) -> None:
    """Make an image unknown; its file stays, and servers made from it keep running."""
    _remove(caller, uuid, with_object=False)


def delete(caller: Caller, uuid: str) -> None:
    """The same, but the file that an upload made for this image alone goes with it."""
    _remove(caller, uuid, with_object=True)


def shared_by(caller: Caller, owner: str) -> QuerySet[Image]:
    """Images of somebody's that are not public and that the caller sees."""
    return listed(caller).filter(userid=owner, is_public=False).order_by("pk")


def membership(caller: Caller) -> str:
    """Whom a list of members must name for the caller to see an image."""
    return caller.project if caller.scope is Scope.PROJECT else caller.user


def owned(caller: Caller, uuid: str) -> Image:
    """The image's row, locked, for its owner (or an administrator). Raises ItemNotFound, Forbidden."""
    found = get(caller, uuid)
    if found.userid != caller.user and not caller.is_admin:
        raise Forbidden("Only its owner changes or removes an image.")
    return Image.objects.select_for_update().get(pk=found.pk)


def describe(caller: Caller, image: Image) -> None:
    """Write to the image's object what its row says, in the transaction; the caller saves the row."""
    if not image.hold:
        return
    seen = store_of(image.hold).set_properties(caller, image.uuid, _plankton(image))
    if seen is not None:
        image.location = seen.location


def release_unused(after: datetime.timedelta = _RELEASE_AFTER) -> int:
    """Let go of the content of images removed so long ago, unless a server is being rescued with it.

    Volumes hold what they are made of themselves. Returns how many these were.
    """
    rescuing = Operation.objects.filter(kind="server.rescue", state__in=Operation.ACTIVE)
    used = {payload.get("image") or 0 for payload in rescuing.values_list("payload", flat=True)}
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


def _claim(caller: Caller, uuid: str) -> tuple[Image, bool]:
    """The image, that it is filled now written down, and whether that was begun before and never ended."""
    with atomic():
        image = owned(caller, uuid)
        if image.userid != caller.user:
            raise Forbidden("Only its owner gives an image its content.")
        abandoned = image.status == Image.Status.SAVING and image.updated < timezone.now() - _ABANDONED_AFTER
        if image.status != Image.Status.QUEUED and not abandoned:
            raise Conflict(f"Image {uuid} has content, or is getting it.")
        if not image.disk_format or not image.container_format:
            raise BadRequest("Properties disk_format, container_format must be set prior to saving data.")
        image.status = Image.Status.SAVING
        image.save(update_fields=("status", "updated"))
    return image, abandoned


def _store(
    caller: Caller, pieces: Iterable[bytes], uuid: str, *, awaited: Image | None = None,
    promised: str = "raw", expected: Mapping[str, object] | None = None, **about: Any,
) -> Image:  # fmt: skip
    """Store a stream as a file and make it known as the image with that id; the file goes if it fails.

    ``awaited`` is the image that waits for this content.
    """
    forbid_in_transaction("storing an image")
    store, counted = store_for(caller), Digested(pieces)
    head, whole = _peek(counted)
    facts = inspect(head, len(head))
    facts = as_promised(promised if awaited is None else awaited.disk_format, facts)
    name = about["name"] if awaited is None else awaited.name
    found = store.put(caller, whole, name=name or uuid, uuid=uuid)
    if facts.disk_format in PLAIN:
        facts = DiskFacts(facts.disk_format, found.size_bytes)
    try:
        as_expected(found, expected or {})
        arrived = Arrived(found, facts, counted.sha256, counted.sha512)
        return _make_known(caller, store, arrived, awaited=awaited, has_own_object=True, **about)
    except BaseException:
        store.remove(caller, uuid)
        raise


def _make_known(
    caller: Caller, store: ObjectStore, arrived: Arrived, *, awaited: Image | None = None, **about: Any
) -> Image:
    """The row of an image with this content: new, renewed, or the one that waits for it."""
    found = arrived.found
    with atomic():
        image = _row_for(caller, found.uuid)
        if awaited is not None and (image.deleted or image.status != awaited.status):
            raise Conflict("The image was removed meanwhile.")
        take(caller, image, store, arrived, **about)
    return image


def take(caller: Caller, image: Image, store: ObjectStore, arrived: Arrived, **about: Any) -> None:
    """Make stored content that of an image, whose row is locked or new; in the transaction."""
    found = arrived.found
    if image.hold:
        store_of(image.hold).release(image.hold)
    image.hold = store.hold(found)
    image.status, image.deleted, image.fault = Image.Status.AVAILABLE, False, ""
    image.disk_format = arrived.facts.disk_format
    image.virtual_size_bytes = arrived.facts.virtual_size_bytes
    image.size_bytes, image.hash, image.checksum = found.size_bytes, found.hash, found.checksum
    image.location, image.version = found.location, found.version
    image.sha256, image.sha512 = arrived.sha256, arrived.sha512
    for name, value in about.items():
        setattr(image, name, value)
    describe(caller, image)
    image.save()
    record(caller, "image.register", "image", image.pk, name=image.name, hash=image.hash)


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


class Digested:
    """A stream of pieces whose digests are taken as it passes; they are hexadecimal and end with it."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._digests = (hashlib.sha256(), hashlib.sha512())

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            for digest in self._digests:
                digest.update(piece)
            yield piece

    @property
    def sha256(self) -> str:
        return self._digests[0].hexdigest()

    @property
    def sha512(self) -> str:
        return self._digests[1].hexdigest()


def _peek(pieces: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The beginning of a stream, and the whole stream."""
    stream, seen = iter(pieces), bytearray()
    while len(seen) < HEAD_BYTES and (piece := next(stream, b"")):
        seen += piece
    return bytes(seen), itertools.chain([bytes(seen)], stream)


def _remove(caller: Caller, uuid: str, *, with_object: bool) -> None:
    with atomic():
        image = owned(caller, uuid)
        if image.protected:
            raise Forbidden(f"Image {uuid} is protected and cannot be deleted.")
        takes_object = with_object and image.has_own_object and bool(image.hold)
        if image.hold and not takes_object:
            store_of(image.hold).set_properties(caller, image.uuid, {})
        engine.supersede("image", image.pk)
        image.members.all().delete()
        image.deleted = True
        image.save(update_fields=("deleted", "updated"))
        record(caller, "image.unregister", "image", image.pk, name=image.name)
    if takes_object:
        store_of(image.hold).remove(caller, image.uuid, only=image.hash)


def _plankton(image: Image) -> dict[str, str]:
    """An image in words that exports and older tools know."""
    about = {
        "name": image.name or image.uuid,
        "status": image.status,
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "created_at": image.created.strftime("%Y-%m-%d %H:%M:%S"),
        "description": image.description,
    }
    properties = {f"property:{key}": str(value) for key, value in image.properties.items()}
    return {f"plankton:{key}": value for key, value in {**about, **properties}.items()}
