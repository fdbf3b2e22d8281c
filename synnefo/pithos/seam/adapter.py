"""``common.objects`` on this process's Pithos. Objects are plain objects: charged, listed, versioned."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path as FilePath
from urllib.parse import quote, unquote

from django.conf import settings

from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound, RequestTooLarge
from synnefo.common.ids import new_uuid, parse_uuid
from synnefo.common.objects import IMAGES, DescribedObject, HeldContent, StoredObject
from synnefo.common.transactions import atomic, forbid_in_transaction
from synnefo.pithos.blocks.base import Blocks, blocks
from synnefo.pithos.blocks.content import Content, keep, read
from synnefo.pithos.blocks.hashing import DIGEST_BYTES, block_hash
from synnefo.pithos.namespace import access, containers, names, objects
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.changes import Change, Draft, commit, current
from synnefo.pithos.namespace.models import Container, HashMap, Version
from synnefo.pithos.namespace.objects import Path
from synnefo.pithos.seam.described import described
from synnefo.pithos.seam.models import Hold

#: The domain of attributes that describe images, as exports and older tools know it.
PLANKTON = "plankton"
_PREFIX = "pithos://"
_HOLD = "pithos:"
_OCTETS = "application/octet-stream"


class PithosObjects:
    """Locations are ``pithos://<account>/<container>/<object>``, parts percent-quoted."""

    scheme = "pithos"

    def put(
        self,
        caller: Caller,
        pieces: Iterable[bytes],
        *,
        name: str,
        uuid: str | None = None,
        folder: str = IMAGES,
    ) -> StoredObject:
        forbid_in_transaction("storing an object")
        account = caller.project if caller.scope is Scope.PROJECT else caller.user
        fresh = uuid or new_uuid()
        names.check_object(name)
        if Version.objects.filter(uuid=fresh).exists():
            raise Conflict(f"There is an object {fresh} already.")
        containers.put(caller, account, folder, attributes={}, policy={})
        container = containers.get(caller, account, folder)
        content = keep(blocks(), _limited(pieces), settings.PITHOS_BACKEND_BLOCK_SIZE)

        def plan() -> list[Change]:
            free = name if current(container, name) is None else f"{name}-{fresh}"
            return [Change(container, free, None, Draft(content, _OCTETS, {}, fresh))]

        (made,) = commit(caller, plan, path=f"{account}/{folder}/{name}")
        if made is None:
            raise ItemNotFound("Object does not exist")
        return _stored(made)

    def find(self, caller: Caller, location: str) -> StoredObject:
        path = _path(location)
        access.check(caller, path, right=Right.OWN)
        return _stored(objects.get(caller, path))

    def known(self, uuid: str) -> StoredObject | None:
        version = _by_uuid(uuid)
        return None if version is None else _stored(version)

    def described(self) -> Iterator[DescribedObject]:
        return described(PLANKTON, _stored)

    def head(self, found: StoredObject, length: int) -> bytes:
        forbid_in_transaction("reading an object")
        content = _version(found).content
        return b"".join(_read(content, 0, length))

    def hold(self, found: StoredObject) -> str:
        version = _version(found)
        made = Hold.objects.create(
            hash=version.hash,
            map=version.map,
            size_bytes=version.size_bytes,
            data=version.data,
            checksum=version.checksum,
        )
        return f"{_HOLD}{made.uuid}"

    def hold_again(self, hold: str) -> str:
        old = _held(hold)
        made = Hold.objects.create(
            hash=old.hash, map=old.map, size_bytes=old.size_bytes, data=old.data, checksum=old.checksum
        )
        return f"{_HOLD}{made.uuid}"

    def held(self, hold: str) -> HeldContent:
        found = _held(hold)
        return HeldContent(found.hash, found.size_bytes, found.checksum)

    def keep(self, pieces: Iterable[bytes]) -> str:
        forbid_in_transaction("storing content")
        content = keep(blocks(), _limited(pieces), settings.PITHOS_BACKEND_BLOCK_SIZE)
        with atomic():
            made = Hold.objects.create(
                hash=content.hash,
                map=_map_of(content),
                size_bytes=content.size_bytes,
                data=content.data,
                checksum=content.md5,
            )
        return f"{_HOLD}{made.uuid}"

    def release(self, hold: str) -> None:
        Hold.objects.filter(uuid=hold.removeprefix(_HOLD)).delete()

    def read(self, hold: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        forbid_in_transaction("reading an object")
        held = _held(hold)
        stop = held.size_bytes if length is None else start + length
        return _read(held.content, start, stop)

    def local_path(self, hold: str) -> FilePath | None:
        """Content lies in blocks."""
        return None

    def set_properties(self, caller: Caller, uuid: str, properties: Mapping[str, str]) -> StoredObject | None:
        def plan() -> list[Change]:
            old = _by_uuid(uuid)
            if old is None:
                return []
            kept = {**old.attributes, PLANKTON: names.merged({}, properties)}
            draft = Draft(old.content, old.content_type, kept, old.uuid)
            return [Change(old.object.container, old.object.name, old, draft)]

        made = commit(caller, plan, path=uuid)
        return _stored(made[0]) if made and made[0] is not None else None

    def remove(self, caller: Caller, uuid: str, *, only: str | None = None) -> None:
        def plan() -> list[Change]:
            old = _by_uuid(uuid)
            if old is None or (only is not None and old.hash != only):
                return []
            return [Change(old.object.container, old.object.name, old, None)]

        commit(caller, plan, path=uuid)


def location_of(path: Path) -> str:
    """Where an object is, as images are told."""
    return _PREFIX + "/".join([quote(path.account, ""), quote(path.container, ""), quote(path.name)])


class _Checked:
    """Blocks that are what their names say."""

    def __init__(self, store: Blocks) -> None:
        self._store = store

    def get(self, digest: bytes) -> bytes:
        data = self._store.get(digest)
        if block_hash(data) != digest:
            raise OSError(errno.EIO, f"the block {digest.hex()} is damaged")
        return data


def _read(content: Content, start: int, stop: int) -> Iterator[bytes]:
    store: Blocks = _Checked(blocks())  # type: ignore[assignment]
    return read(store, content, settings.PITHOS_BACKEND_BLOCK_SIZE, start, stop)


def _limited(pieces: Iterable[bytes]) -> Iterator[bytes]:
    most: int = settings.SYNNEFO_OBJECT_MAX_BYTES
    size_bytes = 0
    for piece in pieces:
        size_bytes += len(piece)
        if size_bytes > most:
            raise RequestTooLarge(f"An image has at most {most} bytes.")
        yield piece


def _path(location: str) -> Path:
    account, _, rest = location.removeprefix(_PREFIX).partition("/")
    container, _, name = rest.partition("/")
    if not (location.startswith(_PREFIX) and account and container and name):
        raise BadRequest("A location is pithos://<account>/<container>/<object>.")
    try:
        parts = [unquote(part, errors="strict") for part in (account, container, name)]
    except UnicodeDecodeError:
        raise BadRequest("A location's parts are percent-quoted UTF-8.") from None
    names.check_characters("".join(parts))
    return Path(*parts)


def _version(found: StoredObject) -> Version:
    rows = Version.objects.exclude(state=Version.State.TOMBSTONE).select_related("map")
    version = rows.filter(pk=found.version, uuid=found.uuid).first()
    if version is None:
        raise ItemNotFound("This version of the object is gone.")
    return version


def _map_of(content: Content) -> HashMap | None:
    """The map of content of more than one block."""
    if len(content.packed) <= DIGEST_BYTES:
        return None
    digest = HashMap.digest_of(content.packed)
    return HashMap.objects.get_or_create(digest=digest, defaults={"packed": content.packed})[0]


def _held(hold: str) -> Hold:
    found = Hold.objects.select_related("map").filter(uuid=hold.removeprefix(_HOLD)).first()
    if found is None or not hold.startswith(_HOLD):
        raise ItemNotFound("This content is not kept.")
    return found


def _by_uuid(uuid: str) -> Version | None:
    if parse_uuid(uuid) is None:
        return None
    rows = Version.objects.filter(uuid=uuid, state=Version.State.CURRENT)
    return rows.select_related("map", "object__container__account").first()


def _stored(version: Version) -> StoredObject:
    path = version.object
    container = Container.objects.select_related("account").get(pk=path.container_id)
    location = location_of(Path(container.account.name, container.name, path.name))
    return StoredObject(
        version.uuid, location, version.pk, version.hash, version.size_bytes, version.checksum
    )
