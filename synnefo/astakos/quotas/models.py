"""Holdings, pending commissions and the log of settled ones. No foreign keys to other rooms.

A source that does not exist (a project's own holding) is the empty text, so that the unique constraint
covers it; ``null`` exists only at the edge.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from synnefo.common.units import INFINITE


class Holding(models.Model):
    """What a holder may use of a resource out of a source, and what he uses.

    ``usage_min`` is sure even if all pending imports fail and all pending releases succeed;
    ``usage_max`` is the opposite.
    """

    holder = models.CharField(max_length=64)
    source = models.CharField(max_length=64, blank=True)
    resource = models.CharField(max_length=64)
    limit = models.BigIntegerField()
    usage_min = models.BigIntegerField(default=0)
    usage_max = models.BigIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("holder", "source", "resource"), name="one_holding"),
            models.CheckConstraint(
                condition=Q(usage_min__gte=0) & Q(usage_min__lte=F("usage_max")),
                name="holding_usage_in_order",
            ),
            models.CheckConstraint(
                condition=Q(limit__gte=0) & Q(limit__lte=INFINITE), name="holding_limit_in_range"
            ),
        )

    def __str__(self) -> str:
        return f"{self.resource} of {self.holder} from {self.source or '-'}"


class Commission(models.Model):
    """A reservation that waits to be accepted or rejected. ``client`` names who issued it."""

    serial = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=4096, blank=True)
    client = models.CharField(max_length=255)
    issued = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("client", "issued"), name="commission_pending"),)


class ProvisionBase(models.Model):
    holder = models.CharField(max_length=64)
    source = models.CharField(max_length=64, blank=True)
    resource = models.CharField(max_length=64)
    quantity = models.BigIntegerField()

    class Meta:
        abstract = True


class Provision(ProvisionBase):
    """An amount of one holding that a pending commission has reserved (or, negative, gives back)."""

    commission = models.ForeignKey(Commission, on_delete=models.DO_NOTHING, related_name="provisions")


class ProvisionLog(ProvisionBase):
    """A settled provision, with the holding as it was after it."""

    serial = models.BigIntegerField()
    name = models.CharField(max_length=4096, blank=True)
    client = models.CharField(max_length=255)
    accepted = models.BooleanField()
    limit = models.BigIntegerField()
    usage_min = models.BigIntegerField()
    usage_max = models.BigIntegerField()
    issued = models.DateTimeField()
    settled = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("holder", "-id"), name="provision_log_holder"),)
