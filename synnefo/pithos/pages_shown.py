"""Files, folders and versions as pages show them: words, icons, addresses. No decisions."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib

from synnefo.common.units import show_amount
from synnefo.pithos.namespace import trees
from synnefo.pithos.namespace.browsing import Row
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.pages_places import address, folder_of

_KINDS = {
    "application/pdf": "PDF",
    "application/zip": "ZIP archive",
    "application/gzip": "Archive",
    "application/x-tar": "Archive",
    "application/octet-stream": "Binary",
    "application/json": "JSON",
    "text/plain": "Text",
    "text/html": "Web page",
    "text/csv": "Table (CSV)",
    "application/msword": "Document",
    "application/rtf": "Document",
    "application/vnd.ms-excel": "Spreadsheet",
    "application/vnd.ms-powerpoint": "Presentation",
    "application/x-xz": "Archive",
    "application/x-qemu-disk": "Disk image",
    "": "Binary",
}
_OFFICE = {"text": "Document", "document": "Document", "sheet": "Spreadsheet", "presentation": "Presentation"}
_FAMILIES = {"image": "Image", "video": "Video", "audio": "Audio", "text": "Text"}


@dataclasses.dataclass(frozen=True)
class Shown:
    """A file or a folder as a row of a list, whose folder is left out of its name."""

    row: Row
    container: str
    below: str

    @property
    def id(self) -> str:
        return "row-" + hashlib.sha256(self.row.name.encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """Without the slash of folders."""
        return self.row.name[len(self.below) :].removesuffix("/") or "/"

    @property
    def address(self) -> str:
        if self.row.is_folder:
            return address("folder", self.container, under=self.row.name)
        return address("object", self.container, name=self.row.name)

    @property
    def download(self) -> str:
        return address("get", self.container, name=self.row.name)

    @property
    def share(self) -> str:
        return address("share", self.container, name=self.row.name)

    @property
    def size(self) -> str:
        return "" if self.row.size_bytes is None else show_amount(self.row.size_bytes, "bytes")

    @property
    def kind(self) -> str:
        if self.row.is_folder:
            return "Folder"
        return kind_of(self.row.version.content_type if self.row.version else "")

    @property
    def icon(self) -> str:
        return "folder" if self.row.is_folder else "file"


@dataclasses.dataclass(frozen=True)
class Discarded(Shown):
    """Something in the trash."""

    @property
    def origin(self) -> tuple[str, str] | None:
        """Container and folder that it was in."""
        found = trees.origin_of(self.row.version) if self.row.version else None
        return (found[0], folder_of(found[1])) if found else None

    @property
    def when(self) -> datetime.datetime | None:
        return self.row.modified


@dataclasses.dataclass(frozen=True)
class VersionShown:
    """One version of a file; ``by`` is who made it, by name."""

    version: Version
    by: str
    current: bool
    download: str

    @property
    def size(self) -> str:
        return show_amount(self.version.size_bytes, "bytes")


def kind_of(content_type: str) -> str:
    """A type of content in a word."""
    plain = content_type.partition(";")[0].strip().lower()
    return _KINDS.get(plain) or _FAMILIES.get(plain.partition("/")[0]) or _office(plain) or plain


def _office(plain: str) -> str:
    """OpenDocument and Office Open XML name what they are at the end of long types."""
    if "opendocument" not in plain and "openxmlformats" not in plain:
        return ""
    return next((word for part, word in _OFFICE.items() if part in plain.rpartition(".")[2]), "")
