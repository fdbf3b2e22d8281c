"""An object store in a directory of this machine: files named by the SHA-256 of their content.

A file is written under a temporary name, synced, checked, and linked into place, so what has its final
name is whole. Two puts of the same content end in one file.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from synnefo.common.faults import ItemNotFound, RequestTooLarge
from synnefo.common.objects import StoredObject

SCHEME = "directory://"
_CHUNK = 1024 * 1024


class DirectoryStore:
    def __init__(self, directory: Path | None = None, max_bytes: int | None = None) -> None:
        self.directory = directory or Path(settings.SYNNEFO_DATA) / "objects"
        self.max_bytes: int = max_bytes or settings.SYNNEFO_OBJECT_MAX_BYTES

    def put(self, stream: BinaryIO, *, check: Callable[[Path], None] | None = None) -> StoredObject:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o755)
        handle, name = tempfile.mkstemp(dir=self.directory, prefix=".new-")
        new = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                size_bytes, digest = self._copy(stream, file)
                file.flush()
                os.fsync(file.fileno())
            if check is not None:
                check(new)
            new.chmod(0o444)
            new.rename(self.directory / digest)
            self._sync_directory()
        finally:
            new.unlink(missing_ok=True)
        return StoredObject(SCHEME + digest, size_bytes, digest)

    def local_path(self, location: str) -> Path:
        digest = location.removeprefix(SCHEME)
        path = self.directory / digest
        if not location.startswith(SCHEME) or not digest.isalnum() or not path.is_file():
            raise ItemNotFound(f"There is no content at {location}.")
        return path

    def delete(self, location: str) -> None:
        try:
            self.local_path(location).unlink()
        except ItemNotFound:
            return

    def _copy(self, stream: BinaryIO, file: BinaryIO) -> tuple[int, str]:
        size_bytes, digest = 0, hashlib.sha256()
        while chunk := stream.read(_CHUNK):
            size_bytes += len(chunk)
            if size_bytes > self.max_bytes:
                raise RequestTooLarge(f"An object has at most {self.max_bytes} bytes.")
            digest.update(chunk)
            file.write(chunk)
        return size_bytes, digest.hexdigest()

    def _sync_directory(self) -> None:
        handle = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
