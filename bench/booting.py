"""From ``POST servers`` to a shell by SSH through a floating IP: the small image, QEMU of this machine.

Run by ``bench.whole`` inside the cloud's network, with ``OS_*`` of the administrator: URL, private key.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.common import Client, Figure, median, tell
from tests.cloud import SSH_OPTIONS, wait_until

ROUNDS = 3
AIM_S = 15
TIMEOUT_S = 120
COMPUTE, NETWORK = "/cyclades/openstack/compute/v2.1", "/cyclades/openstack/network/v2.0"


def main(url: str, key: str) -> None:
    user = User(url, Path(key))
    times_s = [round(user.round(number), 1) for number in range(ROUNDS)]
    tell(Figure("POST servers to SSH", median(times_s), "s", AIM_S, {"rounds": times_s}))


class User:
    """Somebody with a key pair, who makes a server as the command line would, by HTTP alone."""

    def __init__(self, url: str, key: Path) -> None:
        self.key = key
        self.client = Client(urlsplit(url).netloc, _token(urlsplit(url).netloc))
        public_key = key.with_suffix(".pub").read_text()
        self.post(f"{COMPUTE}/os-keypairs", {"keypair": {"name": "bench", "public_key": public_key}})
        flavors = self.get(f"{COMPUTE}/flavors/detail")["flavors"]
        networks = self.get(f"{NETWORK}/networks")["networks"]
        self.flavor = min(flavors, key=lambda flavor: flavor["ram"])["id"]
        self.image = self.get("/cyclades/openstack/image/v2/images")["images"][0]["id"]
        self.private = next(network["id"] for network in networks if not network["router:external"])
        self.public = next(network["id"] for network in networks if network["router:external"])
        self._let_in()

    def _let_in(self) -> None:
        """Have machines answer SSH from everywhere, which the default group does not."""
        (group,) = self.get(f"{NETWORK}/security-groups?name=default")["security_groups"]
        if not any(rule["port_range_min"] == 22 for rule in group["security_group_rules"]):
            rule = {"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp"}
            ports = {"port_range_min": 22, "port_range_max": 22}
            self.post(f"{NETWORK}/security-group-rules", {"security_group_rule": {**rule, **ports}})

    def round(self, number: int) -> float:
        """Seconds to a shell; the server is gone afterwards."""
        started = time.monotonic()
        server = self.post(f"{COMPUTE}/servers", {"server": self._wanted(f"bench-{number}")})["server"]["id"]
        port = self.get(f"{NETWORK}/ports?device_id={server}")["ports"][0]["id"]
        wanted = {"floating_network_id": self.public, "port_id": port}
        floating = self.post(f"{NETWORK}/floatingips", {"floatingip": wanted})["floatingip"]
        wait_until("SSH", lambda: self._has_shell(floating["floating_ip_address"]), TIMEOUT_S, every_s=0.1)
        took_s = time.monotonic() - started
        self.client.call("DELETE", f"{COMPUTE}/servers/{server}")
        wait_until("deletion", lambda: not self.get(f"{COMPUTE}/servers")["servers"], TIMEOUT_S)
        self.client.call("DELETE", f"{NETWORK}/floatingips/{floating['id']}")
        return took_s

    def get(self, path: str) -> Any:
        return self.client.call("GET", path)[1]

    def post(self, path: str, body: object) -> Any:
        return self.client.call("POST", path, body)[1]

    def _wanted(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "flavorRef": self.flavor,
            "imageRef": self.image,
            "key_name": "bench",
            "networks": [{"uuid": self.private}],
        }

    def _has_shell(self, address: str) -> bool:
        """Ask for a shell once somebody listens; an emulated guest takes its time for the handshake."""
        try:
            socket.create_connection((address, 22), timeout=0.5).close()
        except OSError:
            return False
        options = (*SSH_OPTIONS, "-o", "ConnectTimeout=20", "-i", str(self.key))
        command = ["ssh", *options, f"root@{address}", "echo here"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout.strip() == "here"


def _token(place: str) -> str:
    """Signs in as the ``OS_*`` variables say."""
    domain = {"id": "default"}
    user = {"name": os.environ["OS_USERNAME"], "domain": domain, "password": os.environ["OS_PASSWORD"]}
    project = {"name": os.environ["OS_PROJECT_NAME"], "domain": domain}
    identity = {"methods": ["password"], "password": {"user": user}}
    client = Client(place)
    client.call(
        "POST",
        "/astakos/identity/v3/auth/tokens",
        {"auth": {"identity": identity, "scope": {"project": project}}},
    )
    return client.answered["X-Subject-Token"]


if __name__ == "__main__":
    main(*sys.argv[1:])
