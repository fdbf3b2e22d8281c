"""A day in the life of a server, by Apache Libcloud; run by ``interop.clients`` in its environment.

The cloud and the administrator are in OS_* variables, what to make a server of in IMAGE, FLAVOR and NETWORK.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from libcloud.compute.providers import get_driver  # type: ignore[import-not-found]
from libcloud.compute.types import NodeState, Provider  # type: ignore[import-not-found]

TIMEOUT_S = 300


def connected(auth_version: str) -> Any:
    url = os.environ["OS_AUTH_URL"]
    base = url.partition("/v3")[0]
    return get_driver(Provider.OPENSTACK)(
        os.environ["OS_USERNAME"],
        os.environ["OS_PASSWORD"],
        ex_force_auth_url=base,
        ex_force_auth_version=auth_version,
        ex_tenant_name=os.environ["OS_PROJECT_NAME"],
        ex_domain_name="Default",
        ex_force_service_region=os.environ.get("OS_REGION_NAME", "default"),
        api_version="2.2",
    )


def check(what: str, holds: bool) -> None:
    if not holds:
        raise SystemExit(f"FAILED  {what}")
    print(f"ok  {what}", flush=True)


def wait(what: str, there: Callable[[], bool]) -> None:
    end = time.monotonic() + TIMEOUT_S
    while not there() and time.monotonic() < end:
        time.sleep(1)
    check(what, time.monotonic() < end)


def named(rows: Iterable[Any], name: str) -> Any:
    return next(row for row in rows if row.name == name)


def main() -> None:
    driver = connected("3.x_password")
    image = named(driver.list_images(), os.environ["IMAGE"])
    size = named(driver.list_sizes(), os.environ["FLAVOR"])
    network = named(driver.ex_list_networks(), os.environ["NETWORK"])
    check("zones", len(driver.list_locations()) == 1)
    key = driver.create_key_pair("libcloud")
    check("key pair", driver.get_key_pair("libcloud").public_key == key.public_key)
    node = driver.create_node(
        name="by-libcloud", image=image, size=size, networks=[network], ex_keyname="libcloud",
        ex_metadata={"made": "by libcloud"},
    )  # fmt: skip

    def state() -> Any:
        return driver.ex_get_node_details(node.id).state

    wait("server runs", lambda: state() == NodeState.RUNNING)
    node = named(driver.list_nodes(), "by-libcloud")
    check("addresses", bool(node.private_ips or node.public_ips))
    check("metadata", driver.ex_get_metadata(node) == {"made": "by libcloud"})
    check("console output", driver.ex_get_console_output(node)["output"] is not None)
    driver.ex_stop_node(node)
    wait("server is off", lambda: state() == NodeState.STOPPED)
    driver.ex_start_node(node)
    wait("server runs again", lambda: state() == NodeState.RUNNING)
    driver.ex_hard_reboot_node(node)
    wait("server runs after a reboot", lambda: state() == NodeState.RUNNING)

    volume = driver.create_volume(1, "by-libcloud")

    def volume_state() -> Any:
        return driver.ex_get_volume(volume.id).extra["state"]

    wait("volume is there", lambda: volume_state() == "available")
    driver.attach_volume(node, volume)
    wait("volume is in the server", lambda: volume_state() == "in-use")
    driver.detach_volume(driver.ex_get_volume(volume.id))
    wait("volume is free", lambda: volume_state() == "available")
    address = driver.ex_create_floating_ip(os.environ["PUBLIC"])
    driver.ex_attach_floating_ip_to_node(node, address)
    wait("floating IP", lambda: address.ip_address in named(driver.list_nodes(), "by-libcloud").public_ips)
    driver.ex_detach_floating_ip_from_node(node, address)
    driver.ex_delete_floating_ip(address)

    driver.destroy_node(node)
    wait("server is gone", lambda: all(row.id != node.id for row in driver.list_nodes()))
    driver.destroy_volume(volume)
    wait("volume is gone", lambda: all(row.id != volume.id for row in driver.list_volumes()))
    driver.delete_key_pair(key)


if __name__ == "__main__":
    main()
