"""The tables of flavors, and of who may use those that are not public."""

from __future__ import annotations

from django.db import models

from synnefo.common.ids import new_uuid
from synnefo.common.units import MIB
from synnefo.cyclades.volume_types.models import VolumeType


class Flavor(models.Model):
    """A size: cpus, RAM in MiB, disk in GiB, and the type of its volumes.

    Its name says all of it, as in ``C1R512D10local``; OpenStack's administrators may give another one
    (``label``). ``ref`` is the id that they chose for OpenStack's facade, where they chose one. Servers of
    theirs may come with an empty disk of ``ephemeral_gib``, and one for ``swap_mib``.
    """

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    cpu = models.PositiveIntegerField()
    ram = models.PositiveIntegerField(help_text="MiB")
    disk = models.PositiveIntegerField(help_text="GiB")
    volume_type = models.ForeignKey(VolumeType, on_delete=models.PROTECT, related_name="flavors")
    label = models.CharField(max_length=255, blank=True)
    ref = models.CharField(max_length=255, blank=True)
    description = models.TextField(blank=True)
    swap_mib = models.PositiveIntegerField(default=0)
    ephemeral_gib = models.PositiveIntegerField(default=0)
    allow_create = models.BooleanField(default=True)
    public = models.BooleanField(default=True)
    deleted = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("cpu", "ram", "disk", "volume_type"),
                condition=models.Q(label=""),
                name="unique_flavor_size",
            ),
            models.UniqueConstraint(
                fields=("label",),
                condition=~models.Q(label="") & models.Q(deleted=False),
                name="flavor_label",
            ),
            models.UniqueConstraint(
                fields=("ref",), condition=~models.Q(ref="") & models.Q(deleted=False), name="flavor_ref"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return self.label or f"C{self.cpu}R{self.ram}D{self.disk}{self.volume_type.disk_template}"

    @property
    def more_disks_gib(self) -> dict[str, int]:
        """The empty disks that its servers come with, by what they are for; disks are of whole GiB."""
        sizes = {"ephemeral": self.ephemeral_gib, "swap": -(-self.swap_mib // 1024)}
        return {name: size for name, size in sizes.items() if size}

    @property
    def openstack_id(self) -> str:
        """The id that OpenStack's facade shows."""
        return self.ref or self.uuid

    @property
    def running_charge(self) -> dict[str, int]:
        """What a server of this size takes while it runs."""
        return {"cyclades.cpu": self.cpu, "cyclades.ram": self.ram * MIB}

    @property
    def lasting_charge(self) -> dict[str, int]:
        """What it takes from its creation to its removal, running or not; its volumes are charged apart."""
        return {
            "cyclades.vm": 1,
            "cyclades.total_cpu": self.cpu,
            "cyclades.total_ram": self.ram * MIB,
        }


class FlavorSpec(models.Model):
    """Something that is said of a flavor: OpenStack's extra specs."""

    flavor = models.ForeignKey(Flavor, on_delete=models.CASCADE, related_name="specs")
    key = models.CharField(max_length=255)
    value = models.CharField(max_length=255)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("flavor", "key"), name="unique_flavor_spec"),)

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class FlavorAccess(models.Model):
    """A project whose members may use a flavor that is not public."""

    flavor = models.ForeignKey(Flavor, on_delete=models.CASCADE, related_name="access")
    project = models.CharField(max_length=255)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("flavor", "project"), name="unique_flavor_access"),)
        indexes = (models.Index(fields=("project",), name="flavor_access_project"),)

    def __str__(self) -> str:
        return self.project
