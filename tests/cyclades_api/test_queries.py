"""Lists ask the database as often for twenty rows as for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from synnefo.common.ids import new_uuid
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.networks.models import IPAddress, Network, Port, Router, SecurityGroup, Subnet
from synnefo.cyclades.servers.models import Server, ServerGroup, ServerMetadata
from tests.cyclades_api.conftest import Api, World

LISTS = [
    "compute/v2.1/servers",
    "compute/v2.1/servers/detail",
    "compute/v2.1/flavors/detail",
    "compute/v2.1/os-keypairs",
    "compute/v2.1/os-server-groups",
    "network/v2.0/networks",
    "network/v2.0/subnets",
    "network/v2.0/ports",
    "network/v2.0/floatingips",
    "network/v2.0/network-ip-availabilities",
    "network/v2.0/routers",
    "network/v2.0/security-groups",
    "network/v2.0/security-group-rules",
    "image/v2/images",
]


def copies(row: Any, count: int, **changes: Callable[[int], Any]) -> list[Any]:
    """New rows like this one but for the named fields."""
    made = []
    for number in range(count):
        copy = type(row).objects.get(pk=row.pk)
        copy.pk = None
        copy._state.adding = True
        for field, value in changes.items():
            setattr(copy, field, value(number))
        copy.save()
        made.append(copy)
    return made


@pytest.fixture
def many(world: World) -> Callable[[], None]:
    """Makes twenty more of everything that is alice's."""
    from synnefo.cyclades.flavors import rules as flavors
    from synnefo.cyclades.images.models import Image
    from synnefo.cyclades.keypairs.models import KeyPair
    from tests.conftest import SYSTEM

    def make() -> None:
        fresh = {"uuid": lambda number: new_uuid()}
        networks = copies(Network.objects.get(uuid=world.ids["network"]), 20, **fresh)
        subnet = Subnet.objects.get(uuid=world.ids["subnet"])
        subnets = copies(subnet, 20, **fresh, network=networks.__getitem__)
        servers = copies(Server.objects.get(uuid=world.ids["server"]), 20, **fresh)
        copies(ServerGroup.objects.get(), 20, **fresh)
        for server in servers:
            ServerMetadata.objects.create(server=server, key="k", value="v")
        port = Port.objects.get(uuid=world.ids["port"])
        ports = copies(
            port, 20, **fresh, server=servers.__getitem__, network=networks.__getitem__,
            mac=lambda number: f"02:00:00:00:00:{number:02x}",
        )  # fmt: skip
        copies(
            port.addresses.get(), 20, **fresh, port=ports.__getitem__, subnet=subnets.__getitem__,
            network=networks.__getitem__,
        )  # fmt: skip
        floating = IPAddress.objects.get(uuid=world.ids["floating"])
        copies(
            floating, 20, **fresh, nat_port=ports.__getitem__, number=lambda number: number,
            address=lambda number: f"198.51.100.{number}",
        )  # fmt: skip
        copies(Router.objects.get(uuid=world.ids["router"]), 20, **fresh)
        group = SecurityGroup.objects.get(uuid=world.ids["group"])
        groups = copies(group, 20, **fresh)
        copies(group.rules.get(direction="ingress"), 20, **fresh, group=groups.__getitem__)
        copies(Image.objects.get(uuid=world.ids["image"]), 20, **fresh)
        copies(KeyPair.objects.get(), 20, name=lambda number: f"key-{number}")
        for cpu in range(2, 22):
            flavors.create(SYSTEM, cpu=cpu, ram=512, disk=1)

    return make


def rows_and_queries(alice: Api, path: str) -> tuple[int, int]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        body = alice.json("GET", path)
    rows = next(
        value for key, value in body.items() if isinstance(value, list) and not key.endswith("_links")
    )
    return len(rows), len(captured)


def test_queries_do_not_grow_with_the_list(world: World, many: Callable[[], None]) -> None:
    few = {path: rows_and_queries(world.alice, path) for path in LISTS}
    many()
    for path in LISTS:
        rows, queries = rows_and_queries(world.alice, path)
        assert rows >= few[path][0] + 20, path
        assert queries <= few[path][1], path
        assert queries <= 12, path


OF_ADMINISTRATORS = (
    "compute/v2.1/os-hypervisors",
    "compute/v2.1/os-hypervisors/detail",
    "compute/v2.1/os-services",
    "compute/v2.1/os-hosts",
    "compute/v2.1/os-availability-zone/detail",
    "compute/v2.1/servers/detail?all_tenants=1",
    "compute/v2.1/os-simple-tenant-usage?detailed=1",
)


def test_nor_do_those_of_lists_of_administrators(world: World, many: Callable[[], None]) -> None:
    few = {path: rows_and_queries(world.admin, path)[1] for path in OF_ADMINISTRATORS}
    many()
    for number in range(20):
        Backend.objects.create(name=f"engine-{number}", kind="local")
    for path, queries in few.items():
        assert rows_and_queries(world.admin, path)[1] <= queries <= 12, path


def test_nor_do_those_of_a_servers_own_lists(world: World) -> None:
    row = Server.objects.get(uuid=world.ids["server"])
    parts = ("metadata", "os-interface", "os-volume_attachments", "os-security-groups", "os-instance-actions")
    few = {part: _queries_of(world.alice, f"compute/v2.1/servers/{row.uuid}/{part}") for part in parts}
    fresh = {"uuid": lambda number: new_uuid()}
    copies(row.volumes.get(index=0), 20, **fresh, index=lambda number: number + 100)
    ports = copies(
        Port.objects.get(uuid=world.ids["port"]), 20, **fresh,
        mac=lambda number: f"02:00:00:00:01:{number:02x}",
    )  # fmt: skip
    for port in ports:
        port.security_groups.set(SecurityGroup.objects.filter(uuid=world.ids["group"]))
    for part, queries in few.items():
        assert _queries_of(world.alice, f"compute/v2.1/servers/{row.uuid}/{part}") <= queries <= 12, part


def _queries_of(api: Api, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        api.json("GET", path)
    return len(captured)
