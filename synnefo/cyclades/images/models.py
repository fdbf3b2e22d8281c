"""The tables of images; their content is kept behind ``common.objects``."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from synnefo.cyclades.owned import Owned


class Image(Owned):
    """A disk image: what an object held when it was registered. Its uuid is the object's.

    ``hold`` keeps the content (``hash``, as the store names it); ``location`` is where the object was seen
    last. ``properties`` are os, osfamily, users, ... ``checksum`` (MD5), ``sha256`` and ``sha512`` are empty
    where they are not known. While it waits for its content (``QUEUED``, ``SAVING``) it has none of them.
    A snapshot is an image, too: of the volume with the id ``volume_id``. ``server_uuid`` is the server that
    an image was made of. One that is ``protected`` cannot be deleted; ``hidden`` ones are in no list unless
    asked for. ``visibility`` says who sees one that is not public: with ``SHARED`` members may be named, a
    ``COMMUNITY`` one is seen by whoever knows it. ``UPLOADING`` is content that is there, but not yet taken
    for good; ``IMPORTING`` is content that a dispatcher brings.
    """

    class Status(models.TextChoices):
        QUEUED = "QUEUED"
        SAVING = "SAVING"
        UPLOADING = "UPLOADING"
        IMPORTING = "IMPORTING"
        AVAILABLE = "AVAILABLE"
        DEACTIVATED = "DEACTIVATED"
        ERROR = "ERROR"

    class Visibility(models.TextChoices):
        PRIVATE = "private"
        SHARED = "shared"
        COMMUNITY = "community"

    FORMATS: ClassVar = ("raw", "qcow2", "vmdk", "iso")
    CONTAINERS: ClassVar = ("bare", "ovf")

    name = models.CharField(max_length=255)
    status = models.CharField(max_length=16, choices=Status, default=Status.AVAILABLE)
    is_public = models.BooleanField(default=False)
    visibility = models.CharField(max_length=16, choices=Visibility, default=Visibility.PRIVATE)
    disk_format = models.CharField(max_length=16, blank=True)
    container_format = models.CharField(max_length=16, blank=True, default="bare")
    size_bytes = models.BigIntegerField(default=0)
    virtual_size_bytes = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)
    checksum = models.CharField(max_length=32, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    sha512 = models.CharField(max_length=128, blank=True)
    location = models.TextField(blank=True)
    hold = models.CharField(max_length=128, blank=True)
    version = models.BigIntegerField(default=0)
    #: Whether the object was made for this image alone, by an upload.
    has_own_object = models.BooleanField(default=False)
    min_ram_mib = models.PositiveIntegerField(default=0)
    wanted_disk_gib = models.PositiveIntegerField(default=0)
    properties = models.JSONField(default=dict)
    description = models.TextField(blank=True)
    is_snapshot = models.BooleanField(default=False)
    volume_id = models.BigIntegerField(null=True)
    server_uuid = models.CharField(max_length=36, blank=True)
    protected = models.BooleanField(default=False)
    hidden = models.BooleanField(default=False)
    tags = models.JSONField(default=list)
    fault = models.TextField(blank=True)
    deleted = models.BooleanField(default=False)

    class Meta:
        indexes = (
            models.Index(fields=("volume_id", "deleted"), name="image_volume"),
            models.Index(fields=("deleted", "is_public", "-created", "-id"), name="image_public"),
            models.Index(fields=("userid", "-created", "-id"), name="image_owner"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def about(self) -> str:
        """What its owner says of it; clients keep that as a property."""
        return self.description or str(self.properties.get("description", ""))

    @property
    def engine_format(self) -> str:
        """How an engine reads its content: that of a CD is a disk like others."""
        return "raw" if self.disk_format == "iso" else self.disk_format

    @property
    def min_disk_gib(self) -> int:
        """The smallest disk that holds it, or more if its owner wants more."""
        return max(self.wanted_disk_gib, -(-self.virtual_size_bytes // 2**30))


class ImageMember(models.Model):
    """Somebody who sees a private image: a user, in his own project (they have one uuid), or a project.

    It is in his lists once he has accepted it.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        ACCEPTED = "accepted"
        REJECTED = "rejected"

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="members")
    member = models.CharField(max_length=36)
    status = models.CharField(max_length=16, choices=Status, default=Status.ACCEPTED)
    created = models.DateTimeField(default=timezone.now)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("image", "member"), name="image_member"),)
        indexes = (models.Index(fields=("member",), name="image_member_of"),)


class Vocabulary(models.Model):
    """Words to describe images and other things with: what Glance calls metadata definitions.

    ``properties`` and ``objects_by_name`` are what was said of them, by their names; ``resource_types`` are
    what the words are meant for, by name as well. ``tags`` are names.
    """

    namespace = models.CharField(max_length=80, unique=True)
    owner = models.CharField(max_length=36)
    display_name = models.CharField(max_length=80, blank=True)
    description = models.CharField(max_length=500, blank=True)
    is_public = models.BooleanField(default=False)
    protected = models.BooleanField(default=False)
    resource_types = models.JSONField(default=dict)
    properties = models.JSONField(default=dict)
    objects_by_name = models.JSONField(default=dict)
    tags = models.JSONField(default=list)
    created = models.DateTimeField(default=timezone.now)
    updated = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.namespace
