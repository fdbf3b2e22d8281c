"""All tables of Pithos, for Django; most are written in ``namespace``."""

from synnefo.pithos.faces.webdav.models import DavLock
from synnefo.pithos.legacy.models import LegacyImport
from synnefo.pithos.namespace.models import (
    Account,
    Container,
    Group,
    GroupMember,
    HashMap,
    KnownBlock,
    Object,
    PublicLink,
    Share,
    Version,
)
from synnefo.pithos.seam.models import Hold
from synnefo.pithos.upkeep.models import ScrubbedPart
from synnefo.pithos.uploads.models import Part, Upload

__all__ = [
    "Account",
    "Container",
    "DavLock",
    "Group",
    "GroupMember",
    "HashMap",
    "Hold",
    "KnownBlock",
    "LegacyImport",
    "Object",
    "Part",
    "PublicLink",
    "ScrubbedPart",
    "Share",
    "Upload",
    "Version",
]
