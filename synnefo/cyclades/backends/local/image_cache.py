"""Images' content on this host: one file a content, filled once, shared by all disks.

Owns ``<data>/images-cache/``. Files are named by the content's hash and length: a root hash alone can be that
of other content too, of another length. A file is written under a draft's name, synced, and renamed, so
what has its final name is whole; a draft that a crash left is begun anew or swept. Whoever fills, uses or
evicts a content holds its lock. When there is more than the limit allows, what was not used for the
longest time goes, unless a disk stands on it.

The content comes from a reader that is given; it promises to yield what was stored or to raise. A VMDK,
which no disk can stand on, is converted when it comes: what has its name here is a qcow2.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from synnefo.common.faults import Fault
from synnefo.cyclades.backends.base import BackendError, BackendUnavailable, DiskImage
from synnefo.cyclades.backends.local import tools
from synnefo.cyclades.backends.local.fencing import Fences

#: Yields the content of ``DiskImage.source``. Raises OSError if it is damaged, a fault if it is not there.
Reader = Callable[[str], Iterator[bytes]]

_HASH = re.compile(r"[0-9a-f]{16,128}")
_NAME = re.compile(rf"{_HASH.pattern}-[0-9]+")
_DRAFT = re.compile(rf"\.({_NAME.pattern})\.(?:new|vmdk)")
_CONVERTED = "vmdk"
_CONVERT_S = 3600.0
_BLOCK = 512


class ImageCache:
    """``in_use`` says which of its files disks stand on; asked each time, with that content's lock held."""

    def __init__(
        self, directory: Path, read: Reader, *, limit_bytes: int, in_use: Callable[[], set[Path]]
    ) -> None:
        self._directory = directory
        self._read = read
        self._limit_bytes = limit_bytes
        self._in_use = in_use
        self._locks = Fences(directory / "locks")

    def prepare(self, image: DiskImage) -> bool:
        """Have the content here; False while another caller brings it. Raises BackendError."""
        if not image.source and image.format != _CONVERTED:
            return True
        try:
            os.utime(self._path(image))
        except FileNotFoundError:
            return self._bring(image)
        return True

    @contextlib.contextmanager
    def using(self, image: DiskImage, wait_s: float = 0) -> Iterator[Path]:
        """The file with the content, brought if need be, which stays while this is held.

        Raises BackendUnavailable if another caller holds it, or it cannot be had now; BackendError.
        """
        if not image.source and image.format != _CONVERTED:
            if image.path is None:
                raise BackendError("The image has no content")
            yield image.path
            return
        path = self._path(image)
        with self._holding(path.name, wait_s):
            if not path.exists():
                self._make_room(image.size_bytes)
                self._fill(image, path)
            os.utime(path)
            yield path

    def _bring(self, image: DiskImage) -> bool:
        try:
            with self.using(image):
                return True
        except _BusyError:
            return False

    def _path(self, image: DiskImage) -> Path:
        if not _HASH.fullmatch(image.hash):
            raise BackendError(f"{image.hash!r} names no content")
        return self._directory / f"{image.hash}-{image.size_bytes}"

    @contextlib.contextmanager
    def _holding(self, name: str, wait_s: float) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._locks.holding(name, wait_s=wait_s))
            except BackendUnavailable as busy:
                raise _BusyError("The image is being brought to this host") from busy
            yield

    def _fill(self, image: DiskImage, path: Path) -> None:
        draft = path.with_name(f".{path.name}.new")
        try:
            if image.format == _CONVERTED:
                self._convert(image, draft)
            else:
                self._write(image, draft)
            draft.chmod(0o444)
            draft.rename(path)
            _sync(self._directory)
        except Fault as fault:
            raise BackendUnavailable(f"The image's content cannot be had: {fault.message}") from fault
        except OSError as error:
            raise BackendError(f"The image cannot be kept on this host: {error}") from error
        finally:
            draft.unlink(missing_ok=True)

    def _convert(self, image: DiskImage, draft: Path) -> None:
        """What is read is read as a VMDK of one file, as it was found to be when it became an image."""
        original = draft.with_name(f".{self._path(image).name}.vmdk")
        try:
            if image.source:
                self._write(image, original)
            described = json.loads(
                tools.run("qemu-img", "info", "-f", _CONVERTED, "--output=json", str(image.path or original))
            )
            if "backing-filename" in described:
                raise BackendError("The image refers to another file")
            tools.run(
                "setpriv", "--pdeathsig", "KILL", "qemu-img", "convert", "-f", _CONVERTED, "-O", "qcow2",
                str(image.path or original), str(draft), timeout_s=_CONVERT_S,
            )  # fmt: skip
            with draft.open("rb") as made:
                os.fsync(made.fileno())
        finally:
            original.unlink(missing_ok=True)

    def _write(self, image: DiskImage, draft: Path) -> None:
        """Holes stay holes."""
        with draft.open("wb") as file:
            for piece in self._read(image.source):
                if piece.rstrip(b"\0"):
                    file.write(piece)
                else:
                    file.seek(len(piece), os.SEEK_CUR)
            size_bytes = file.tell()
            if size_bytes != image.size_bytes:
                raise OSError(f"it has {size_bytes} bytes, not {image.size_bytes}")
            file.truncate(size_bytes)
            file.flush()
            os.fsync(file.fileno())

    def _make_room(self, size_bytes: int) -> None:
        """Evict what is used least, as far as that is possible, until there is room for so much more."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        entries: list[tuple[float, int, Path]] = []
        for path in self._directory.iterdir():
            with contextlib.suppress(FileNotFoundError):
                facts = path.stat()
                if _NAME.fullmatch(path.name):
                    entries.append((facts.st_mtime, facts.st_blocks * _BLOCK, path))
                elif match := _DRAFT.fullmatch(path.name):
                    self._evict(match[1], path, frozenset())
        self._locks.prune({path.name for _, _, path in entries})
        excess = sum(size for _, size, _ in entries) + size_bytes - self._limit_bytes
        for _, size, path in sorted(entries):
            if excess <= 0:
                return
            if self._evict(path.name, path, None):
                excess -= size

    def _evict(self, name: str, path: Path, in_use: frozenset[Path] | None) -> bool:
        """Remove a file of the content ``name`` unless somebody is at it or stands on it."""
        try:
            with self._locks.holding(name, wait_s=0):
                if path.resolve() in (self._in_use() if in_use is None else in_use):
                    return False
                path.unlink(missing_ok=True)
                return True
        except BackendUnavailable:
            return False


def used_lately(directory: Path, within_s: float = 24 * 3600) -> set[Path]:
    """What was asked for not long ago, for engines that do not tell when they are done with it."""
    since = time.time() - within_s
    return {path for path in directory.iterdir() if path.stat().st_mtime > since}


class _BusyError(BackendUnavailable):
    """Another caller holds this content."""


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
