"""The objects seam: content of images and snapshots, as Cyclades sees the object store.

An adapter (``SYNNEFO_OBJECTS``) is told by whom and by plain values, never by rows of a table, so that
another process may stand behind it. Pithos in this process is one; a directory of this machine, for a
cloud without Pithos and for what belongs to the cloud itself, is the other.

Addresses (locations and holds) begin with the scheme of the store that knows them; ``store_of`` finds it,
so what was stored before the setting changed stays readable.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from synnefo.common.caller import Caller
from synnefo.common.faults import ItemNotFound

PITHOS_ADAPTER = "synnefo.pithos.seam.adapter.PithosObjects"
DIRECTORY_ADAPTER = "synnefo.common.objects_directory.DirectoryStore"
#: Where objects are put, as their owners see them.
IMAGES, SNAPSHOTS = "images", "snapshots"


@dataclasses.dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it was at one moment.

    ``uuid`` stays when it is overwritten or moved; ``version`` is this content under it. ``hash`` names the
    content in that store (the root hash in Pithos), ``checksum`` is its MD5, empty where it is not known.
    """

    uuid: str
    location: str
    version: int
    hash: str
    size_bytes: int
    checksum: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class HeldContent:
    """What a hold keeps. ``hash`` and ``checksum`` are as in ``StoredObject``."""

    hash: str
    size_bytes: int
    checksum: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class DescribedObject:
    """An object that says of itself that it is an image, as 0.21 kept them.

    ``said`` has no prefixes (``name``, ``disk_format``, ``property:os`` ...). ``readers``: the uuids of whom
    it is shared to, groups resolved, and ``*`` for whoever is signed in. ``available``: 1, 0 while a snapshot
    is being made, -1 if that failed; not ``is_readable`` is also one whose content was never here.
    """

    found: StoredObject
    owner: str
    said: Mapping[str, str]
    readers: frozenset[str]
    is_snapshot: bool
    available: int
    is_readable: bool
    modified: datetime.datetime


class ObjectStore(Protocol):
    """Errors are faults, and OSError where the medium fails or content is not what it was.

    ``known``, ``hold``, ``hold_again``, ``held``, ``release``, ``set_properties`` and ``remove`` are the
    caller's own database where they can be, so they join his transaction; the rest reads and writes content
    and must not be in one.
    """

    #: What its addresses begin with.
    scheme: str

    def put(
        self,
        caller: Caller,
        pieces: Iterable[bytes],
        *,
        name: str,
        uuid: str | None = None,
        folder: str = IMAGES,
    ) -> StoredObject:
        """A new object of the caller's, whole or not at all, charged as any other; memory is bounded.

        It goes into a container of the name ``folder``, which is made. A name that is taken is made longer.
        Raises OverLimit, RequestTooLarge, InsufficientStorage, and Conflict if another object has or had
        that uuid.
        """

    def find(self, caller: Caller, location: str) -> StoredObject:
        """What is there now and the caller may change. Raises BadRequest, Forbidden, ItemNotFound."""

    def known(self, uuid: str) -> StoredObject | None:
        """The object with that uuid as it is now, whoever has it; None if there is none."""

    def described(self) -> Iterator[DescribedObject]:
        """All objects that say they are images, whoever has them; none where objects say nothing."""

    def head(self, found: StoredObject, length: int) -> bytes:
        """Its first bytes. Raises ItemNotFound if that version is gone."""

    def hold(self, found: StoredObject) -> str:
        """Keep this version's content readable whatever becomes of the object; returns the hold.

        Raises ItemNotFound if that version is gone.
        """

    def hold_again(self, hold: str) -> str:
        """One more hold on what a hold keeps, to be released by itself. Raises ItemNotFound."""

    def held(self, hold: str) -> HeldContent:
        """What a hold keeps. Raises ItemNotFound."""

    def keep(self, pieces: Iterable[bytes]) -> str:
        """Store content that is no object and nobody's; the hold that is returned alone keeps it."""

    def release(self, hold: str) -> None:
        """Let go of it; absent is success."""

    def read(self, hold: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The content, or a part of it; no piece is given that is not what was stored.

        Raises ItemNotFound.
        """

    def local_path(self, hold: str) -> Path | None:
        """A file on this host with exactly that content, which must not be written to, if there is one."""

    def set_properties(self, caller: Caller, uuid: str, properties: Mapping[str, str]) -> StoredObject | None:
        """Write what an image says of itself to its object, in place of what was; nothing takes it away.

        Returns the object, which may have been moved, or None if there is none any more, or if the store
        keeps no properties. Who may do it is the caller's business. Raises BadRequest (too many).
        """

    def remove(self, caller: Caller, uuid: str, *, only: str | None = None) -> None:
        """Delete the object (``only`` if its content has that hash still); absent is success.

        Who may do it is the caller's business.
        """


@functools.cache
def _adapter(name: str) -> ObjectStore:
    made: Any = import_string(name)
    return made()  # type: ignore[no-any-return]


def objects() -> ObjectStore:
    """Where people's files are: the adapter that is set, or the one that fits the enabled services."""
    fitting = PITHOS_ADAPTER if "pithos" in settings.SYNNEFO_SERVICES else DIRECTORY_ADAPTER
    return _adapter(settings.SYNNEFO_OBJECTS or fitting)


def store_for(caller: Caller) -> ObjectStore:
    """Where the caller's new files go. The cloud itself has no account, its files are in the directory."""
    return objects() if caller.user else _adapter(DIRECTORY_ADAPTER)


def store_of(address: str) -> ObjectStore:
    """The store that knows a location or a hold. Raises ItemNotFound."""
    scheme = address.partition(":")[0]
    for store in (objects(), _adapter(DIRECTORY_ADAPTER)):
        if store.scheme == scheme:
            return store
    raise ItemNotFound(f"This cloud has no store for {address[:100]!r}.")


def read(hold: str) -> Iterator[bytes]:
    """Held content, whichever store has it."""
    return store_of(hold).read(hold)
