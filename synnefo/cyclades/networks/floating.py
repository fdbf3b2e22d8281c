"""What may be done with floating IPs: public addresses that are a port's own, or lead to one by NAT.

A floating IP costs ``cyclades.floating_ip`` 1 from its allocation to its release, used or not.
"""

from __future__ import annotations

from django.db.models import QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller, visible
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.cyclades.networks import ports
from synnefo.cyclades.networks.models import IPAddress, Network, Port
from synnefo.cyclades.networks.rules import networks_for
from synnefo.cyclades.networks.state import lock
from synnefo.cyclades.operations.networks import changed
from synnefo.engine.charging import charging, decide

COST = {"cyclades.floating_ip": 1}


def floating_ips_for(caller: Caller) -> QuerySet[IPAddress]:
    rows = visible(IPAddress.objects.filter(floating_ip=True), caller)
    related = ("network", "subnet", "port__server", "nat_port__network", "nat_port__server")
    return rows.select_related(*related).prefetch_related("nat_port__addresses")


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
    port_uuid: str | None = None,
    description: str = "",
) -> IPAddress:
    """Take an address of a public network, and lead it to a port if one is named.

    Raises Conflict (none left, taken), OverLimit, ItemNotFound, BadRequest.
    """
    pool = _pool(caller, network_uuid)
    port = None if port_uuid is None else ports.get(caller, port_uuid)
    with charging(caller.user, caller.project, COST, name="api: floating IP create") as serial:
        network = lock(pool.pk)
        subnet = network.subnets.first()
        if subnet is None or network.drained:
            raise Conflict(f"No more IP addresses available on network {network.uuid}.")
        ip = ports.take_address(caller, subnet, wanted=address, floating=True)
        ip.description = description[:255]
        ip.save(update_fields=("description",))
        decide(serial, accept=True)
        if port is not None:
            _lead_to(caller, ip, port)
        record(caller, "floating_ip.create", "floating_ip", ip.pk, address=ip.address)
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
        record(caller, "port.create", "port", port.pk, network=network.pk)
    return ports.get(caller, port.uuid)


def port_with(caller: Caller, network: Network, address: str, *, name: str = "") -> Port:
    """A new port on a locked public network, with a floating IP of the caller's as its own.

    Raises ItemNotFound (no such floating IP), Conflict (it is in use).
    """
    ip = find_address(caller, address, network)
    if _is_used(ip):
        raise Conflict(f"Floating IP {address} is in use.")
    ip.port = ports.bare(caller, network, name=name)
    ip.save(update_fields=("port", "updated"))
    return ip.port


def associate(
    caller: Caller, uuid: str, port_uuid: str | None, *, description: str | None = None
) -> IPAddress:
    """Lead a floating IP to another port, or to none. Raises Conflict if the port has one already."""
    found = get(caller, uuid)
    port = None if port_uuid is None else ports.get(caller, port_uuid)
    with atomic():
        ip = _locked(found)
        _lead_to(caller, ip, port)
        if description is not None:
            ip.description = description[:255]
            ip.save(update_fields=("description",))
        record(caller, "floating_ip.associate", "floating_ip", ip.pk, port=port_uuid)
    return get(caller, uuid)


def describe(caller: Caller, uuid: str, description: str) -> IPAddress:
    with atomic():
        found = get(caller, uuid)
        found.description = description[:255]
        found.save(update_fields=("description", "updated"))
        record(caller, "floating_ip.describe", "floating_ip", found.pk)
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
        record(caller, "floating_ip.delete", "floating_ip", found.pk, address=found.address)


def _pool(caller: Caller, network_uuid: str | None) -> Network:
    """The public network to take from; without a name the first that has addresses."""
    pools = networks_for(caller).filter(floating_ip_pool=True).order_by("id")
    if network_uuid is None:
        found = pools.first()
        if found is None:
            raise Conflict("There is no public network with floating IPs.")
        return found
    network = networks_for(caller).filter(uuid=network_uuid).first()
    if network is None:
        raise ItemNotFound(f"Network {network_uuid} could not be found.")
    if not network.floating_ip_pool:
        raise BadRequest(f"Network {network_uuid} is not an external network with floating IPs.")
    return network


def _locked(found: IPAddress) -> IPAddress:
    """The address, with the row of its public network locked."""
    lock(found.network_id)
    ip = IPAddress.objects.filter(pk=found.pk).first()
    if ip is None:
        raise ItemNotFound(f"Floating IP {found.uuid} could not be found.")
    return ip


def _lead_to(caller: Caller, ip: IPAddress, port: Port | None) -> None:
    """Change where an address leads, under the locks of the networks concerned, in id order."""
    if port is not None and ip.port_id is not None:
        raise Conflict(f"Floating IP {ip.address} is port {ip.port_id}'s own address.")
    before = ip.nat_port
    if before is not None and port is not None and before.pk == port.pk:
        return
    concerned = sorted({item.network_id for item in (before, port) if item is not None})
    networks = {pk: lock(pk) for pk in concerned}
    if port is not None:
        _check_free(port)
    ip.nat_port = port
    for network in networks.values():
        changed(network, caller)
    ip.nat_revision = networks[port.network_id].revision if port is not None else 0
    ip.save(update_fields=("nat_port", "nat_revision", "updated"))


def _is_used(ip: IPAddress) -> bool:
    return ip.port_id is not None or ip.nat_port_id is not None


def _check_free(port: Port) -> None:
    if not Port.objects.filter(pk=port.pk).exists():
        raise ItemNotFound(f"Port {port.uuid} could not be found.")
    if port.network.public:
        raise BadRequest(f"Port {port.uuid} is on a public network already.")
    if not port.addresses.exists():
        raise BadRequest(f"Port {port.uuid} has no fixed IP to lead to.")
    subnet = port.network.subnets.first()
    if subnet is None or subnet.gateway is None:
        raise ItemNotFound(
            f"External network is not reachable from network {port.network.uuid}: it has no gateway."
        )
    if port.floating_ips.exists():
        raise Conflict(f"Port {port.uuid} has a floating IP already.")
