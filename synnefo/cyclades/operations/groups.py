"""Changes of security groups on their way to engines.

A group's rules and the addresses of its ports stand in the pictures of many networks: of those with ports
that have the group, and of those with ports whose rules name it. An operation tells them, one after another,
after the change is committed; so whoever changes a group or a port locks no other network.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from synnefo.common.caller import Caller, system_caller
from synnefo.common.transactions import atomic
from synnefo.cyclades.networks.models import Network, SecurityGroup
from synnefo.cyclades.networks.state import GROUP, lock
from synnefo.cyclades.operations.base import BackendProcedure
from synnefo.cyclades.operations.networks import changed
from synnefo.engine import rules as engine
from synnefo.engine.procedure import Move, step


def groups_changed(groups: Iterable[int], actor: Caller) -> None:
    """Rules or ports of these groups change in this transaction, which locks the groups' rows in order.

    Locking first and looking afterwards is what lets two changes at once not miss each other.
    """
    for group in SecurityGroup.objects.select_for_update().filter(pk__in=set(groups)).order_by("pk"):
        group.revision += 1
        group.save(update_fields=("revision",))
        if _concerned(group).exists() and not engine.active_on(GROUP, group.pk).exists():
            engine.start(SpreadGroup, targets=[(GROUP, group.pk)], actor=actor, project=group.project)


class SpreadGroup(BackendProcedure):
    """Raise the revisions of the networks whose pictures a group stands in."""

    kind = "security_group.spread"

    @step(undo=None, because="a revision more is harmless")
    def tell(self) -> Move:
        group = SecurityGroup.objects.filter(pk=self.target(GROUP)).first()
        if group is None:
            return self.done()
        self.job = str(group.revision)
        for network_id in _concerned(group).values_list("pk", flat=True):
            with atomic():
                changed(lock(network_id), system_caller())
        return self.done()

    def finish(self, error: str) -> None:
        group = SecurityGroup.objects.select_for_update().filter(pk=self.target(GROUP)).first()
        if group is not None and self.job != str(group.revision) and not error:
            self.row.targets.update(active=False)
            engine.start(
                SpreadGroup, targets=[(GROUP, group.pk)], actor=system_caller(), project=group.project
            )


def _concerned(group: SecurityGroup) -> QuerySet[Network]:
    """Networks in engines that have ports with the group, or with a group whose rules name it."""
    having = Q(ports__security_groups=group) | Q(ports__security_groups__rules__remote_group=group)
    return Network.objects.filter(having, in_backends__isnull=False).order_by("pk").distinct()
