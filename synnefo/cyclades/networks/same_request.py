"""Requests for networks and floating IPs as kamaki, openstack and Terraform make them."""

from __future__ import annotations

from synnefo.common.caller import Caller
from synnefo.common.same_request import Raw, Same, Value, command, label_of, positional, resource
from synnefo.cyclades.networks.models import Network, Port


def in_project(caller: Caller) -> tuple[str, str] | None:
    """What kamaki needs to work in another project than one's own."""
    return None if caller.project == caller.user else ("--project-id", caller.project)


def create_network(caller: Caller, *, name: str, cidr: str, dhcp: bool, gateway: bool) -> Same:
    label = label_of(name, "network")
    subnet: dict[str, Value] = {
        "network_id": Raw(f"openstack_networking_network_v2.{label}.id"),
        "cidr": cidr,
        **({} if dhcp else {"enable_dhcp": False}),
        **({} if gateway else {"no_gateway": True}),
    }
    return Same(
        kamaki="\n".join(
            [
                command("kamaki network create", ("--name", name), in_project(caller)),
                command(
                    "kamaki subnet create", ("--network-id", Raw("NETWORK_ID")), ("--cidr", cidr),
                    "--with-dhcp" if dhcp else None, None if gateway else "--no-gateway",
                ),
            ]
        ),
        openstack="\n".join(
            [
                command("openstack network create", positional(name)),
                command(
                    "openstack subnet create", ("--network", name), ("--subnet-range", cidr),
                    None if dhcp else "--no-dhcp", None if gateway else "--gateway none", positional(name),
                ),
            ]
        ),
        terraform="\n\n".join(
            [
                resource("openstack_networking_network_v2", label, {"name": name}),
                resource("openstack_networking_subnet_v2", label, subnet),
            ]
        ),
    )  # fmt: skip


def create_floating_ip(caller: Caller, pool: Network | None, port: Port | None) -> Same:
    """Take a floating IP and lead it to a port, if one is named."""
    pool_name = pool.name if pool else Raw("NETWORK")
    kamaki = [
        command("kamaki ip create", ("--network-id", str(pool.pk)) if pool else None, in_project(caller))
    ]
    if port is not None and port.server_id is not None:
        kamaki.append(command("kamaki ip attach", Raw("ADDRESS"), ("--server-id", str(port.server_id))))
    lead = ("--port", port.uuid) if port else None
    body: dict[str, Value] = {"pool": pool_name, **({"port_id": port.uuid} if port else {})}
    return Same(
        kamaki="\n".join(kamaki),
        openstack=command("openstack floating ip create", lead, positional(pool_name)),
        terraform=resource("openstack_networking_floatingip_v2", "address", body),
    )


def create_router(*, name: str, external: Network | None) -> Same:
    """A router that leads out to a public network, if one is named, and then joins a subnet."""
    lead = ("--external-gateway", external.name or external.uuid) if external else None
    body: dict[str, Value] = {"name": name}
    if external is not None:
        body["external_network_id"] = external.uuid
    label = label_of(name, "router")
    joined: dict[str, Value] = {
        "router_id": Raw(f"openstack_networking_router_v2.{label}.id"),
        "subnet_id": Raw("SUBNET_ID"),
    }
    return Same(
        kamaki="# kamaki knows no routers",
        openstack="\n".join(
            [
                command("openstack router create", lead, positional(name)),
                command("openstack router add subnet", positional(name), positional(Raw("SUBNET"))),
            ]
        ),
        terraform="\n\n".join(
            [
                resource("openstack_networking_router_v2", label, body),
                resource("openstack_networking_router_interface_v2", label, joined),
            ]
        ),
    )
