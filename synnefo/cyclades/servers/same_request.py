"""A request for a server as kamaki, openstack and Terraform make it, with what is made for it first."""

from __future__ import annotations

import dataclasses

from synnefo.common.caller import Caller
from synnefo.common.same_request import Raw, Same, Value, command, label_of, positional, resource
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.keypairs.same_request import create_key
from synnefo.cyclades.networks.models import Network
from synnefo.cyclades.networks.same_request import create_network, in_project

_USER_DATA_FILE = "user-data"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is chosen so far. ``new_key`` is (name, public key), ``new_network`` is (name, range)."""

    name: str = ""
    image: Image | None = None
    flavor: Flavor | None = None
    network: Network | None = None
    new_network: tuple[str, str] | None = None
    key: str = ""
    new_key: tuple[str, str] | None = None
    pool: Network | None = None
    user_data: str = ""

    @property
    def label(self) -> str:
        return label_of(self.name, "server")


def create_server(caller: Caller, wanted: Wanted) -> Same:
    brought = _brought(caller, wanted)
    return Same(
        kamaki="\n".join([*(one.kamaki for one in brought), *_kamaki(caller, wanted)]),
        openstack="\n".join([*(one.openstack for one in brought), *_openstack(wanted)]),
        terraform="\n\n".join([*(one.terraform for one in brought), *_terraform(wanted)]),
    )


def _brought(caller: Caller, wanted: Wanted) -> list[Same]:
    """The key and the network that are made first."""
    found = []
    if wanted.new_key:
        name, content = wanted.new_key
        found.append(create_key(name=name, public_key=content or "ssh-ed25519 AAAA… you@laptop"))
    if wanted.new_network:
        name, cidr = wanted.new_network
        found.append(create_network(caller, name=name, cidr=cidr, dhcp=True, gateway=True))
    return found


def _kamaki(caller: Caller, wanted: Wanted) -> list[str]:
    number = str(wanted.network.pk) if wanted.network else "NETWORK_ID"
    lines = ["# kamaki 0.16 cannot hand over user data"] if wanted.user_data else []
    key = _key_name(wanted)
    lines.append(
        command(
            "kamaki server create",
            ("--name", wanted.name or "NAME"),
            ("--flavor-id", str(wanted.flavor.pk) if wanted.flavor else "FLAVOR"),
            ("--image-id", wanted.image.uuid if wanted.image else "IMAGE"),
            ("--network", number) if _network_name(wanted) else "--no-network",
            ("--key-name", key) if key else None,
            in_project(caller),
        )
    )
    if wanted.pool:
        pool = ("--network-id", str(wanted.pool.pk))
        lines.append(command("kamaki ip create", pool, in_project(caller)))
        lines.append(command("kamaki ip attach", Raw("ADDRESS"), ("--server-id", Raw("SERVER_ID"))))
    return lines


def _openstack(wanted: Wanted) -> list[str]:
    key, name = _key_name(wanted), wanted.name or "NAME"
    lines = []
    if wanted.user_data:
        lines.append(_here_document(wanted.user_data))
    lines.append(
        command(
            "openstack server create",
            ("--image", wanted.image.name if wanted.image else "IMAGE"),
            ("--flavor", wanted.flavor.name if wanted.flavor else "FLAVOR"),
            ("--network", _network_name(wanted)) if _network_name(wanted) else "--nic none",
            ("--key-name", key) if key else None,
            ("--user-data", _USER_DATA_FILE) if wanted.user_data else None,
            positional(name),
        )
    )
    if wanted.pool:
        lines.append(command("openstack floating ip create", positional(wanted.pool.name)))
        lines.append(command("openstack server add floating ip", positional(name), Raw("ADDRESS")))
    return lines


def _terraform(wanted: Wanted) -> list[str]:
    """The server; with a floating IP also its port, which both are led to."""
    label, found = wanted.label, []
    network: dict[str, Value] = {}
    new = label_of(wanted.new_network[0], "network") if wanted.new_network else ""
    network_id: str = Raw(f"openstack_networking_network_v2.{new}.id") if new else ""
    if wanted.network:
        network_id = wanted.network.uuid
    if network_id:
        network = {"uuid": network_id}
    if network_id and wanted.pool:
        fixed = {"fixed_ip": {"subnet_id": Raw(f"openstack_networking_subnet_v2.{new}.id")}} if new else {}
        found.append(resource("openstack_networking_port_v2", label, {"network_id": network_id, **fixed}))
        network = {"port": Raw(f"openstack_networking_port_v2.{label}.id")}
    body: dict[str, Value] = {
        "name": wanted.name or "NAME",
        "image_id": wanted.image.uuid if wanted.image else "IMAGE",
        "flavor_id": wanted.flavor.uuid if wanted.flavor else "FLAVOR",
    }
    if key := _key_name(wanted):
        body["key_pair"] = key
    if wanted.new_key:
        body["key_pair"] = Raw(f"openstack_compute_keypair_v2.{label_of(wanted.new_key[0], 'key')}.name")
    if wanted.user_data:
        body["user_data"] = wanted.user_data
    if new and not wanted.pool:
        body["depends_on"] = Raw(f"[openstack_networking_subnet_v2.{new}]")
    if network:
        body["network"] = network
    else:
        body["network_mode"] = "none"
    found.append(resource("openstack_compute_instance_v2", label, body))
    if network_id and wanted.pool:
        lead = {"pool": wanted.pool.name, "port_id": Raw(f"openstack_networking_port_v2.{label}.id")}
        found.append(resource("openstack_networking_floatingip_v2", label, lead))
    return found


def _key_name(wanted: Wanted) -> str:
    return wanted.new_key[0] if wanted.new_key else wanted.key


def _network_name(wanted: Wanted) -> str:
    if wanted.new_network:
        return wanted.new_network[0]
    if wanted.network:
        return wanted.network.name or wanted.network.uuid
    return ""


def _here_document(text: str) -> str:
    """The user data into a file, whatever its lines are."""
    end = "EOF"
    while end in text.splitlines():
        end += "_"
    return f"cat > {_USER_DATA_FILE} <<'{end}'\n{text.rstrip(chr(10))}\n{end}"
