"""The table of flavors."""

from __future__ import annotations

from django.db import models

from synnefo.common.ids import new_uuid
from synnefo.common.units import GIB, MIB


class Flavor(models.Model):
    """A size: cpus, RAM in MiB, disk in GiB. The name says all of it, as in ``C1R512D10local``."""

    uuid = models.CharField(max_length=36, unique=True, default=new_uuid)
    cpu = models.PositiveIntegerField()
    ram = models.PositiveIntegerField(help_text="MiB")
    disk = models.PositiveIntegerField(help_text="GiB")
    volume_type = models.CharField(max_length=32, default="local")
    allow_create = models.BooleanField(default=True)
    public = models.BooleanField(default=True)
    deleted = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("cpu", "ram", "disk", "volume_type"), name="unique_flavor_size"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return f"C{self.cpu}R{self.ram}D{self.disk}{self.volume_type}"

    @property
    def running_charge(self) -> dict[str, int]:
        """What a server of this size takes while it runs."""
        return {"cyclades.cpu": self.cpu, "cyclades.ram": self.ram * MIB}

    @property
    def lasting_charge(self) -> dict[str, int]:
        """What it takes from its creation to its removal, running or not."""
        return {
            "cyclades.vm": 1,
            "cyclades.total_cpu": self.cpu,
            "cyclades.total_ram": self.ram * MIB,
            "cyclades.disk": self.disk * GIB,
        }
