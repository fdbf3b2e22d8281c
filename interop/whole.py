"""A whole cloud with real virtual machines for other projects' tests and clients, on a machine of its own.

What they are told to use: an image, registered twice, two small flavors, and the public network. New projects
may have as much as they like.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.cloud import Cloud, running_cloud

IMAGE, OTHER_IMAGE = "tiny", "tiny-2"
FLAVOR, OTHER_FLAVOR = "small", "medium"
PUBLIC = "public"
#: How many users tempest has: as many as two workers need at a time.
PEOPLE = 6
_WITHOUT_LIMIT = (
    "cyclades.vm", "cyclades.cpu", "cyclades.total_cpu", "cyclades.ram", "cyclades.total_ram",
    "cyclades.disk", "cyclades.network.private", "cyclades.floating_ip", "pithos.diskspace",
)  # fmt: skip
#: What a cloud's processes need of a machine that does many other things meanwhile.
_SETTINGS = {"CYCLADES_SHUTDOWN_TIMEOUT_S": "10"}


@dataclasses.dataclass(frozen=True)
class Whole:
    """The cloud, and the ids of what is there, by what it is called above."""

    cloud: Cloud
    ids: dict[str, str]

    def for_tempest(self, place: Path) -> str:
        """What tempest must know of what there is, and of what this cloud offers.

        Its users are made here, each with a network: of networks of others administrators know nothing.
        """
        accounts = place / "accounts.yaml"
        people = [_person(self.cloud, number) for number in range(PEOPLE)]
        accounts.write_text(json.dumps([_administrator(self.cloud), *people]))
        return f"""
[auth]
use_dynamic_credentials = false
test_accounts_file = {accounts}
[enforce_scope]
nova = false
[service_available]
cinder = true
neutron = true
nova = true
glance = true
[compute]
image_ref = {self.ids[IMAGE]}
image_ref_alt = {self.ids[OTHER_IMAGE]}
flavor_ref = {self.ids[FLAVOR]}
flavor_ref_alt = {self.ids[OTHER_FLAVOR]}
build_timeout = 180
shelved_offload_time = 0
[compute-feature-enabled]
disk_config = true
config_drive = true
personality = true
console_output = true
vnc_console = true
resize = true
pause = true
suspend = true
shelve = true
snapshot = true
rescue = true
interface_attach = true
enable_instance_password = true
change_password = false
live_migration = false
cold_migration = false
metadata_service = true
[network]
public_network_id = {self.ids[PUBLIC]}
floating_network_name = {PUBLIC}
project_network_cidr = 10.100.0.0/16
project_network_mask_bits = 28
[validation]
run_validation = false
[volume]
volume_size = 1
disk_format = raw
build_timeout = 120
[volume-feature-enabled]
backup = false
snapshot = true
"""

    def variables(self, programs: Path) -> dict[str, str]:
        """The environment of a client of the administrator's, with its own programs first."""
        return {**self.cloud.environment(), **self.cloud.login(), "PATH": f"{programs}:{os.environ['PATH']}"}


@contextlib.contextmanager
def whole_cloud(port: int = 21100) -> Iterator[Whole]:
    with running_cloud("interop", port=port, **_SETTINGS) as cloud:
        for name in _WITHOUT_LIMIT:
            limits = ("--system-default", "inf", "--project-default", "inf")
            cloud.manage("resource-modify", name, *limits)
        yield Whole(cloud, _things(cloud))


def _administrator(cloud: Cloud) -> dict[str, Any]:
    login = cloud.login()
    return {
        "username": login["OS_USERNAME"],
        "password": login["OS_PASSWORD"],
        "project_name": login["OS_PROJECT_NAME"],
        "domain_name": "Default",
        "roles": ["admin"],
        "types": ["admin"],
    }


def _person(cloud: Cloud, number: int) -> dict[str, Any]:
    """A user with a network of his own, in the words of tempest's file of accounts."""
    email, password, network = f"person{number}@example.org", "correct-horse-9", f"own-{number}"
    user = cloud.new_user(email, password)
    cloud.openstack("network", "create", network, user=user)
    cloud.openstack(
        "subnet", "create", "--network", network, "--subnet-range", "10.100.0.0/24", network, user=user
    )
    project = cloud.openstack("token", "issue", user=user)["project_id"]
    return {
        "username": email,
        "password": password,
        "project_name": f"system:{project}",
        "domain_name": "Default",
        "roles": ["member", "reader"],
        "resources": {"network": network},
    }


def _things(cloud: Cloud) -> dict[str, str]:
    file = cloud.environment()["SYNNEFO_SAMPLE_IMAGE"]
    about = ("--disk-format", "qcow2", "--container-format", "bare", "--public", "--file", file)
    cloud.openstack("image", "create", *about, OTHER_IMAGE)
    for name, ram in ((FLAVOR, "64"), (OTHER_FLAVOR, "96")):
        cloud.openstack("flavor", "create", "--vcpus", "1", "--ram", ram, "--disk", "1", name)
    found = {}
    for kind, names in (
        ("image", (IMAGE, OTHER_IMAGE)), ("flavor", (FLAVOR, OTHER_FLAVOR)), ("network", (PUBLIC,)),
    ):  # fmt: skip
        rows = cloud.openstack(kind, "list")
        found.update({row["Name"]: row["ID"] for row in rows if row["Name"] in names})
    return found
