"""A whole cloud with real virtual machines for other projects' tests and clients, on a machine of its own.

What they are told to use is made by ``interop.furnish``: an image, registered twice, two flavors, users.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from interop.furnish import FLAVOR, IMAGE, OTHER_FLAVOR, OTHER_IMAGE, PUBLIC
from synnefo.cyclades.openstack.microversions import MOST
from tests.cloud import ROOT, Cloud, running_cloud

#: How many of tempest's workers at a time there are projects for.
WORKERS = 2
#: What a cloud's processes need of a machine that does many other things meanwhile.
_SETTINGS = {"CYCLADES_SHUTDOWN_TIMEOUT_S": "10"}


@dataclasses.dataclass(frozen=True)
class Whole:
    """The cloud, and the ids of what is there, by what it is called above."""

    cloud: Cloud
    ids: dict[str, str]
    people: list[dict[str, Any]]

    def for_tempest(self, place: Path) -> str:
        """What tempest must know of what there is, and of what this cloud offers.

        Its users are there already, each with a network: administrators make none for others.
        """
        accounts = place / "accounts.yaml"
        accounts.write_text(json.dumps([_administrator(self.cloud), *self.people]))
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
max_microversion = 2.{MOST}
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
        inside = cloud.machine.inside(sys.executable, "-m", "interop.furnish", str(WORKERS))
        done = subprocess.run(
            inside, env=cloud.environment(), cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=300
        )
        found = json.loads(done.stdout.splitlines()[-1])
        yield Whole(cloud, found["things"], found["people"])


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
