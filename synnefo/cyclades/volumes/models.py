"""The tables of volumes."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.owned import Owned
from synnefo.cyclades.volume_types.models import VolumeType


class Volume(Owned):
    """A disk. Every server has one of index 0, which it boots from.

    ``source`` names what its first content was: an image, a snapshot or a volume by its uuid; ``hold`` is
    that content (a disk in ``disk_format``) as the object store keeps it until the volume is made.
    ``materialised`` says whether an
    engine has data of it: one that was never attached has none. ``image_properties`` are those of the image
    that it was made of, for it is what a bootable volume is known by.
    """

    class Status(models.TextChoices):
        CREATING = "CREATING"
        AVAILABLE = "AVAILABLE"
        ATTACHING = "ATTACHING"
        IN_USE = "IN_USE"
        DETACHING = "DETACHING"
        EXTENDING = "EXTENDING"
        DELETING = "DELETING"
        DELETED = "DELETED"
        ERROR = "ERROR"
        ERROR_DELETING = "ERROR_DELETING"
        BACKING_UP = "BACKING_UP"
        RESTORING = "RESTORING_BACKUP"
        ERROR_RESTORING = "ERROR_RESTORING"

    class Source(models.TextChoices):
        BLANK = "blank"
        IMAGE = "image"
        SNAPSHOT = "snapshot"
        VOLUME = "volume"

    TARGET: ClassVar = "volume"

    name = models.CharField(max_length=255, blank=True)
    description = models.CharField(max_length=255, blank=True)
    size_gib = models.PositiveIntegerField()
    volume_type = models.ForeignKey(VolumeType, on_delete=models.PROTECT, related_name="volumes")
    status = models.CharField(max_length=20, choices=Status, default=Status.CREATING)
    fault = models.TextField(blank=True)
    server = models.ForeignKey(
        "cyclades.Server", on_delete=models.SET_NULL, null=True, related_name="volumes"
    )
    index = models.PositiveIntegerField(null=True)
    attached_at = models.DateTimeField(null=True)
    backend = models.ForeignKey(Backend, on_delete=models.PROTECT, null=True, related_name="volumes")
    materialised = models.BooleanField(default=False)
    delete_on_termination = models.BooleanField(default=True)
    bootable = models.BooleanField(default=False)
    readonly = models.BooleanField(default=False)
    source = models.CharField(max_length=16, choices=Source, default=Source.BLANK)
    source_uuid = models.CharField(max_length=36, blank=True)
    source_version = models.BigIntegerField(default=0)
    hold = models.CharField(max_length=128, blank=True)
    disk_format = models.CharField(max_length=16, blank=True)
    image_properties = models.JSONField(default=dict)
    legacy_name = models.CharField(max_length=255, blank=True)
    snapshots_made = models.PositiveIntegerField(default=0)
    deleted = models.BooleanField(default=False)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("project", "deleted", "-created", "-id"), name="volume_project"),
            models.Index(fields=("userid", "deleted", "-created", "-id"), name="volume_owner"),
            models.Index(fields=("source_uuid",), name="volume_source"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("server", "index"),
                condition=Q(deleted=False, index__isnull=False),
                name="volume_index",
            ),
        )

    def __str__(self) -> str:
        return self.name or self.uuid

    @property
    def engine_name(self) -> str:
        return self.legacy_name or f"{settings.BACKEND_PREFIX_ID}vol-{self.pk}"


class VolumeMetadata(models.Model):
    volume = models.ForeignKey(Volume, on_delete=models.CASCADE, related_name="metadata")
    key = models.CharField(max_length=255)
    value = models.CharField(max_length=255)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("volume", "key"), name="unique_volume_metadata"),)

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class VolumeTransfer(models.Model):
    """An offer of a volume to whoever knows the key, which is kept as its digest only."""

    uuid = models.CharField(max_length=36, unique=True)
    volume = models.OneToOneField(Volume, on_delete=models.CASCADE, related_name="transfer")
    name = models.CharField(max_length=255, blank=True)
    digest = models.CharField(max_length=64)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name or self.uuid
