"""What may be done with floating IPs: public addresses that are a port's own, or lead to one by NAT.

A floating IP costs ``cyclades.floating_ip`` 1 from its allocation to its release, used or not.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from django.db.models import QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller, visible
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.cyclades.networks import addresses, history, moves, ports
from synnefo.cyclades.networks.addresses import led_to
from synnefo.cyclades.networks.models import IPAddress, IPAddressHistory, Network, Port, Router, SecurityGroup
from synnefo.cyclades.networks.routers import gateway_of
from synnefo.cyclades.networks.rules import networks_for
from synnefo.cyclades.networks.state import lock
from synnefo.cyclades.operations.networks import changed
from synnefo.cyclades.operations.pictures import gates_of
from synnefo.cyclades.operations.routers import gateways_changed
from synnefo.engine.charging import charging, decide

COST = {"cyclades.floating_ip": 1}
TARGET = "floating_ip"


def floating_ips_for(caller: Caller) -> QuerySet[IPAddress]:
    rows = visible(IPAddress.objects.filter(floating_ip=True), caller)
    related = ("network", "subnet", "port__server", "nat_port__network", "nat_port__server")
    return rows.select_related(*related).prefetch_related("nat_port__addresses__subnet")


def get(caller: Caller, uuid: str) -> IPAddress:
    found = floating_ips_for(caller).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Floating IP {uuid} could not be found.")
    return found


def find(caller: Caller, floating_id: int) -> IPAddress:
    """One floating IP by its integer id. Raises ItemNotFound."""
    found = floating_ips_for(caller).filter(pk=floating_id).first()
    if found is None:
        raise ItemNotFound(f"Floating IP with ID {floating_id} does not exist.")
    return found


def create(
    caller: Caller,
    network_uuid: str | None = None,
    *,
    address: str | None = None,
    subnet_uuid: str | None = None,
    port_uuid: str | None = None,
    fixed_address: str = "",
    description: str = "",
) -> IPAddress:
    """Take an address of a public network, and lead it to a port if one is named.

    Without a network it is of the first that has one left. Raises Conflict (none left, taken), OverLimit,
    ItemNotFound, BadRequest.
    """
    pools = _pools(caller, network_uuid)
    port = None if port_uuid is None else ports.get(caller, port_uuid)
    with charging(caller.user, caller.project, COST, name="api: floating IP create") as serial:
        ip = _taken(caller, pools, address, subnet_uuid)
        ip.description = description[:255]
        ip.save(update_fields=("description",))
        decide(serial, accept=True)
        if port is not None:
            _lead_to(caller, ip, port, fixed_address)
        record(caller, "floating_ip.create", TARGET, ip.pk, address=ip.address)
    return get(caller, ip.uuid)


def find_address(caller: Caller, address: str, network: Network | None = None) -> IPAddress:
    """One floating IP by its address, which several networks may have. Raises ItemNotFound."""
    rows = floating_ips_for(caller).filter(address=address)
    found = (rows if network is None else rows.filter(network=network)).order_by("pk").first()
    if found is None:
        raise ItemNotFound("Floating IP does not exist.")
    return found


def create_port(caller: Caller, network: Network, address: str, *, name: str = "") -> Port:
    """A port on a public network that waits for a server; raises as ``port_with``."""
    with atomic():
        network = lock(network.pk)
        port = port_with(caller, network, address, name=name)
        changed(network, caller)
        record(caller, "port.create", ports.TARGET, port.pk, network=network.pk)
    return ports.get(caller, port.uuid)


def port_with(
    caller: Caller, network: Network, address: str, *, name: str = "",
    groups: Sequence[SecurityGroup] | None = None,
) -> Port:  # fmt: skip
    """A new port on a locked public network, with a floating IP of the caller's as its own.

    Raises ItemNotFound (no such floating IP), Conflict (it is in use).
    """
    ip = find_address(caller, address, network)
    if _is_used(ip):
        raise Conflict(f"Floating IP {address} is in use.")
    ip.port = ports.bare(caller, network, name=name, members=groups)
    ip.save(update_fields=("port", "updated"))
    return ip.port


def unused(caller: Caller, network: Network | None = None) -> IPAddress | None:
    """A floating IP of the caller's that nothing has, on this network or on any."""
    rows = floating_ips_for(caller).filter(port=None, nat_port=None)
    return (rows if network is None else rows.filter(network=network)).order_by("pk").first()


def associate(
    caller: Caller,
    uuid: str,
    port_uuid: str | None,
    *,
    fixed_address: str = "",
    description: str | None = None,
) -> IPAddress:
    """Lead a floating IP to another port, or to none. Raises Conflict if the port has one already."""
    found = get(caller, uuid)
    port = None if port_uuid is None else ports.get(caller, port_uuid)
    with atomic():
        ip = _locked(found)
        _lead_to(caller, ip, port, fixed_address)
        if description is not None:
            ip.description = description[:255]
            ip.save(update_fields=("description",))
        record(caller, "floating_ip.associate", TARGET, ip.pk, port=port_uuid)
    return get(caller, uuid)


def describe(caller: Caller, uuid: str, description: str) -> IPAddress:
    with atomic():
        found = get(caller, uuid)
        found.description = description[:255]
        found.save(update_fields=("description", "updated"))
        record(caller, "floating_ip.describe", TARGET, found.pk)
    return found


def delete(caller: Caller, uuid: str, *, unless_used: bool = False) -> None:
    """Release it; what it led to is unreachable by it at once.

    ``unless_used``: raises Conflict if it leads to something.
    """
    found = get(caller, uuid)
    freed = {name: -amount for name, amount in COST.items()}
    with charging(found.userid, found.project, freed, name="api: floating IP delete", force=True) as serial:
        ip = _locked(found)
        if ip.port_id is not None or (unless_used and ip.nat_port_id is not None):
            raise Conflict(f"Floating IP {ip.address} is in use by port {ip.port_id or ip.nat_port_id}.")
        _lead_to(caller, ip, None)
        ip.delete()
        decide(serial, accept=True)
        record(caller, "floating_ip.delete", TARGET, found.pk, address=found.address)


def reassign(caller: Caller, floating_id: int, project: str, *, shared: bool) -> IPAddress:
    """Have another project of the owner's pay for it, in use or not. Raises as ``moves.moving``."""
    found = find(caller, floating_id)
    with moves.moving(caller, found, project, COST, shared=shared, what="floating IP"):
        ip = _locked(found)
        ip.project, ip.shared_to_project = project, shared
        ip.save(update_fields=("project", "shared_to_project", "updated"))
        record(caller, "floating_ip.reassign", TARGET, ip.pk, project=project)
    return find(caller, floating_id)


def router_of(ip: IPAddress) -> Router | None:
    """The router by which a floating IP leads to its port; None if the network has its own way out."""
    fixed = led_to(ip.nat_port, ip.nat_address) if ip.nat_port is not None else None
    return None if fixed is None else gateway_of(fixed.subnet)


def within(address: str, cidr: str) -> bool:
    """Whether a text is an address of a range."""
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(cidr)
    except ValueError:
        return False


def _pools(caller: Caller, network_uuid: str | None) -> list[Network]:
    """The public networks to take from: the one that is named, or all that have addresses."""
    if network_uuid is None:
        return list(networks_for(caller).filter(floating_ip_pool=True, drained=False).order_by("id"))
    network = networks_for(caller).filter(uuid=network_uuid).first()
    if network is None:
        raise ItemNotFound(f"Network {network_uuid} could not be found.")
    if not network.floating_ip_pool:
        raise BadRequest(f"Network {network_uuid} is not an external network with floating IPs.")
    return [network]


def _taken(caller: Caller, pools: list[Network], address: str | None, subnet_uuid: str | None) -> IPAddress:
    """An address of the first network that has one. Raises Conflict, BadRequest, ItemNotFound."""
    for pool in pools:
        network = lock(pool.pk)
        subnets = network.subnets.filter(ip_version=4, deleted=False).order_by("pk")
        if subnet_uuid is not None:
            subnets = subnets.filter(uuid=subnet_uuid)
            if not subnets:
                raise ItemNotFound(f"Subnet {subnet_uuid} could not be found on network {network.uuid}.")
        if network.drained or network.deleting:
            continue
        for subnet in subnets:
            if address is not None:
                if len(subnets) == 1 or within(address, subnet.cidr):
                    return addresses.take(caller, subnet, wanted=address, floating=True)
            elif addresses.lowest_free(subnet) is not None:
                return addresses.take(caller, subnet, wanted=None, floating=True)
    if len(pools) == 1:
        raise Conflict(f"No more IP addresses available on network {pools[0].uuid}.")
    raise Conflict("There is no public network with floating IPs left.")


def _locked(found: IPAddress) -> IPAddress:
    """The address, with the row of its public network locked."""
    lock(found.network_id)
    ip = IPAddress.objects.filter(pk=found.pk).first()
    if ip is None:
        raise ItemNotFound(f"Floating IP {found.uuid} could not be found.")
    return ip


def _lead_to(caller: Caller, ip: IPAddress, port: Port | None, fixed_address: str = "") -> None:
    """Change where an address leads, under the locks of the networks concerned, in id order."""
    if port is not None and ip.port_id is not None:
        raise Conflict(f"Floating IP {ip.address} is port {ip.port_id}'s own address.")
    before = ip.nat_port
    if (before and before.pk, ip.nat_address) == (port and port.pk, fixed_address):
        return
    concerned = sorted({item.network_id for item in (before, port) if item is not None})
    networks = {pk: lock(pk) for pk in concerned}
    if port is not None:
        _check_free(ip, port, fixed_address)
    if before != port:
        history.led(ip, before, IPAddressHistory.Action.DISASSOCIATE)
        history.led(ip, port, IPAddressHistory.Action.ASSOCIATE)
    ip.nat_port, ip.nat_address = port, fixed_address
    for network in networks.values():
        changed(network, caller)
    ip.nat_revision = networks[port.network_id].revision if port is not None else 0
    ip.save(update_fields=("nat_port", "nat_address", "nat_revision", "updated"))
    for network in networks.values():
        gateways_changed(network, caller)


def _is_used(ip: IPAddress) -> bool:
    return ip.port_id is not None or ip.nat_port_id is not None


def _check_free(ip: IPAddress, port: Port, fixed_address: str) -> None:
    """Raises ItemNotFound (no way from the public network), BadRequest, Conflict."""
    if not Port.objects.filter(pk=port.pk).exists():
        raise ItemNotFound(f"Port {port.uuid} could not be found.")
    if port.network.public:
        raise BadRequest(f"Port {port.uuid} is on a public network already.")
    fixed = led_to(port, fixed_address)
    if fixed is None:
        wanted = f"the fixed IP {fixed_address}" if fixed_address else "a fixed IP to lead to"
        raise BadRequest(f"Port {port.uuid} has not {wanted}.")
    gates = gates_of(port.network)
    router = gateway_of(fixed.subnet) if gates else None
    reachable = router is not None and router.external_id == ip.network_id if gates else fixed.subnet.gateway
    if not reachable:
        raise ItemNotFound(
            f"External network {ip.network.uuid} is not reachable from subnet {fixed.subnet.uuid}. "
            f"Therefore, cannot associate Port {port.uuid} with a Floating IP."
        )
    for other in port.floating_ips.exclude(pk=ip.pk):
        if led_to(port, other.nat_address) == fixed:
            raise Conflict(f"Port {port.uuid} has a floating IP already.")
