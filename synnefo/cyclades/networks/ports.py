"""What may be done with ports: network cards with a fixed address in a network."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Prefetch, Q, QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller, Scope, visible
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.cyclades.networks import allocation
from synnefo.cyclades.networks.models import IPAddress, Network, Port, Subnet
from synnefo.cyclades.networks.rules import get as get_network
from synnefo.cyclades.networks.state import discard, lock
from synnefo.cyclades.operations.networks import changed

MAX_PER_NETWORK = 4096


def ports_for(caller: Caller) -> QuerySet[Port]:
    """The caller's ports, with their addresses; in owner scope also those of networks that he shares."""
    rows = visible(Port.objects.all(), caller)
    if caller.scope is Scope.OWNER:
        networks = visible(Network.objects.filter(public=False), caller)
        rows = Port.objects.filter(Q(pk__in=rows.values("pk")) | Q(network__in=networks.values("pk")))
    addresses = Prefetch("addresses", queryset=IPAddress.objects.select_related("subnet"))
    return rows.select_related("network", "server").prefetch_related(addresses)


def get(caller: Caller, uuid: str) -> Port:
    found = ports_for(caller).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Port {uuid} could not be found.")
    return found


def find(caller: Caller, port_id: int) -> Port:
    """One port by its integer id. Raises ItemNotFound."""
    found = ports_for(caller).filter(pk=port_id).first()
    if found is None:
        raise ItemNotFound(f"Port '{port_id}' not found.")
    return found


def create(
    caller: Caller, network_uuid: str, *, name: str = "", description: str = "", fixed_ip: str | None = None,
    subnet_uuid: str | None = None,
) -> Port:  # fmt: skip
    """A port that waits for a server. Raises Conflict (address taken, none left), Forbidden (public)."""
    found = get_network(caller, network_uuid)
    if found.public and not caller.is_admin:
        raise Forbidden("Ports cannot be made on a public network; use a floating IP.")
    if len(name) > 255 or len(description) > 255:
        raise BadRequest("Invalid input: names and descriptions have at most 255 characters.")
    with atomic():
        network = lock(found.pk)
        if subnet_uuid is not None and not network.subnets.filter(uuid=subnet_uuid).exists():
            raise BadRequest(f"Subnet {subnet_uuid} is not of network {network_uuid}.")
        port = add(caller, network, fixed_ip=fixed_ip, name=name)
        port.description = description
        port.save(update_fields=("description",))
        changed(network, caller)
        record(caller, "port.create", "port", port.pk, network=network.pk)
    return get(caller, port.uuid)


def add(caller: Caller, network: Network, *, fixed_ip: str | None = None, name: str = "") -> Port:
    """A new port on a locked network, with an address if the network has a subnet.

    The caller of this function tells engines (``changed``). Raises Conflict, BadRequest.
    """
    if network.drained:
        raise Conflict(f"Network {network.uuid} takes no more ports.")
    subnet = network.subnets.first()
    if fixed_ip is not None and subnet is None:
        raise BadRequest(f"Network {network.uuid} has no subnet, so a port has no address there.")
    port = bare(caller, network, name=name)
    if subnet is not None:
        take_address(caller, subnet, wanted=fixed_ip, port=port)
    return port


def bare(caller: Caller, network: Network, *, name: str = "") -> Port:
    """A new port on a locked network, still without an address. Raises Conflict."""
    if network.deleting:
        raise Conflict(f"Network {network.uuid} is being deleted.")
    if network.ports.count() >= MAX_PER_NETWORK:
        raise Conflict(f"Network {network.uuid} has {MAX_PER_NETWORK} ports, which is the most it can have.")
    return Port.objects.create(
        name=name,
        userid=caller.user,
        project=caller.project,
        shared_to_project=caller.shares_by_default,
        network=network,
        mac=_free_mac(),
    )


def take_address(
    caller: Caller, subnet: Subnet, *, wanted: str | None, port: Port | None = None, floating: bool = False
) -> IPAddress:
    """Reserve an address of a subnet whose network is locked. Raises Conflict, BadRequest."""
    in_use = IPAddress.objects.filter(network_id=subnet.network_id)
    if wanted is None:
        used = in_use.order_by("number").values_list("number", flat=True)
        number = allocation.first_free(subnet.pools, used)
        if number is None:
            raise Conflict(f"No more IP addresses available on network {subnet.network.uuid}.")
    else:
        number = int(allocation.parse_address(wanted, subnet.range, "ip_address"))
        if wanted == subnet.gateway or in_use.filter(number=number).exists():
            raise Conflict(f"Unable to complete operation: the IP address {wanted} is in use.")
        if floating and not allocation.in_pools(subnet.pools, number):
            raise BadRequest(f"{wanted} is not in the network's allocation pools.")
    return IPAddress.objects.create(
        userid=caller.user,
        project=caller.project,
        shared_to_project=caller.shares_by_default,
        subnet=subnet,
        network_id=subnet.network_id,
        port=port,
        address=allocation.address_text(number),
        number=number,
        floating_ip=floating,
    )


def rename(caller: Caller, uuid: str, *, name: str | None, description: str | None) -> Port:
    if len(name or "") > 255 or len(description or "") > 255:
        raise BadRequest("Invalid input: names and descriptions have at most 255 characters.")
    with atomic():
        port = get(caller, uuid)
        port.name = port.name if name is None else name
        port.description = port.description if description is None else description
        port.save(update_fields=("name", "description", "updated"))
        record(caller, "port.rename", "port", port.pk)
    return port


def delete(caller: Caller, uuid: str) -> None:
    """Remove a port that no server has. Raises Conflict if one has."""
    found = get(caller, uuid)
    with atomic():
        network = lock(found.network_id)
        port = Port.objects.filter(pk=found.pk).first()
        if port is None:
            raise ItemNotFound(f"Port {uuid} could not be found.")
        if port.server_id is not None:
            raise Conflict(f"Port {uuid} is in use by a server; delete the server first.")
        discard(port)
        changed(network, caller)
        record(caller, "port.delete", "port", found.pk, network=network.pk)


def _free_mac() -> str:
    """A MAC address that no port has; the table's constraint guards the improbable race."""
    while True:
        mac = allocation.random_mac(settings.CYCLADES_DEFAULT_MAC_PREFIX)
        if not Port.objects.filter(mac=mac).exists():
            return mac
