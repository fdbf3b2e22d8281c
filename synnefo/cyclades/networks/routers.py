"""What may be done with routers: joining networks, leading out to a public one, routes of one's own.

A router costs nothing, but a project has only so many (``CYCLADES_MAX_ROUTERS``); the address that it has on
the public network is the cloud's. Every change that engines must know raises the router's revision under the
lock of its row, and that of the networks that it joins or leaves.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence

from django.conf import settings
from django.db.models import F, Prefetch, QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller, visible
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound, OverLimit
from synnefo.common.transactions import atomic
from synnefo.cyclades.networks import addresses, ports
from synnefo.cyclades.networks.models import IPAddress, Network, Port, Router, Subnet
from synnefo.cyclades.networks.rules import get as get_network
from synnefo.cyclades.networks.rules import get_subnet
from synnefo.cyclades.networks.state import ROUTER, lock, lock_router
from synnefo.cyclades.operations.networks import changed
from synnefo.cyclades.operations.ports import discard
from synnefo.cyclades.operations.routers import RemoveRouter, forget_router, router_changed
from synnefo.engine import rules as engine

INTERFACE, GATEWAY = "network:router_interface", "network:router_gateway"
MAX_ROUTES = 30


def routers_for(caller: Caller) -> QuerySet[Router]:
    """The caller's routers, with their addresses."""
    rows = visible(Router.objects.filter(deleting=False), caller)
    fixed = Prefetch(
        "addresses", queryset=IPAddress.objects.select_related("subnet", "network").order_by("pk")
    )
    legs = Prefetch("ports", queryset=Port.objects.order_by("pk").prefetch_related(fixed))
    return rows.select_related("external").prefetch_related(legs)


def get(caller: Caller, uuid: str) -> Router:
    found = routers_for(caller).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Router {uuid} could not be found")
    return found


def create(
    caller: Caller, *, name: str = "", description: str = "", admin_state_up: bool = True,
    external: str | None = None, snat: bool = True,
) -> Router:  # fmt: skip
    """A router, leading out to a public network if one is named. Raises OverLimit, ItemNotFound, Conflict."""
    _check_texts(name, description)
    network = None if external is None else _public(caller, external)
    if Router.objects.filter(project=caller.project).count() >= settings.CYCLADES_MAX_ROUTERS:
        raise OverLimit(f"A project has at most {settings.CYCLADES_MAX_ROUTERS} routers.")
    with atomic():
        if network is not None:
            network = lock(network.pk)
        router = Router.objects.create(
            name=name, description=description, admin_state_up=admin_state_up, snat=snat, userid=caller.user,
            project=caller.project, shared_to_project=caller.shares_by_default,
        )  # fmt: skip
        if network is not None:
            _lead_out(router, network)
        record(caller, "router.create", ROUTER, router.pk, name=name)
    return get(caller, router.uuid)


def update(
    caller: Caller, uuid: str, *, name: str | None = None, description: str | None = None,
    admin_state_up: bool | None = None, snat: bool | None = None,
    routes: Iterable[Mapping[str, str]] | None = None,
) -> Router:  # fmt: skip
    """Change what is not None. Raises BadRequest for routes that lead nowhere."""
    _check_texts(name or "", description or "")
    found = get(caller, uuid)
    with atomic():
        router = lock_router(found.pk)
        plain = {"name": name, "description": description, "admin_state_up": admin_state_up, "snat": snat}
        for field, value in plain.items():
            if value is not None:
                setattr(router, field, value)
        if routes is not None:
            router.routes = _checked_routes(router, routes)
        router.save()
        router_changed(router, caller)
        record(caller, "router.update", ROUTER, router.pk)
    return get(caller, uuid)


def change_routes(
    caller: Caller,
    uuid: str,
    *,
    add: Iterable[Mapping[str, str]] = (),
    remove: Iterable[Mapping[str, str]] = (),
) -> Router:
    """Some routes more and some less; the others stay. Raises as ``update``."""
    found = get(caller, uuid)
    with atomic():
        router = lock_router(found.pk)
        gone = [(route["destination"], route["nexthop"]) for route in remove]
        kept = [route for route in router.routes if (route["destination"], route["nexthop"]) not in gone]
        return update(caller, uuid, routes=[*kept, *add])


def set_gateway(caller: Caller, uuid: str, external: str | None) -> Router:
    """Lead out to this public network, or (None) to none. Raises Conflict while floating IPs need it."""
    found = get(caller, uuid)
    network = None if external is None else _public(caller, external)
    with atomic():
        for network_id in sorted({item for item in (found.external_id, network and network.pk) if item}):
            lock(network_id)
        router = lock_router(found.pk)
        if router.external_id != (network and network.pk):
            if _led_through(router).exists():
                raise Conflict(
                    f"Gateway cannot be updated for router {uuid}: it is required by floating IPs."
                )
            for port in router.ports.filter(device_owner=GATEWAY):
                discard(port, caller)
            router.external = None
            router.save(update_fields=("external", "updated"))
            if network is not None:
                _lead_out(router, network)
            router_changed(router, caller)
            record(caller, "router.gateway", ROUTER, router.pk, network=network and network.pk)
    return get(caller, uuid)


def delete(caller: Caller, uuid: str) -> None:
    """Raises Conflict while it joins networks."""
    found = get(caller, uuid)
    with atomic():
        if found.external_id is not None:
            lock(found.external_id)
        router = lock_router(found.pk)
        if router.ports.filter(device_owner=INTERFACE).exists():
            raise Conflict(f"Router {uuid} still has ports")
        engine.supersede(ROUTER, router.pk)
        router.deleting, router.revision = True, router.revision + 1
        router.save(update_fields=("deleting", "revision", "updated"))
        if router.in_backends.exists():
            engine.start(RemoveRouter, targets=[(ROUTER, router.pk)], actor=caller)
        else:
            forget_router(router)
        record(caller, "router.delete", ROUTER, found.pk, name=found.name)


def add_interface(
    caller: Caller, uuid: str, *, subnet_uuid: str | None = None, port_uuid: str | None = None
) -> tuple[Router, Port, Subnet]:
    """Join a subnet, as its gateway, or have this port as one's own.

    Raises BadRequest (no gateway, ranges that overlap), Conflict (address or port in use), ItemNotFound.
    """
    found = get(caller, uuid)
    if (subnet_uuid is None) == (port_uuid is None):
        raise BadRequest("Either subnet_id or port_id must be specified, and not both.")
    port = None if port_uuid is None else ports.get(caller, port_uuid)
    subnet = get_subnet(caller, subnet_uuid) if subnet_uuid is not None else None
    network_id = port.network_id if port is not None else subnet.network_id if subnet is not None else 0
    with atomic():
        network = lock(network_id)
        if network.public:
            raise Forbidden("A public network is joined as the router's gateway.")
        router = lock_router(found.pk)
        owner = caller.in_place_of(router.userid, router.project)
        leg = _as_leg(port) if port is not None else _new_leg(owner, network, subnet)
        own = [ip.subnet for ip in leg.addresses.select_related("subnet")]
        _check_apart(router, own if subnet is None else [subnet])
        leg.router, leg.device_owner, leg.device_id = router, INTERFACE, ""
        leg.save()
        if subnet is not None:
            addresses.take(caller, subnet, wanted=subnet.gateway, port=leg)
        changed(network, caller)
        router_changed(router, caller)
        record(caller, "router.join", ROUTER, router.pk, network=network.pk, port=leg.pk)
    first = leg.addresses.select_related("subnet").order_by("pk")[0]
    return get(caller, uuid), ports.get(caller, leg.uuid), first.subnet


def remove_interface(
    caller: Caller, uuid: str, *, subnet_uuid: str | None = None, port_uuid: str | None = None
) -> tuple[Router, Port, Subnet]:
    """Leave a network. Raises ItemNotFound (it has no such interface), Conflict (it is needed)."""
    found = get(caller, uuid)
    legs = Port.objects.filter(router=found, device_owner=INTERFACE)
    if port_uuid is not None:
        legs = legs.filter(uuid=port_uuid)
    if subnet_uuid is not None:
        legs = legs.filter(addresses__subnet__uuid=subnet_uuid)
    leg = legs.select_related("network").first()
    if leg is None or (subnet_uuid is None and port_uuid is None):
        raise ItemNotFound(f"Router {uuid} does not have an interface with id {port_uuid or subnet_uuid}")
    with atomic():
        network = lock(leg.network_id)
        router = lock_router(found.pk)
        subnets = [ip.subnet for ip in leg.addresses.select_related("subnet").order_by("pk")]
        _check_not_needed(router, leg, subnets)
        discard(leg, caller)
        changed(network, caller)
        router_changed(router, caller)
        record(caller, "router.leave", ROUTER, router.pk, network=network.pk)
    return found, leg, subnets[0]


def gateway_of(subnet: Subnet) -> Router | None:
    """The router that is a subnet's gateway."""
    if subnet.gateway is None:
        return None
    legs = Port.objects.filter(
        router__isnull=False, addresses__subnet=subnet, addresses__address=subnet.gateway
    )
    leg = legs.select_related("router__external").first()
    return None if leg is None else leg.router


def gateways_of(subnets: Iterable[int]) -> dict[int, str]:
    """The uuids of the routers that are gateways, by subnet."""
    legs = IPAddress.objects.filter(
        subnet__in=set(subnets), port__router__isnull=False, address=F("subnet__gateway")
    )
    return dict(legs.values_list("subnet", "port__router__uuid"))


def _lead_out(router: Router, network: Network) -> None:
    """Give a router an address on a locked public network; its port there is nobody's."""
    nobody = Caller(user="", project="")
    subnet = network.subnets.filter(ip_version=4).order_by("pk").first()
    if subnet is None or network.drained:
        raise Conflict(f"No more IP addresses available on network {network.uuid}.")
    port = ports.bare(nobody, network, members=())
    port.router, port.device_owner, port.state = router, GATEWAY, Port.State.ACTIVE
    port.save()
    addresses.take(nobody, subnet, wanted=None, port=port)
    router.external = network
    router.save(update_fields=("external", "updated"))


def _public(caller: Caller, uuid: str) -> Network:
    network = get_network(caller, uuid)
    if not network.floating_ip_pool:
        raise BadRequest(f"Bad router request: Network {uuid} is not an external network.")
    return network


def _as_leg(port: Port) -> Port:
    """A port as it is now, if a router can have it. Raises Conflict, BadRequest."""
    now = Port.objects.filter(pk=port.pk).first()
    if now is None:
        raise ItemNotFound(f"Port {port.uuid} could not be found.")
    if now.server_id is not None or now.router_id is not None:
        raise Conflict(f"Unable to complete operation on port {port.uuid}: it is in use.")
    if not now.addresses.exists():
        raise BadRequest("Bad router request: Router port must have at least one fixed IP.")
    return now


def _new_leg(caller: Caller, network: Network, subnet: Subnet | None) -> Port:
    if subnet is None or subnet.gateway is None:
        raise BadRequest("Bad router request: Subnet for router interface must have a gateway IP.")
    return ports.bare(caller, network, members=())


def _check_apart(router: Router, new: Sequence[Subnet]) -> None:
    """Raises BadRequest if what the router joins now overlaps with what it has joined."""
    for leg in IPAddress.objects.filter(port__router=router, port__device_owner=INTERFACE).select_related(
        "subnet"
    ):
        for subnet in new:
            if subnet.pk == leg.subnet_id:
                raise BadRequest(f"Bad router request: Router already has a port on subnet {subnet.uuid}.")
            if subnet.ip_version == leg.ip_version and subnet.range.overlaps(leg.subnet.range):
                raise BadRequest(
                    f"Bad router request: Cidr {subnet.cidr} of subnet {subnet.uuid} overlaps with cidr "
                    f"{leg.subnet.cidr} of subnet {leg.subnet.uuid}."
                )


def _check_not_needed(router: Router, leg: Port, subnets: Sequence[Subnet]) -> None:
    """Raises Conflict if floating IPs or routes go through this interface."""
    if _led_through(router).filter(nat_port__network=leg.network_id).exists():
        raise Conflict(
            f"Router interface for subnet {subnets[0].uuid} on router {router.uuid} cannot be deleted, "
            "as it is required by one or more floating IPs."
        )
    for route in router.routes:
        if any(ipaddress.ip_address(route["nexthop"]) in subnet.range for subnet in subnets):
            raise Conflict(
                f"Router interface for subnet {subnets[0].uuid} on router {router.uuid} cannot be deleted, "
                "as it is required by one or more routes."
            )


def _led_through(router: Router) -> QuerySet[IPAddress]:
    """Floating IPs that lead to ports behind a router."""
    joined = IPAddress.objects.filter(port__router=router, port__device_owner=INTERFACE).values("network")
    return IPAddress.objects.filter(
        floating_ip=True, nat_port__network__in=joined, network_id=router.external_id
    )


def _checked_routes(router: Router, routes: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Routes by way of neighbours that the router has. Raises BadRequest."""
    joined = [
        ip.subnet.range for ip in IPAddress.objects.filter(port__router=router).select_related("subnet")
    ]
    own = set(IPAddress.objects.filter(port__router=router).values_list("address", flat=True))
    found: list[dict[str, str]] = []
    for route in routes:
        try:
            destination = ipaddress.ip_network(route["destination"], strict=False)
            nexthop = ipaddress.ip_address(route["nexthop"])
        except ValueError as error:
            raise BadRequest(f"Invalid input for routes: {error}") from None
        if destination.version != nexthop.version or not any(nexthop in space for space in joined):
            raise BadRequest(
                f"Invalid format for routes: the nexthop {nexthop} is not connected with router."
            )
        if str(nexthop) in own:
            raise BadRequest(f"Invalid format for routes: the nexthop {nexthop} is used by router.")
        one = {"destination": str(destination), "nexthop": str(nexthop)}
        if one not in found:
            found.append(one)
    if len(found) > MAX_ROUTES:
        raise BadRequest(f"Unable to complete operation: a router has at most {MAX_ROUTES} routes.")
    return found


def _check_texts(*texts: str) -> None:
    if any(len(text) > 255 for text in texts):
        raise BadRequest("Invalid input: names and descriptions have at most 255 characters.")
