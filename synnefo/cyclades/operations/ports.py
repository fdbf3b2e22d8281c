"""The end of a port, which rules and operations share."""

from __future__ import annotations

from django.utils import timezone

from synnefo.common.caller import Caller, system_caller
from synnefo.cyclades.networks.history import disassociated
from synnefo.cyclades.networks.models import Port
from synnefo.cyclades.operations.groups import groups_changed
from synnefo.cyclades.operations.routers import gateways_changed


def discard(port: Port, actor: Caller | None = None) -> None:
    """The end of a port on a locked network; floating IPs that it had are free again.

    The caller of this function tells engines of the network (``networks.changed``).
    """
    caller = actor or system_caller()
    disassociated(port)
    groups = list(port.security_groups.values_list("pk", flat=True))
    now = timezone.now()
    led = port.floating_ips.update(nat_port=None, nat_address="", nat_revision=0, updated=now)
    port.addresses.filter(floating_ip=True).update(port=None, updated=now)
    network = port.network
    port.delete()
    if led:
        gateways_changed(network, caller)
    groups_changed(groups, caller)
