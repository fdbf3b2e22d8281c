"""What may be done with networks and subnets. Ports and floating IPs are in ``ports`` and ``floating``, what
a subnet may be in ``subnets``.

A network costs ``cyclades.network.private`` 1; a public one belongs to the cloud and costs nothing. It
exists in an engine only once a server there needs it. Every change that engines must know raises the
network's revision under the lock of its row and asks for an ``ApplyNetwork`` operation.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from synnefo.audit.rules import record
from synnefo.common.accounts import provisions_for
from synnefo.common.caller import Caller, visible
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.cyclades.networks import allocation, moves, pools, subnets
from synnefo.cyclades.networks.addresses import SELF_MADE
from synnefo.cyclades.networks.models import IPAddress, Network, Subnet
from synnefo.cyclades.networks.state import TARGET, forget, lock
from synnefo.cyclades.operations.networks import RemoveNetwork, changed
from synnefo.engine import rules as engine
from synnefo.engine.charging import charging, commissioned, decide

COST = {"cyclades.network.private": 1}
MTU, MTUS, MAX_SUBNETS = 1500, (1280, 9000), 32


def networks_for(caller: Caller, *, deleted: bool | None = False) -> QuerySet[Network]:
    """Networks that the caller may see: his, shared ones, and the public ones. ``deleted`` None: all."""
    rows = Network.objects.all() if deleted is None else Network.objects.filter(deleted=deleted)
    return rows.filter(Q(pk__in=visible(rows, caller)) | Q(public=True))


def subnets_for(caller: Caller) -> QuerySet[Subnet]:
    rows = Subnet.objects.filter(network__in=networks_for(caller), deleted=False)
    return rows.select_related("network")


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
    caller: Caller, *, name: str, description: str = "", public: bool = False, floating_ip_pool: bool = False,
    kind: str = "", admin_state_up: bool = True, mtu: int | None = None, port_security: bool = True,
    drained: bool = False, **parts: Any,
) -> Network:  # fmt: skip
    """A new network without a subnet. ``parts``: what an administrator says of its kind (``pools.settle``).

    Raises OverLimit; Forbidden if one of this kind, or a public one, is not for the caller; BadRequest for an
    unknown kind; ServiceUnavailable if a pool that it needs is empty.
    """
    if public and not caller.is_admin:
        raise Forbidden("Only administrators make public networks.")
    _check_text(name, description)
    kind = _checked_kind(caller, kind, public)
    cost = {} if public or not caller.project else COST
    with charging(caller.user, caller.project, cost, name="api: network create") as serial:
        network = Network.objects.create(
            name=name,
            description=description,
            userid=caller.user,
            project=caller.project,
            shared_to_project=caller.shares_by_default,
            public=public,
            floating_ip_pool=floating_ip_pool,
            kind=kind,
            admin_state_up=admin_state_up,
            mtu=MTU if mtu is None else _checked_mtu(mtu),
            port_security=port_security,
            drained=drained,
        )
        pools.settle(network, **parts)
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


def update(
    caller: Caller, uuid: str, *, name: str | None = None, description: str | None = None,
    admin_state_up: bool | None = None, mtu: int | None = None, port_security: bool | None = None,
    drained: bool | None = None, floating_ip_pool: bool | None = None,
) -> Network:  # fmt: skip
    """Change what is not None. Raises Conflict for a pool that is to be none while floating IPs are out."""
    _check_text(name or "", description or "")
    wanted = {
        "name": name, "description": description, "admin_state_up": admin_state_up,
        "mtu": None if mtu is None else _checked_mtu(mtu), "port_security": port_security, "drained": drained,
        "floating_ip_pool": floating_ip_pool,
    }  # fmt: skip
    found = get(caller, uuid, write=True)
    with atomic():
        network = lock(found.pk)
        if floating_ip_pool and not network.public:
            raise BadRequest("Floating IPs are of public networks.")
        if floating_ip_pool is False and network.addresses.filter(floating_ip=True).exists():
            raise Conflict("Floating IPs of the network are in use.")
        for field, value in wanted.items():
            if value is not None:
                setattr(network, field, value)
        network.save()
        changed(network, caller)
        record(caller, "network.update", TARGET, network.pk, name=network.name)
    return network


def reassign(caller: Caller, network_id: int, project: str, *, shared: bool) -> Network:
    """Have another project of the owner's pay for it. Raises Forbidden (public), and as ``moves.moving``."""
    found = find(caller, network_id)
    if found.public:
        raise Forbidden("A public network belongs to the cloud.")
    with moves.moving(caller, found, project, COST, shared=shared, what="network"):
        network = lock(found.pk)
        network.project, network.shared_to_project = project, shared
        network.save(update_fields=("project", "shared_to_project", "updated"))
        record(caller, "network.reassign", TARGET, network.pk, project=project)
    return find(caller, network_id)


def rename(caller: Caller, uuid: str, *, name: str | None = None, description: str | None = None) -> Network:
    _check_text(name or "", description or "")
    with atomic():
        network = get(caller, uuid, write=True)
        network.name = network.name if name is None else name
        network.description = network.description if description is None else description
        network.save(update_fields=("name", "description", "updated"))
        record(caller, "network.rename", TARGET, network.pk, name=network.name)
    return network


def change_owner(caller: Caller, network_id: int, user: str, project: str) -> Network:
    """Give a private network to another user, whose project pays from now on. Raises Forbidden, OverLimit."""
    found = find(caller, network_id)
    if found.public or not caller.is_admin:
        raise Forbidden("Administrators give private networks to other users.")
    taken = provisions_for(user, project, COST)
    freed = provisions_for(found.userid, found.project, _freed(found))
    with commissioned([*freed, *taken], name="snf-manage: network owner") as serial:
        network = lock(found.pk)
        network.userid, network.project = user, project
        network.save(update_fields=("userid", "project", "updated"))
        decide(serial, accept=True)
        record(caller, "network.owner", TARGET, network.pk, user=user)
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
                f"Unable to complete operation on network {uuid}. "
                "There are one or more ports still in use on the network."
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
    pools: Sequence[tuple[str, str]] | None = None, version: int = 4, ipv6_mode: str = "",
    host_routes: Sequence[Mapping[str, str]] = (),
) -> Subnet:  # fmt: skip
    """Give a network a range. ``gateway`` is "" for the first address, None for none.

    Raises BadRequest (range, gateway, pools, overlaps with another), Conflict (pools overlap).
    """
    _check_text(name, description)
    found = get(caller, network_uuid, write=True)
    wish = subnets.Wish(cidr, version, gateway, dhcp, dns_nameservers, host_routes, pools, ipv6_mode)
    columns = subnets.checked(wish, public=found.public)
    with atomic():
        network = lock(found.pk)
        _check_room(network, columns)
        subnet = Subnet.objects.create(network=network, name=name, description=description, **columns)
        if ipv6_mode in SELF_MADE:
            _number_ports(network, subnet)
        changed(network, caller)
        record(caller, "subnet.create", TARGET, network.pk, cidr=subnet.cidr)
    return subnet


def update_subnet(
    caller: Caller, uuid: str, *, name: str | None = None, description: str | None = None,
    dhcp: bool | None = None, dns_nameservers: Sequence[str] | None = None,
    host_routes: Sequence[Mapping[str, str]] | None = None, pools: Sequence[tuple[str, str]] | None = None,
    gateway: str | None = "",
) -> Subnet:  # fmt: skip
    """Change a subnet; what is None stays, and the gateway if it is "" (None: there is none any more).

    Raises BadRequest, Conflict (a gateway in a pool, or a router's).
    """
    _check_text(name or "", description or "")
    found = get_subnet(caller, uuid, write=True)
    wanted: dict[str, object] = {
        "name": name, "description": description, "dhcp": dhcp,
        "dns_nameservers": None if dns_nameservers is None else subnets.checked_dns(dns_nameservers),
        "host_routes": None if host_routes is None else subnets.checked_routes(host_routes),
    }  # fmt: skip
    with atomic():
        network = lock(found.network_id)
        subnet = Subnet.objects.get(pk=found.pk)
        for field, value in wanted.items():
            if value is not None:
                setattr(subnet, field, value)
        if gateway != "":
            _move_gateway(subnet, gateway)
        if pools is not None:
            subnet.pools = allocation.checked_pools(pools, subnet.range, subnet.gateway)
        allocation.check_gateway(subnet.pools, subnet.gateway)
        subnet.save()
        changed(network, caller)
        record(caller, "subnet.update", TARGET, network.pk, subnet=subnet.uuid)
    return subnet


def delete_subnet(caller: Caller, uuid: str) -> None:
    """Remove a subnet, and addresses that guests make themselves. Raises Conflict while others are used."""
    found = get_subnet(caller, uuid, write=True)
    with atomic():
        network = lock(found.network_id)
        used = found.addresses.all()
        if found.ipv6_mode in SELF_MADE:
            used = used.filter(port__router__isnull=False)
        if used.exists():
            raise Conflict(
                f"Unable to complete operation on subnet {uuid}: one or more ports have an IP from it."
            )
        found.addresses.all().delete()
        Subnet.objects.filter(pk=found.pk).delete()
        changed(network, caller)
        record(caller, "subnet.delete", TARGET, network.pk, subnet=uuid)


def reserve(caller: Caller, network: Network, texts: Sequence[str], *, release: bool = False) -> None:
    """Keep addresses (or FIRST-LAST, or ranges) out of a network's pools, or no more. Raises BadRequest."""
    with atomic():
        locked = lock(network.pk)
        for text in texts:
            subnet, run = _run_in(locked, text)
            kept = allocation.without(subnet.reserved, [run])
            subnet.reserved = kept if release else allocation.merged([*subnet.reserved, run])
            subnet.save(update_fields=("reserved", "updated"))
        record(caller, "network.reserve", TARGET, network.pk, addresses=list(texts), release=release)


def _freed(network: Network) -> dict[str, int]:
    free = network.public or not network.project
    return {} if free else {name: -amount for name, amount in COST.items()}


def _check_text(name: str, description: str) -> None:
    if len(name) > 255 or len(description) > 255:
        raise BadRequest("Invalid input: names and descriptions have at most 255 characters.")


def _checked_mtu(mtu: int) -> int:
    if not MTUS[0] <= mtu <= MTUS[1]:
        raise BadRequest(f"Invalid input for mtu: between {MTUS[0]} and {MTUS[1]} bytes.")
    return mtu


def _checked_kind(caller: Caller, kind: str, public: bool) -> str:
    """The kind that is asked for, or the usual one. Raises BadRequest, Forbidden."""
    allowed: Sequence[str] = settings.API_ENABLED_NETWORK_FLAVORS
    if not kind:
        return Network.Kind.CUSTOM if public or not allowed else allowed[0]
    if kind not in Network.Kind.values:
        raise BadRequest(f"Invalid network type '{kind}'")
    if kind not in allowed and not caller.is_admin:
        raise Forbidden(f"Cannot create network of type '{kind}'.")
    return kind


def _check_room(network: Network, columns: Mapping[str, object]) -> None:
    """Raises BadRequest if another subnet of the network has some of the same addresses."""
    space = ipaddress.ip_network(str(columns["cidr"]))
    others = list(network.subnets.filter(deleted=False))
    if len(others) >= MAX_SUBNETS:
        raise Conflict(f"A network has at most {MAX_SUBNETS} subnets.")
    for other in others:
        if other.range.version == space.version and other.range.overlaps(space):
            raise BadRequest(
                f"Invalid input for operation: Requested subnet with cidr: {space} for network: "
                f"{network.uuid} overlaps with another subnet."
            )


def _number_ports(network: Network, subnet: Subnet) -> None:
    """Where guests make their addresses themselves, those that are there already do so, too."""
    IPAddress.objects.bulk_create(
        IPAddress(
            userid=port.userid, project=port.project, shared_to_project=port.shared_to_project, subnet=subnet,
            network=network, port=port, ip_version=subnet.ip_version, address=address,
            number=allocation.number_of(ipaddress.ip_address(address)),
        )
        for port in network.ports.filter(router__isnull=True)
        for address in (allocation.by_mac(subnet.range, port.mac),)
    )  # fmt: skip


def _move_gateway(subnet: Subnet, gateway: str | None) -> None:
    """Raises Conflict if the gateway is a router's interface, or the new one is in use; BadRequest."""
    if gateway is not None:
        gateway = str(allocation.parse_address(gateway, subnet.range, "gateway_ip"))
    if gateway == subnet.gateway:
        return
    used = subnet.addresses.filter(address__in=[text for text in (gateway, subnet.gateway) if text])
    if used.exists():
        raise Conflict(f"Current gateway ip {subnet.gateway} or {gateway} is in use by a port.")
    subnet.gateway = gateway


def _run_in(network: Network, text: str) -> tuple[Subnet, allocation.Pool]:
    """The subnet and the numbers of an address, of FIRST-LAST or of a range. Raises BadRequest."""
    first, _, last = text.partition("-")
    try:
        if "/" in text:
            space = ipaddress.ip_network(text)
            ends = (space[0], space[-1])
        else:
            ends = (ipaddress.ip_address(first), ipaddress.ip_address(last or first))
    except ValueError as error:
        raise BadRequest(f"{text!r}: {error}") from None
    for subnet in network.subnets.all():
        if ends[0].version == subnet.ip_version and all(end in subnet.range for end in ends):
            return subnet, (allocation.number_of(ends[0]), allocation.number_of(ends[1]))
    raise BadRequest(f"{text} is in no subnet of the network.")
