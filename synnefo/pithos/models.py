"""All tables of Pithos, for Django; they are written in ``namespace``."""

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
from synnefo.pithos.uploads.models import Part, Upload

__all__ = [
    "Account",
    "Container",
    "Group",
    "GroupMember",
    "HashMap",
    "Hold",
    "KnownBlock",
    "Object",
    "Part",
    "PublicLink",
    "Share",
    "Upload",
    "Version",
]
