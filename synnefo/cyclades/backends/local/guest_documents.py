"""What a guest can ask about itself, as the documents of EC2 and of OpenStack.

Owns their shapes, which the metadata service and the configuration drive share. It reads and writes nothing.
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from synnefo.cyclades.backends.base import GuestFile, InstanceSpec, Nic

#: A directory, by the names of its entries; texts and bytes are files.
Tree = Mapping[str, Any]

EC2_VERSIONS = (
    *("1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15"),
    *("2008-02-01", "2008-09-01", "2009-04-04", "latest"),
)
OPENSTACK_VERSIONS = (
    *("2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06"),
    *("2017-02-22", "2018-08-27", "2020-10-14", "latest"),
)
_MTU = 1500


@dataclasses.dataclass(frozen=True)
class Guest:
    """What is known of a guest. ``address`` is its fixed one, on the network that it asks from."""

    instance_id: str
    hostname: str
    address: str = ""
    public_ipv4: str | None = None
    nics: Sequence[Nic] = ()
    ssh_keys: Sequence[str] = ()
    user_data: bytes = b""
    admin_password: str | None = None
    files: Sequence[GuestFile] = ()
    availability_zone: str = ""
    project: str = ""
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, spec: InstanceSpec, address: str = "", public_ipv4: str | None = None) -> Guest:
        told = {field.name: getattr(spec.guest, field.name) for field in dataclasses.fields(spec.guest)}
        return cls(**told, nics=spec.nics, address=address, public_ipv4=public_ipv4)


def service(guest: Guest) -> Tree:
    """Everything that the metadata service has for a guest."""
    ec2 = _ec2(guest)
    openstack = {**_openstack(guest), "password": ""}
    return {
        **dict.fromkeys(EC2_VERSIONS, ec2),
        "openstack": {**dict.fromkeys(OPENSTACK_VERSIONS, openstack), "content": _contents(guest)},
    }


def config_drive(guest: Guest) -> Tree:
    """The files of a configuration drive."""
    ec2 = {"meta-data.json": json.dumps(_ec2_metadata(guest)), **_user_data(guest, "user-data")}
    openstack = {**dict.fromkeys(("2012-08-10", "2018-08-27", "latest"), _openstack(guest))}
    return {
        "ec2": {"2009-04-04": ec2, "latest": ec2},
        "openstack": {**openstack, **({"content": _contents(guest)} if guest.files else {})},
    }


def _ec2(guest: Guest) -> Tree:
    return {"meta-data": _ec2_metadata(guest), **_user_data(guest, "user-data")}


def _ec2_metadata(guest: Guest) -> dict[str, Any]:
    keys = {str(number): {"openssh-key": key} for number, key in enumerate(guest.ssh_keys)}
    return {
        "ami-id": "ami-00000001",
        "ami-launch-index": "0",
        "ami-manifest-path": "",
        "block-device-mapping": {"ami": "vda", "root": "/dev/vda"},
        "hostname": guest.hostname,
        "instance-action": "none",
        "instance-id": guest.instance_id,
        "local-hostname": guest.hostname,
        "local-ipv4": guest.address,
        "placement": {"availability-zone": guest.availability_zone or "nova"},
        "public-hostname": guest.hostname,
        "public-ipv4": guest.public_ipv4 or "",
        **({"public-keys": keys} if keys else {}),
        "reservation-id": f"r-{uuid.uuid5(uuid.NAMESPACE_OID, guest.instance_id).hex[:8]}",
    }


def _openstack(guest: Guest) -> Tree:
    return {
        "meta_data.json": json.dumps(_meta_data(guest)),
        "network_data.json": json.dumps(_network_data(guest)),
        "vendor_data.json": "{}",
        "vendor_data2.json": "{}",
        **_user_data(guest, "user_data"),
    }


def _meta_data(guest: Guest) -> Tree:
    keys = {f"key-{number}": key for number, key in enumerate(guest.ssh_keys)}
    files = [
        {"path": file.path, "content_path": f"/content/{number:04}"}
        for number, file in enumerate(guest.files)
    ]
    return {
        "uuid": guest.instance_id,
        "name": guest.hostname,
        "hostname": guest.hostname,
        "launch_index": 0,
        "availability_zone": guest.availability_zone or "nova",
        "project_id": guest.project,
        "meta": dict(guest.metadata),
        "public_keys": keys,
        "keys": [{"name": name, "type": "ssh", "data": key} for name, key in keys.items()],
        "devices": [],
        **({"files": files} if files else {}),
        **({"admin_pass": guest.admin_password} if guest.admin_password else {}),
    }


def _network_data(guest: Guest) -> Tree:
    """Every card; it is to ask for its addresses."""
    links, networks = [], []
    for number, nic in enumerate(guest.nics):
        link = {
            "id": nic.name,
            "vif_id": nic.name,
            "type": "phy",
            "ethernet_mac_address": nic.mac,
            "mtu": _MTU,
        }
        links.append(link)
        addresses = [nic.ip or "", *nic.more_ips]
        kinds = {"ipv4_dhcp"} if any("." in address for address in addresses) else set()
        kinds |= {"ipv6_slaac"} if any(":" in address for address in addresses) else set()
        networks += [
            {"id": f"network{number}-{kind[:4]}", "type": kind, "link": nic.name, "network_id": nic.network}
            for kind in sorted(kinds)
        ]
    return {"links": links, "networks": networks, "services": []}


def _contents(guest: Guest) -> Tree:
    return {f"{number:04}": file.content for number, file in enumerate(guest.files)}


def _user_data(guest: Guest, name: str) -> Tree:
    return {name: guest.user_data} if guest.user_data else {}
