"""The tables of volume types."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from synnefo.common.ids import new_uuid


class VolumeType(models.Model):
    """A kind of disks.

    ``disk_template`` is the engine's name for it: ``local``, ``drbd``, ``ext_archipelago``. What stands
    before the first underscore is the template proper, what stands after it its provider.
    """

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    name = models.CharField(max_length=255)
    disk_template = models.CharField(max_length=32)
    description = models.CharField(max_length=255, blank=True)
    public = models.BooleanField(default=True)
    deleted = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name

    @property
    def template(self) -> str:
        return self.disk_template.partition("_")[0]

    @property
    def provider(self) -> str:
        """Of an external template; empty for the others."""
        return self.disk_template.partition("_")[2]

    @property
    def detachable(self) -> bool:
        """Whether a volume of it lives without a server, and moves between servers."""
        return self.disk_template in settings.CYCLADES_DETACHABLE_DISK_TEMPLATES


class VolumeTypeSpec(models.Model):
    volume_type = models.ForeignKey(VolumeType, on_delete=models.CASCADE, related_name="specs")
    key = models.CharField(max_length=255)
    value = models.CharField(max_length=255)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("volume_type", "key"), name="unique_type_spec"),)

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class VolumeTypeAccess(models.Model):
    """A project whose members may use a type that is not public."""

    volume_type = models.ForeignKey(VolumeType, on_delete=models.CASCADE, related_name="access")
    project = models.CharField(max_length=255)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("volume_type", "project"), name="unique_type_access"),)

    def __str__(self) -> str:
        return self.project
