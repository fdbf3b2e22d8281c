"""The table of images; their content is kept behind ``common.objects``."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from synnefo.cyclades.owned import Owned


class Image(Owned):
    """A disk image. ``location`` is the object store's; ``properties`` are os, osfamily, users, ..."""

    class Status(models.TextChoices):
        AVAILABLE = "AVAILABLE"
        ERROR = "ERROR"

    FORMATS: ClassVar = ("raw", "qcow2")

    name = models.CharField(max_length=255)
    status = models.CharField(max_length=16, choices=Status, default=Status.AVAILABLE)
    is_public = models.BooleanField(default=False)
    disk_format = models.CharField(max_length=16)
    size_bytes = models.BigIntegerField()
    virtual_size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    location = models.CharField(max_length=512)
    min_ram_mib = models.PositiveIntegerField(default=0)
    properties = models.JSONField(default=dict)
    description = models.TextField(blank=True)
    deleted = models.BooleanField(default=False)

    class Meta:
        indexes = (
            models.Index(fields=("deleted", "is_public", "-created", "-id"), name="image_public"),
            models.Index(fields=("userid", "-created", "-id"), name="image_owner"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def min_disk_gib(self) -> int:
        """The smallest disk that holds it."""
        return -(-self.virtual_size_bytes // 2**30)
