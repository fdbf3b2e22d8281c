"""Operations on networks: bringing engines up to date with what the database wants, and removal."""

from __future__ import annotations

import contextlib

from synnefo.common.caller import Caller, system_caller
from synnefo.common.transactions import atomic
from synnefo.cyclades.backends.base import Fence, Fenced, Lease, NetworkSpec
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.networks.models import BackendNetwork, IPAddress, Network
from synnefo.cyclades.networks.state import TARGET, forget, lock
from synnefo.cyclades.operations.base import BackendProcedure
from synnefo.engine import rules as engine
from synnefo.engine.procedure import Move, step


def changed(network: Network, actor: Caller) -> None:
    """Engines must learn of a change; the network is locked. One operation carries any number of changes."""
    network.revision += 1
    network.save(update_fields=("revision", "updated"))
    if network.in_backends.exists() and not engine.active_on(TARGET, network.pk).exists():
        engine.start(ApplyNetwork, targets=[(TARGET, network.pk)], actor=actor, project=network.project)


def spec_of(network_id: int) -> NetworkSpec:
    """The network as it shall be now, read at one moment."""
    with atomic():
        network = lock(network_id)
        subnet = network.subnets.first()
        fixed = list(
            IPAddress.objects.filter(network=network, port__isnull=False)
            .select_related("port__server")
            .order_by("id")
        )
        leads = IPAddress.objects.filter(nat_port__network=network).values_list("address", "nat_port_id")
    by_port = {ip.port_id: ip.address for ip in fixed}
    return NetworkSpec(
        name=network.engine_name,
        revision=network.revision,
        cidr=subnet.cidr if subnet else None,
        gateway=subnet.gateway if subnet else None,
        dhcp=bool(subnet and subnet.dhcp),
        dns_nameservers=tuple(subnet.dns_nameservers) if subnet else (),
        leases=tuple(Lease(ip.port.mac, ip.address, _host_name(ip)) for ip in fixed if ip.port is not None),
        floating={address: by_port[port] for address, port in leads if port in by_port},
        public=network.public,
    )


def apply(network_id: int, backend: Backend, procedure: BackendProcedure) -> None:
    """Make one engine hold the network as it shall be now, and remember the revision.

    Operations on several targets (the network, servers in it) do this, so what fences is the revision,
    not the operation. Being fenced off means that a newer revision stands: all is well.
    """
    BackendNetwork.objects.get_or_create(network_id=network_id, backend=backend)
    spec = spec_of(network_id)
    with contextlib.suppress(Fenced):
        procedure.engine_of(backend).apply_network(spec, revision_fence(spec.revision))
    BackendNetwork.objects.filter(network_id=network_id, backend=backend, applied__lt=spec.revision).update(
        applied=spec.revision
    )


def revision_fence(revision: int) -> Fence:
    return Fence(operation=revision, attempt=0)


class ApplyNetwork(BackendProcedure):
    """Bring every engine that has the network up to its newest revision."""

    kind = "network.apply"

    @step(undo=None, because="a newer picture is never taken back; the next change carries it on")
    def push(self) -> Move:
        network_id = self.target(TARGET)
        for row in BackendNetwork.objects.filter(network_id=network_id).select_related("backend"):
            apply(network_id, row.backend, self)
        return self.done()

    def finish(self, error: str) -> None:
        network = lock(self.target(TARGET))
        network.state = Network.State.ERROR if error else Network.State.ACTIVE
        network.fault = error
        network.save(update_fields=("state", "fault", "updated"))
        behind = network.in_backends.filter(applied__lt=network.revision).exists()
        if behind and not error:
            self.row.targets.update(active=False)
            engine.start(
                ApplyNetwork, targets=[(TARGET, network.pk)], actor=system_caller(), project=network.project
            )


class RemoveNetwork(BackendProcedure):
    """Take a network away from every engine that has it."""

    kind = "network.remove"

    @step(undo=None, because="what is removed stays removed; the network is gone for its owner")
    def remove(self) -> Move:
        network = Network.objects.get(pk=self.target(TARGET))
        fence = revision_fence(network.revision)
        for row in network.in_backends.select_related("backend"):
            self.engine_of(row.backend).remove_network(network.engine_name, fence)
        return self.done()

    def finish(self, error: str) -> None:
        network = lock(self.target(TARGET))
        network.deleting = False
        if error:
            network.state, network.fault = Network.State.ERROR, error
            network.save(update_fields=("deleting", "state", "fault", "updated"))
        else:
            network.in_backends.all().delete()
            network.save(update_fields=("deleting",))
            forget(network)


def _host_name(ip: IPAddress) -> str:
    server = ip.port.server if ip.port is not None else None
    return host_name(server.name) if server is not None else f"host-{ip.address.replace('.', '-')}"


def host_name(name: str) -> str:
    """A name that DNS and the guest accept, out of whatever the user called the server."""
    kept = "".join(char if char.isascii() and char.isalnum() else "-" for char in name.lower())
    return kept.strip("-")[:63].rstrip("-") or "server"
