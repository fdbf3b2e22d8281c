"""What may be done with networks and subnets. Ports and addresses are in ``ports`` and ``floating``.

A network costs ``cyclades.network.private`` 1; a public one belongs to the cloud and costs nothing. It
exists in an engine only once a server there needs it. Every change that engines must know raises the
network's revision under the lock of its row and asks for an ``ApplyNetwork`` operation.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from django.conf import settings
from django.db.models import Q, QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller, visible
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.cyclades.networks import allocation
from synnefo.cyclades.networks.models import Network, Subnet
from synnefo.cyclades.networks.state import TARGET, forget, lock
from synnefo.cyclades.operations.networks import RemoveNetwork, changed
from synnefo.engine import rules as engine
from synnefo.engine.charging import charging, decide

COST = {"cyclades.network.private": 1}
MAX_DNS_SERVERS = 3


def networks_for(caller: Caller, *, deleted: bool | None = False) -> QuerySet[Network]:
    """Networks that the caller may see: his, shared ones, and the public ones. ``deleted`` None: all."""
    rows = Network.objects.all() if deleted is None else Network.objects.filter(deleted=deleted)
    return rows.filter(Q(pk__in=visible(rows, caller)) | Q(public=True))


def subnets_for(caller: Caller) -> QuerySet[Subnet]:
    return Subnet.objects.filter(network__in=networks_for(caller)).select_related("network")


def get(caller: Caller, uuid: str, *, write: bool = False) -> Network:
    """One network. Raises ItemNotFound; Forbidden if it is to be written and is not the caller's."""
    found = networks_for(caller).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Network {uuid} could not be found.")
    if write and found.public and not caller.is_admin:
        raise Forbidden("A public network belongs to the cloud.")
    return found


def find(caller: Caller, network_id: int) -> Network:
    """One network by its integer id, also one that is deleted. Raises ItemNotFound."""
    found = networks_for(caller, deleted=None).filter(pk=network_id).first()
    if found is None:
        raise ItemNotFound(f"Network {network_id} not found.")
    return found


def find_subnet(caller: Caller, subnet_id: int) -> Subnet:
    """One subnet by its integer id. Raises ItemNotFound."""
    found = subnets_for(caller).filter(pk=subnet_id).first()
    if found is None:
        raise ItemNotFound(f"Subnet '{subnet_id}' not found.")
    return found


def get_subnet(caller: Caller, uuid: str, *, write: bool = False) -> Subnet:
    found = subnets_for(caller).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Subnet {uuid} could not be found.")
    if write and found.network.public and not caller.is_admin:
        raise Forbidden("A public network belongs to the cloud.")
    return found


def create(
    caller: Caller, *, name: str, description: str = "", public: bool = False, floating_ip_pool: bool = False
) -> Network:
    """A new network without a subnet. Raises OverLimit; Forbidden if a public one is not for the caller."""
    if public and not caller.is_admin:
        raise Forbidden("Only administrators make public networks.")
    _check_text(name, description)
    cost = {} if public else COST
    with charging(caller.user, caller.project, cost, name="api: network create") as serial:
        network = Network.objects.create(
            name=name,
            description=description,
            userid=caller.user,
            project=caller.project,
            shared_to_project=caller.shares_by_default,
            public=public,
            floating_ip_pool=floating_ip_pool,
        )
        decide(serial, accept=True)
        record(caller, "network.create", TARGET, network.pk, name=name)
    return network


def create_with_subnet(
    caller: Caller, *, name: str, cidr: str, gateway: str | None = "", floating_ip_pool: bool = False,
    pools: Sequence[tuple[str, str]] | None = None,
) -> Network:  # fmt: skip
    """A public network and its range, both or neither. Raises as ``create`` and ``create_subnet`` do."""
    with atomic():
        network = create(caller, name=name, public=True, floating_ip_pool=floating_ip_pool)
        create_subnet(caller, network.uuid, name=name, cidr=cidr, gateway=gateway, pools=pools)
    return network


def rename(caller: Caller, uuid: str, *, name: str | None = None, description: str | None = None) -> Network:
    _check_text(name or "", description or "")
    with atomic():
        network = get(caller, uuid, write=True)
        network.name = network.name if name is None else name
        network.description = network.description if description is None else description
        network.save(update_fields=("name", "description", "updated"))
        record(caller, "network.rename", TARGET, network.pk, name=network.name)
    return network


def delete(caller: Caller, uuid: str) -> None:
    """Remove a network and its subnet; engines take theirs away afterwards.

    Raises Conflict while it has ports or floating IPs.
    """
    found = get(caller, uuid, write=True)
    with charging(
        found.userid, found.project, _freed(found), name="api: network delete", force=True
    ) as serial:
        network = lock(found.pk)
        if network.deleted or network.deleting:
            raise ItemNotFound(f"Network {uuid} could not be found.")
        if network.ports.exists() or network.addresses.exists():
            raise Conflict(
                f"Unable to complete operation on network {uuid}. There are one or more ports in use."
            )
        engine.supersede(TARGET, network.pk)
        network.deleting, network.revision = True, network.revision + 1
        network.save(update_fields=("deleting", "revision", "updated"))
        if network.in_backends.exists():
            engine.start(RemoveNetwork, targets=[(TARGET, network.pk)], actor=caller, serial=serial)
        else:
            forget(network)
            decide(serial, accept=True)
        record(caller, "network.delete", TARGET, network.pk, name=network.name)


def create_subnet(
    caller: Caller, network_uuid: str, *, cidr: str, name: str = "", description: str = "",
    gateway: str | None = "", dhcp: bool = True, dns_nameservers: Sequence[str] = (),
    pools: Sequence[tuple[str, str]] | None = None,
) -> Subnet:  # fmt: skip
    """Give a network its IPv4 range. ``gateway`` is "" for the first address, None for none.

    Raises BadRequest (range, gateway, pools), Conflict (pools overlap, the network has a subnet).
    """
    _check_text(name, description)
    found = get(caller, network_uuid, write=True)
    space = allocation.parse_cidr(cidr, loopback=found.public)
    if not found.public:
        _check_not_reserved(space)
    gate = str(space.network_address + 1) if gateway == "" else gateway
    if gate is not None:
        allocation.parse_address(gate, space, "gateway_ip")
    runs = (
        allocation.default_pools(space, gate)
        if pools is None
        else allocation.checked_pools(pools, space, gate)
    )
    servers = _checked_dns(dns_nameservers)
    with atomic():
        network = lock(found.pk)
        if network.subnets.exists():
            raise Conflict("The network has a subnet already; it can have one of IPv4.")
        subnet = Subnet.objects.create(
            network=network, name=name, description=description, cidr=str(space), gateway=gate, dhcp=dhcp,
            dns_nameservers=servers, pools=runs,
        )  # fmt: skip
        changed(network, caller)
        record(caller, "subnet.create", TARGET, network.pk, cidr=str(space))
    return subnet


def update_subnet(
    caller: Caller, uuid: str, *, name: str | None = None, description: str | None = None,
    dhcp: bool | None = None, dns_nameservers: Sequence[str] | None = None,
) -> Subnet:  # fmt: skip
    """Change a subnet's name, description, DHCP or DNS servers."""
    _check_text(name or "", description or "")
    found = get_subnet(caller, uuid, write=True)
    servers = None if dns_nameservers is None else _checked_dns(dns_nameservers)
    wanted = {"name": name, "description": description, "dhcp": dhcp, "dns_nameservers": servers}
    with atomic():
        network = lock(found.network_id)
        subnet = Subnet.objects.get(pk=found.pk)
        for field, value in wanted.items():
            if value is not None:
                setattr(subnet, field, value)
        subnet.save()
        changed(network, caller)
        record(caller, "subnet.update", TARGET, network.pk, subnet=subnet.uuid)
    return subnet


def delete_subnet(caller: Caller, uuid: str) -> None:
    """Remove a subnet. Raises Conflict while an address of it is in use."""
    found = get_subnet(caller, uuid, write=True)
    with atomic():
        network = lock(found.network_id)
        if found.addresses.exists():
            raise Conflict(
                f"Unable to complete operation on subnet {uuid}: one or more ports have an IP from it."
            )
        Subnet.objects.filter(pk=found.pk).delete()
        changed(network, caller)
        record(caller, "subnet.delete", TARGET, network.pk, subnet=uuid)


def _freed(network: Network) -> dict[str, int]:
    return {} if network.public else {name: -amount for name, amount in COST.items()}


def _check_text(name: str, description: str) -> None:
    if len(name) > 255 or len(description) > 255:
        raise BadRequest("Invalid input: names and descriptions have at most 255 characters.")


def _check_not_reserved(space: ipaddress.IPv4Network) -> None:
    """Ranges that the engine of this machine needs for itself cannot be a tenant's."""
    reserved = (settings.CYCLADES_LOCAL_FLOATING_RANGE, settings.CYCLADES_LOCAL_TRANSIT_RANGE)
    for text in reserved:
        if space.overlaps(ipaddress.IPv4Network(text)):
            raise BadRequest(f"Invalid cidr {space}: it overlaps {text}, which the cloud uses itself.")


def _checked_dns(servers: Sequence[str]) -> list[str]:
    if len(servers) > MAX_DNS_SERVERS:
        raise BadRequest(f"At most {MAX_DNS_SERVERS} DNS servers can be given.")
    try:
        return [str(ipaddress.IPv4Address(text)) for text in servers]
    except ValueError as error:
        raise BadRequest(f"Invalid DNS server: {error}") from None
