"""Holdings, usage on its way into them, pending commissions, the log of what was settled (whose accepted
part is the ledger of usage), warnings. No foreign keys to other rooms.

A source that does not exist (a project's own holding) is the empty text, so that the unique constraint
covers it; ``null`` exists only at the edge.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from synnefo.common.units import INFINITE


class CountedHoldings(models.Manager["Holding"]):
    """Holdings with what was appended to them."""

    def get_queryset(self) -> models.QuerySet[Holding]:
        deltas = Delta.objects.filter(holding=OuterRef("pk")).order_by().values("holding")
        total = Subquery(deltas.annotate(total=Sum("quantity")).values("total"))
        appended = Coalesce(total, Value(0), output_field=_AMOUNT)
        return super().get_queryset().annotate(appended=appended)  # type: ignore[no-redef]


_AMOUNT = models.BigIntegerField()


class Holding(models.Model):
    """What a holder may use of a resource out of a source, and what he uses.

    ``usage_min`` is sure even if all pending imports fail and all pending releases succeed;
    ``usage_max`` is the opposite. Both count what was appended (``deltas``) and is not folded yet.
    """

    holder = models.CharField(max_length=64)
    source = models.CharField(max_length=64, blank=True)
    resource = models.CharField(max_length=64)
    limit = models.BigIntegerField()
    folded_min = models.BigIntegerField(default=0, db_column="usage_min")
    folded_max = models.BigIntegerField(default=0, db_column="usage_max")

    #: The sum of deltas, when it was read.
    appended = 0

    objects: ClassVar[CountedHoldings] = CountedHoldings()
    #: For those who lock holdings and take in what was appended.
    rows: ClassVar[models.Manager[Holding]] = models.Manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("holder", "source", "resource"), name="one_holding"),
            models.CheckConstraint(
                condition=Q(folded_min__gte=0) & Q(folded_min__lte=F("folded_max")),
                name="holding_usage_in_order",
            ),
            models.CheckConstraint(
                condition=Q(limit__gte=0) & Q(limit__lte=INFINITE), name="holding_limit_in_range"
            ),
        )

    def __str__(self) -> str:
        return f"{self.resource} of {self.holder} from {self.source or '-'}"

    @property
    def usage_min(self) -> int:
        return self.folded_min + self.appended

    @property
    def usage_max(self) -> int:
        return self.folded_max + self.appended


class Delta(models.Model):
    """What one ``writer`` has taken (or, negative, given back) and is to be folded into its holding.

    The database does not check the holding, which would lock it; who removes one takes its deltas in first.
    """

    holding = models.ForeignKey(
        Holding, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="deltas"
    )
    writer = models.BigIntegerField()
    quantity = models.BigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("holding", "writer"), name="one_delta"),)


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
    """A settled provision, with the holding as it was after it. Rows are appended, never changed or removed.

    The accepted ones are the ledger (``ledger``): what they add up to is the usage of their holding. Without
    a serial it is usage that was appended (``deltas``), as it was folded: many small writes in one row.
    """

    serial = models.BigIntegerField(null=True)
    name = models.CharField(max_length=4096, blank=True)
    client = models.CharField(max_length=255)
    accepted = models.BooleanField()
    limit = models.BigIntegerField()
    usage_min = models.BigIntegerField()
    usage_max = models.BigIntegerField()
    issued = models.DateTimeField()
    settled = models.DateTimeField()

    class Meta:
        indexes = (
            models.Index(fields=("holder", "settled"), name="provision_log_of_holder"),
            models.Index(
                fields=("source", "settled"), condition=~Q(source=""), name="provision_log_of_source"
            ),
        )


class QuotaWarning(models.Model):
    """A holding whose usage reached a part of its limit; cleared when it has fallen well below."""

    class Level(models.IntegerChoices):
        NEAR = 80, "nearly used up"
        FULL = 100, "used up"

        def is_reached(self, limit: int, usage: int) -> bool:
            """Nothing is of no limit, and of a limit of nothing."""
            return 0 < limit < INFINITE and usage * 100 >= limit * self

    holder = models.CharField(max_length=64)
    source = models.CharField(max_length=64, blank=True)
    resource = models.CharField(max_length=64)
    level = models.SmallIntegerField(choices=Level)
    limit = models.BigIntegerField()
    usage = models.BigIntegerField()
    raised = models.DateTimeField()
    cleared = models.DateTimeField(null=True)
    dismissed = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("holder", "source", "resource", "level"),
                condition=Q(cleared=None),
                name="one_open_warning",
            ),
        )
        indexes = (models.Index(fields=("holder", "-raised"), name="warnings_of_holder"),)
