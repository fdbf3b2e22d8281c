"""An object store in a directory of this machine: files named by the SHA-256 of their content.

A file is written under a temporary name, synced, and renamed, so what has its final name is whole. Two
puts of the same content end in one file. An object is a small record beside it: whose it is, and which
content it has. Content stays for ever, disks of this host may stand on it.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, unquote

from django.conf import settings

from synnefo.common.caller import Caller
from synnefo.common.faults import (
    BadRequest,
    Conflict,
    Forbidden,
    InsufficientStorage,
    ItemNotFound,
    RequestTooLarge,
)
from synnefo.common.ids import new_uuid, parse_uuid
from synnefo.common.objects import IMAGES, DescribedObject, HeldContent, StoredObject

_CHUNK = 1024 * 1024
_FULL = (errno.ENOSPC, errno.EDQUOT)


class DirectoryStore:
    """Locations are ``directory://<account>/<uuid>``, holds ``directory://<sha256>``."""

    scheme = "directory"

    def __init__(self, directory: Path | None = None, max_bytes: int | None = None) -> None:
        self.directory = directory or Path(settings.SYNNEFO_DATA) / "objects"
        self.max_bytes: int = max_bytes or settings.SYNNEFO_OBJECT_MAX_BYTES

    def put(
        self,
        caller: Caller,
        pieces: Iterable[bytes],
        *,
        name: str,
        uuid: str | None = None,
        folder: str = IMAGES,
    ) -> StoredObject:
        """All are in one place, whatever the ``folder``."""
        fresh = uuid or new_uuid()
        if self._record(fresh).exists():
            raise Conflict(f"There is an object {fresh} already.")
        try:
            size_bytes, digest, md5 = self._keep(pieces)
            made = StoredObject(fresh, "", 1, digest, size_bytes, md5)
            made = dataclasses.replace(made, location=f"directory://{quote(caller.user, '')}/{made.uuid}")
            self._write(self._record(made.uuid), json.dumps({"name": name, **dataclasses.asdict(made)}))
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise InsufficientStorage("There is no space left for objects.") from error
        return made

    def find(self, caller: Caller, location: str) -> StoredObject:
        account, slash, uuid = location.removeprefix("directory://").partition("/")
        if not slash or not location.startswith("directory://") or parse_uuid(uuid) != uuid:
            raise BadRequest("A location is directory://<account>/<uuid>.")
        if unquote(account) != caller.user:
            raise Forbidden("This object is not yours.")
        found = self.known(uuid)
        if found is None or found.location != location:
            raise ItemNotFound("Object does not exist")
        return found

    def known(self, uuid: str) -> StoredObject | None:
        if parse_uuid(uuid) != uuid:
            return None
        try:
            facts = json.loads(self._record(uuid).read_text())
        except FileNotFoundError:
            return None
        del facts["name"]
        return StoredObject(**facts)

    def described(self) -> Iterator[DescribedObject]:
        return iter(())

    def head(self, found: StoredObject, length: int) -> bytes:
        return b"".join(self.read(self.hold(found), 0, length))

    def hold(self, found: StoredObject) -> str:
        hold = f"directory://{found.hash}"
        self.local_path(hold)
        return hold

    def hold_again(self, hold: str) -> str:
        """Content stays, so one hold does for all."""
        self.local_path(hold)
        return hold

    def held(self, hold: str) -> HeldContent:
        path = self.local_path(hold)
        return HeldContent(path.name, path.stat().st_size)

    def keep(self, pieces: Iterable[bytes]) -> str:
        _, digest, _ = self._keep(pieces)
        return f"directory://{digest}"

    def release(self, hold: str) -> None:
        """The content stays."""

    def read(self, hold: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        path = self.local_path(hold)
        whole = start == 0 and length is None
        digest = hashlib.sha256()
        with path.open("rb") as file:
            file.seek(start)
            left = path.stat().st_size - start if length is None else length
            while left > 0 and (piece := file.read(min(_CHUNK, left))):
                left -= len(piece)
                digest.update(piece)
                if whole and left <= 0 and digest.hexdigest() != path.name:
                    raise OSError(errno.EIO, "the content is damaged", str(path))
                yield piece

    def local_path(self, hold: str) -> Path:
        digest = hold.removeprefix("directory://")
        path = self.directory / digest
        if not hold.startswith("directory://") or not digest.isalnum() or not path.is_file():
            raise ItemNotFound(f"There is no content at {hold[:100]}.")
        return path

    def set_properties(self, caller: Caller, uuid: str, properties: Mapping[str, str]) -> None:
        """None are kept."""

    def remove(self, caller: Caller, uuid: str, *, only: str | None = None) -> None:
        """Objects here never change, so its content is what it was."""
        self._record(uuid).unlink(missing_ok=True)

    def _record(self, uuid: str) -> Path:
        return self.directory / "names" / f"{uuid}.json"

    def _keep(self, pieces: Iterable[bytes]) -> tuple[int, str, str]:
        """Store the content; returns its length, SHA-256 and MD5."""
        size_bytes, digest, md5 = 0, hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        new = self._draft(self.directory)
        try:
            with new.open("wb") as file:
                for piece in pieces:
                    size_bytes += len(piece)
                    if size_bytes > self.max_bytes:
                        raise RequestTooLarge(f"An object has at most {self.max_bytes} bytes.")
                    digest.update(piece)
                    md5.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            new.chmod(0o444)
            new.rename(self.directory / digest.hexdigest())
            _sync(self.directory)
        finally:
            new.unlink(missing_ok=True)
        return size_bytes, digest.hexdigest(), md5.hexdigest()

    def _write(self, path: Path, text: str) -> None:
        new = self._draft(path.parent)
        try:
            with new.open("w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            new.rename(path)
            _sync(path.parent)
        finally:
            new.unlink(missing_ok=True)

    def _draft(self, directory: Path) -> Path:
        directory.mkdir(parents=True, exist_ok=True, mode=0o755)
        handle, name = tempfile.mkstemp(dir=directory, prefix=".new-")
        os.close(handle)
        return Path(name)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
