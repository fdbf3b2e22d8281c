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

Attributes = dict[str, dict[str, str]]


class NameField(models.CharField):
    """Names are compared and ordered byte by byte, whatever the database's language is."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        parameters: dict[str, Any] = dict(super().db_parameters(connection))
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


class Account(models.Model):
    """``name`` is the uuid of the user or project whose it is. It comes into being when first looked at.

    The account of a user's own system project is the user's (they have one uuid).
    """

    name = NameField(max_length=256, unique=True)
    of_project = models.BooleanField(default=False)
    created = models.DateTimeField(default=timezone.now)
    modified = models.DateTimeField(default=timezone.now)
    attributes = models.JSONField(default=dict)

    @property
    def payer(self) -> str:
        """Whose share of a project's pool pays; what belongs to a whole project is no member's share."""
        return "" if self.of_project else str(self.name)


class Container(models.Model):
    """``objects`` and ``size_bytes`` count what is there now; they change with the versions."""

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
    object_count = models.PositiveBigIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "name"), name="container_name"),)


class HashMap(models.Model):
    """The digests of the blocks of content that has more than one; versions with equal ones share it."""

    digest = models.CharField(max_length=64, unique=True)
    packed = models.BinaryField()

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


class Version(models.Model):
    """What was under a path from ``modified`` on. A tombstone says that it was deleted then.

    ``hash`` is the root hash in hex. Content of one block has its digest there and needs no map.
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
    checksum = models.CharField(max_length=32, blank=True)
    content_type = models.CharField(max_length=256, blank=True)
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
        )

    @property
    def content(self) -> Content:
        if self.map is not None:
            packed = bytes(self.map.packed)
        else:
            packed = bytes.fromhex(self.hash) if self.size_bytes else b""
        return Content(packed, self.size_bytes, self.checksum)

    @property
    def own_attributes(self) -> dict[str, str]:
        """What clients of the object API have set."""
        own: dict[str, str] = self.attributes.get(PITHOS, {})
        return own


EMPTY_HASH = HOLE.hex()


def timestamp(moment: datetime.datetime) -> str:
    """Seconds since the epoch with all digits."""
    return f"{int(moment.timestamp())}.{moment.microsecond:06d}"
