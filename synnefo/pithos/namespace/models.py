"""Tables of accounts, containers, objects and versions.

Every change of an object is a new version; ids of versions only grow, and nothing of a version changes
but its state (and its checksum, once it is known). An object's row stays when it is deleted, so that its
history can be read. Foreign keys have no index of their own where another one begins with them.
"""

from __future__ import annotations

import datetime
import hashlib
from typing import Any, ClassVar

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.utils import timezone

from synnefo.common.ids import new_uuid
from synnefo.pithos.blocks.content import Content
from synnefo.pithos.blocks.hashing import HOLE

#: The domain of attributes that clients of the object API set.
PITHOS = "pithos"
#: What the Swift face keeps about one content: parts it is made of, where a link leads to.
SWIFT = "swift"
#: What S3 knows of one content, and the tags that people give a version.
S3 = "s3"
TAGS = "tags"
#: What is not another content's.
OF_CONTENT = (SWIFT, S3, TAGS)

Attributes = dict[str, dict[str, str]]
_HEX_DIGITS = 64


class NameField(models.CharField):
    """Names are compared and ordered byte by byte, whatever the database's language is."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        parameters: dict[str, Any] = dict(super().db_parameters(connection))
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


class Account(models.Model):
    """``name`` is the uuid of the user or project whose it is. It comes into being when first looked at.

    The account of a user's own system project is the user's (they have one uuid). ``options`` is what single
    faces keep about it: who else may work in it (``people``).
    """

    name = NameField(max_length=256, unique=True)
    of_project = models.BooleanField(default=False)
    created = models.DateTimeField(default=timezone.now)
    modified = models.DateTimeField(default=timezone.now)
    attributes = models.JSONField(default=dict)
    options = models.JSONField(default=dict)

    @property
    def payer(self) -> str:
        """Whose share of a project's pool pays; what belongs to a whole project is no member's share."""
        return "" if self.of_project else str(self.name)


class Container(models.Model):
    """``object_count`` and ``size_bytes`` count what is there now; they change with the versions.

    ``options`` is what single faces keep about it, by face: access lists (``acl``), CORS rules, tags.
    """

    class Versioning(models.TextChoices):
        AUTO = "auto"
        NONE = "none"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="containers", db_index=False)
    name = NameField(max_length=256)
    created = models.DateTimeField(default=timezone.now)
    modified = models.DateTimeField(default=timezone.now)
    attributes = models.JSONField(default=dict)
    project = models.CharField(max_length=36)
    versioning = models.CharField(max_length=8, choices=Versioning, default=Versioning.AUTO)
    quota_bytes = models.PositiveBigIntegerField(default=0)
    options = models.JSONField(default=dict)
    object_count = models.PositiveBigIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "name"), name="container_name"),)


class HashMap(models.Model):
    """The digests of the blocks of content that has more than one; versions with equal ones share it."""

    digest = models.CharField(max_length=64, unique=True)
    packed = models.BinaryField()

    @staticmethod
    def packed_of(found: HashMap | None, digest: str, size_bytes: int) -> bytes:
        """The digests of content that has this map, or needs none: its hash in hex is its one block's."""
        if found is not None:
            return bytes(found.packed)
        return bytes.fromhex(digest) if size_bytes else b""

    @staticmethod
    def digest_of(packed: bytes) -> str:
        return hashlib.sha256(packed).hexdigest()


class Object(models.Model):
    """A path. What is there is its one version in the state ``CURRENT``; there may be none."""

    container = models.ForeignKey(
        Container, on_delete=models.CASCADE, related_name="contents", db_index=False
    )
    name = NameField(max_length=1024)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("container", "name"), name="object_name"),)
        # Where the paths of a container lie. Without statistics the database would look for names by it, too,
        # path by path, if it were of the column itself.
        indexes = (models.Index(models.F("container") + 0, "id", name="object_place"),)


class Version(models.Model):
    """What was under a path from ``modified`` on. A tombstone says that it was deleted then.

    ``hash`` is the root hash in hex. Content of one block has its digest there and needs no map; very small
    content stands in ``data`` and in no block store. What is not ``available`` cannot be read: 0 for a
    snapshot that is being made, -1 for one that failed. ``expires`` is when the object is to be deleted.
    """

    class State(models.IntegerChoices):
        CURRENT = 0
        HISTORY = 1
        TOMBSTONE = 2

    object = models.ForeignKey(Object, on_delete=models.CASCADE, related_name="versions", db_index=False)
    state = models.PositiveSmallIntegerField(choices=State, default=State.CURRENT)
    uuid = models.CharField(max_length=36, default=new_uuid)
    hash = models.CharField(max_length=64, blank=True)
    map = models.ForeignKey(HashMap, on_delete=models.PROTECT, null=True, related_name="+")
    size_bytes = models.PositiveBigIntegerField(default=0)
    data = models.BinaryField(null=True)
    checksum = models.CharField(max_length=32, blank=True)
    content_type = models.CharField(max_length=256, blank=True)
    available = models.SmallIntegerField(default=1)
    is_snapshot = models.BooleanField(default=False)
    expires = models.DateTimeField(null=True)
    modified = models.DateTimeField(default=timezone.now)
    modified_by = models.CharField(max_length=256)
    attributes = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("object",), condition=Q(state=0), name="version_one_current")
        ]
        indexes = (
            models.Index(fields=("object", "id"), name="version_history"),
            models.Index(fields=("uuid",), name="version_uuid"),
            models.Index(
                fields=("id",),
                condition=Q(checksum="", state=0, size_bytes__gt=0),
                name="version_no_checksum",
            ),
            models.Index(
                fields=("expires",), condition=Q(expires__isnull=False, state=0), name="version_expires"
            ),
        )

    @property
    def content(self) -> Content:
        data = None if self.data is None else bytes(self.data)
        return Content(self._packed, self.size_bytes, self.checksum, data)

    @property
    def is_written(self) -> bool:
        """Not so is a snapshot that came from elsewhere without its data: its hash is the name of a map."""
        return not self.is_snapshot or self.map_id is not None or len(self.hash) == _HEX_DIGITS

    @property
    def _packed(self) -> bytes:
        """Of what is not written, a digest that no block has."""
        digest = self.hash if self.is_written else hashlib.sha256(self.hash.encode()).hexdigest()
        return HashMap.packed_of(self.map, digest, self.size_bytes)

    @property
    def own_attributes(self) -> dict[str, str]:
        """What clients of the object API have set."""
        own: dict[str, str] = self.attributes.get(PITHOS, {})
        return own

    @property
    def is_over(self) -> bool:
        """Whether its time is over: it is as if it were not there, and will soon be deleted."""
        return self.expires is not None and self.expires <= timezone.now()


class Group(models.Model):
    """Users to whom an account shares under one name, ``<account>:<name>``."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="groups", db_index=False)
    name = NameField(max_length=256)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "name"), name="group_name"),)


class GroupMember(models.Model):
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="members", db_index=False)
    user = models.CharField(max_length=256)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("group", "user"), name="group_member"),)
        indexes = (models.Index(fields=("user",), name="group_member_user"),)


class Share(models.Model):
    """Who may read (or write) what is under a path, and what is below it if it is a folder.

    ``who`` is the uuid of a user or a project, ``<account>:<group>``, or ``*`` for whoever is signed in.
    ``EVERYBODY`` reads without signing in, and that path alone, whatever else is shared.
    """

    EVERYBODY = ".r:*"

    object = models.ForeignKey(Object, on_delete=models.CASCADE, related_name="shares", db_index=False)
    who = NameField(max_length=514)
    write = models.BooleanField(default=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("object", "who"), name="share_who"),)
        indexes = (models.Index(fields=("who",), name="share_of"),)


class PublicLink(models.Model):
    """A path that whoever knows ``url`` may read, until it ``expires``, if he knows the password (a hash)."""

    object = models.OneToOneField(Object, on_delete=models.CASCADE, related_name="link")
    url = NameField(max_length=64, unique=True)
    created = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField(null=True)
    password = models.CharField(max_length=128, blank=True)


class KnownBlock(models.Model):
    """A block that an account has (or once had): its people may name it in a hash map without sending it."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    digest = models.BinaryField(max_length=32)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "digest"), name="known_block"),)
        indexes = (models.Index(fields=("digest",), name="known_block_digest"),)


EMPTY_HASH = HOLE.hex()


def timestamp(moment: datetime.datetime) -> str:
    """Seconds since the epoch with all digits."""
    return f"{int(moment.timestamp())}.{moment.microsecond:06d}"
