"""What may be done with ports: network cards with fixed addresses in a network."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

from django.apps import apps
from django.conf import settings
from django.db.models import Prefetch, Q, QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller, Scope, visible
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.cyclades.networks import addresses, allocation, groups
from synnefo.cyclades.networks.addresses import FixedIp
from synnefo.cyclades.networks.models import IPAddress, Network, Port, SecurityGroup
from synnefo.cyclades.networks.rules import get as get_network
from synnefo.cyclades.networks.state import lock
from synnefo.cyclades.operations.groups import groups_changed
from synnefo.cyclades.operations.networks import changed
from synnefo.cyclades.operations.ports import discard
from synnefo.cyclades.operations.routers import gateways_changed

TARGET = "port"
MAX_PER_NETWORK = 4096
MAX_ADDRESS_PAIRS = 10


def ports_for(caller: Caller) -> QuerySet[Port]:
    """The caller's ports, with their addresses; in owner scope also those of networks that he shares."""
    rows = visible(Port.objects.all(), caller)
    if caller.scope is Scope.OWNER:
        networks = visible(Network.objects.filter(public=False), caller)
        floating = visible(IPAddress.objects.filter(floating_ip=True, port__isnull=False), caller)
        servers = visible(apps.get_model("cyclades", "Server").objects.all(), caller)
        rows = Port.objects.filter(
            Q(pk__in=rows.values("pk"))
            | Q(network__in=networks.values("pk"))
            | Q(pk__in=floating.values("port"))
            | Q(server__in=servers.values("pk"))
        )
    fixed = Prefetch("addresses", queryset=IPAddress.objects.select_related("subnet").order_by("pk"))
    related = ("network", "server", "router")
    return rows.select_related(*related).prefetch_related(fixed, "security_groups")


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
    caller: Caller, network_uuid: str, *, name: str = "", description: str = "",
    fixed_ips: Sequence[FixedIp] | None = None, mac: str | None = None,
    security_groups: Sequence[str] | None = None, admin_state_up: bool = True,
    port_security: bool | None = None, address_pairs: Sequence[Mapping[str, str]] = (),
    device_id: str = "", device_owner: str = "",
) -> Port:  # fmt: skip
    """A port that waits for a server. ``fixed_ips`` None: one address of each version; [] : none at all.

    Raises Conflict (address or MAC in use, none left), BadRequest, ItemNotFound, Forbidden (public network).
    """
    found = get_network(caller, network_uuid)
    if found.public and not caller.is_admin:
        raise Forbidden("Ports cannot be made on a public network; use a floating IP.")
    _check_texts(name, description, device_id, device_owner)
    secured = found.port_security if port_security is None else port_security
    members = _members(caller, security_groups, secured)
    with atomic():
        network = lock(found.pk)
        _check_takes_ports(network)
        chosen = addresses.choose(network, fixed_ips)
        port = bare(caller, network, name=name, mac=mac, members=members, port_security=secured)
        port.description, port.admin_state_up = description, admin_state_up
        port.device_id, port.device_owner = device_id, device_owner
        port.address_pairs = _checked_pairs(address_pairs, secured)
        port.save()
        addresses.give(caller, port, chosen)
        changed(network, caller)
        record(caller, "port.create", TARGET, port.pk, network=network.pk)
    return get(caller, port.uuid)


def add(
    caller: Caller, network: Network, *, fixed_ip: str | None = None, name: str = "",
    groups: Sequence[SecurityGroup] | None = None,
) -> Port:  # fmt: skip
    """A new port on a locked network, with addresses if the network has subnets.

    ``groups`` None are those that ports of the caller have if none is said (``groups.usual``). The caller of
    this function tells engines (``changed``). Raises Conflict, BadRequest.
    """
    _check_takes_ports(network)
    chosen = addresses.choose(network, None if fixed_ip is None else [FixedIp(fixed_ip)])
    port = bare(caller, network, name=name, members=groups)
    addresses.give(caller, port, chosen)
    return port


def bare(
    caller: Caller, network: Network, *, name: str = "", mac: str | None = None,
    members: Sequence[SecurityGroup] | None = None, port_security: bool | None = None,
) -> Port:  # fmt: skip
    """A new port on a locked network, still without an address. Raises Conflict."""
    if network.deleting:
        raise Conflict(f"Network {network.uuid} is being deleted.")
    if network.ports.count() >= MAX_PER_NETWORK:
        raise Conflict(f"Network {network.uuid} has {MAX_PER_NETWORK} ports, which is the most it can have.")
    secured = network.port_security if port_security is None else port_security
    port = Port.objects.create(
        name=name,
        userid=caller.user,
        project=caller.project,
        shared_to_project=caller.shares_by_default,
        network=network,
        mac=_free_mac(network.mac_prefix) if mac is None else _given_mac(mac),
        port_security=secured,
    )
    if members is None:
        members = groups.usual(caller) if secured else ()
    port.security_groups.set(members)
    groups_changed((group.pk for group in members), caller)
    return port


def update(
    caller: Caller, uuid: str, *, name: str | None = None, description: str | None = None,
    admin_state_up: bool | None = None, fixed_ips: Sequence[FixedIp] | None = None,
    security_groups: Sequence[str] | None = None, port_security: bool | None = None,
    address_pairs: Sequence[Mapping[str, str]] | None = None, device_id: str | None = None,
    device_owner: str | None = None,
) -> Port:  # fmt: skip
    """Change a port; what is None stays. Raises as ``create``."""
    found = get(caller, uuid)
    _check_texts(name or "", description or "", device_id or "", device_owner or "")
    with atomic():
        network = lock(found.network_id)
        port = get(caller, uuid)
        if device_id is not None or device_owner is not None:
            _check_unused(port)
        plain = {
            "name": name, "description": description, "admin_state_up": admin_state_up,
            "port_security": port_security, "device_id": device_id, "device_owner": device_owner,
        }  # fmt: skip
        for field, value in plain.items():
            if value is not None:
                setattr(port, field, value)
        if security_groups is not None or (port_security is False and port.router_id is None):
            _set_groups(caller, port, _members(caller, security_groups or (), port.port_security) or ())
        pairs = port.address_pairs if address_pairs is None else address_pairs
        port.address_pairs = _checked_pairs(pairs, port.port_security)
        port.save()
        if fixed_ips is not None:
            _renumber(caller, network, port, fixed_ips)
        changed(network, caller)
        record(caller, "port.update", TARGET, port.pk)
    return get(caller, uuid)


def rename(caller: Caller, uuid: str, *, name: str | None, description: str | None) -> Port:
    """Change what people call it, which is nothing that engines must know."""
    _check_texts(name or "", description or "")
    with atomic():
        port = get(caller, uuid)
        port.name = port.name if name is None else name
        port.description = port.description if description is None else description
        port.save(update_fields=("name", "description", "updated"))
        record(caller, "port.rename", TARGET, port.pk)
    return port


def set_groups(caller: Caller, uuid: str, members: Sequence[SecurityGroup]) -> Port:
    """Give a port these security groups and no others. Raises Conflict if its security is off."""
    found = get(caller, uuid)
    with atomic():
        network = lock(found.network_id)
        if members and not found.port_security:
            raise Conflict(f"Port {uuid} has its port security off, so it cannot have security groups.")
        _set_groups(caller, found, members)
        changed(network, caller)
        record(caller, "port.groups", TARGET, found.pk, groups=[group.pk for group in members])
    return get(caller, uuid)


def set_profile(caller: Caller, port: Port, profile: str) -> Port:
    """Give a port one of Synnefo's firewall profiles. Raises BadRequest for another word."""
    if profile not in (Port.Profile.ENABLED, Port.Profile.DISABLED, Port.Profile.PROTECTED):
        raise BadRequest("Unsupported firewall profile")
    with atomic():
        network = lock(port.network_id)
        Port.objects.filter(pk=port.pk).update(firewall_profile=profile)
        changed(network, caller)
        record(caller, "port.profile", TARGET, port.pk, profile=profile)
    return Port.objects.select_related("network", "server").get(pk=port.pk)


def delete(caller: Caller, uuid: str) -> None:
    """Remove a port that no server and no router has. Raises Conflict if one has."""
    found = get(caller, uuid)
    with atomic():
        network = lock(found.network_id)
        port = Port.objects.filter(pk=found.pk).first()
        if port is None:
            raise ItemNotFound(f"Port {uuid} could not be found.")
        if port.server_id is not None:
            raise Conflict(f"Port {uuid} is in use by a server; delete the server first.")
        if port.router_id is not None:
            raise Conflict(
                f"Port {uuid} cannot be deleted directly via the port API: "
                f"has device owner {port.device_owner}."
            )
        discard(port, caller)
        changed(network, caller)
        record(caller, "port.delete", TARGET, found.pk, network=network.pk)


def _set_groups(caller: Caller, port: Port, members: Sequence[SecurityGroup]) -> None:
    before = set(port.security_groups.values_list("pk", flat=True))
    port.security_groups.set(members)
    groups_changed(before | {group.pk for group in members}, caller)


def _members(caller: Caller, wanted: Sequence[str] | None, secured: bool) -> Sequence[SecurityGroup] | None:
    """The groups that are named; None if none is said. Raises ItemNotFound, Conflict (no port security)."""
    if wanted and not secured:
        raise Conflict("A port whose port security is off cannot have security groups.")
    return None if wanted is None else [groups.get(caller, uuid) for uuid in dict.fromkeys(wanted)]


def _renumber(caller: Caller, network: Network, port: Port, wishes: Sequence[FixedIp]) -> None:
    """Give a port these addresses; those that it has and that fit a wish stay. Raises as ``addresses``."""
    old = list(port.addresses.select_related("subnet").order_by("pk"))
    new = []
    for subnet, wanted in addresses.choose(network, wishes):
        fitting = [ip for ip in old if ip.subnet_id == subnet.pk and wanted in (None, ip.address)]
        if fitting:
            old.remove(fitting[0])
        else:
            new.append((subnet, wanted))
    led = {ip.nat_address for ip in port.floating_ips.all()}
    for ip in old:
        if ip.floating_ip or ip.address in led:
            raise Conflict(f"Unable to complete operation: {ip.address} belongs to a floating IP.")
        ip.delete()
    addresses.give(caller, port, new)
    groups_changed(port.security_groups.values_list("pk", flat=True), caller)
    if led:
        gateways_changed(network, caller)


def _check_takes_ports(network: Network) -> None:
    if network.drained:
        raise Conflict(f"Network {network.uuid} takes no more ports.")


def _check_unused(port: Port) -> None:
    if port.server_id is not None or port.router_id is not None:
        raise Conflict(f"Port {port.uuid} is in use, so its device cannot be changed.")


def _checked_pairs(pairs: Sequence[Mapping[str, str]], secured: bool) -> list[dict[str, str]]:
    """Addresses, or ranges, with hardware addresses where one is said. Raises BadRequest, Conflict."""
    if pairs and not secured:
        raise Conflict("Allowed address pairs need port security.")
    if len(pairs) > MAX_ADDRESS_PAIRS:
        raise BadRequest(f"A port has at most {MAX_ADDRESS_PAIRS} allowed address pairs.")
    found: list[dict[str, str]] = []
    for pair in pairs:
        try:
            text = str(ipaddress.ip_interface(pair["ip_address"]))
        except ValueError:
            raise BadRequest(f"Invalid allowed address pair: {pair['ip_address']!r}") from None
        address = pair["ip_address"] if "/" in pair["ip_address"] else text.partition("/")[0]
        mac = pair.get("mac_address")
        one = {"ip_address": address, **({"mac_address": allocation.parse_mac(mac)} if mac else {})}
        if one in found:
            raise BadRequest(f"Duplicate allowed address pair: {address}")
        found.append(one)
    return found


def _check_texts(*texts: str) -> None:
    if any(len(text) > 255 for text in texts):
        raise BadRequest("Invalid input: names and descriptions have at most 255 characters.")


def _given_mac(text: str) -> str:
    mac = allocation.parse_mac(text)
    if Port.objects.filter(mac=mac).exists():
        raise Conflict(f"Unable to complete operation: the MAC address {mac} is in use.")
    return mac


def _free_mac(prefix: str) -> str:
    """A MAC address that no port has; the table's constraint guards the improbable race."""
    while True:
        mac = allocation.random_mac(prefix or settings.CYCLADES_DEFAULT_MAC_PREFIX)
        if not Port.objects.filter(mac=mac).exists():
            return mac
