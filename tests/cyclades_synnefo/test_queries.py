"""Lists of Synnefo's facade ask the database as often for twenty rows as for one."""

from __future__ import annotations

import json

from django.db import connection
from django.test.utils import CaptureQueriesContext

from synnefo.common.ids import new_uuid
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.keypairs.models import KeyPair
from synnefo.cyclades.networks.models import IPAddress, Network, Port, Subnet
from synnefo.cyclades.servers.models import Server, ServerMetadata, ServerTag
from synnefo.cyclades.volumes.models import Volume
from tests.conftest import SYSTEM
from tests.cyclades_api.test_queries import copies
from tests.cyclades_synnefo.conftest import Api, World

LISTS = (
    "compute/v2.0/servers",
    "compute/v2.0/servers/detail",
    "compute/v2.0/flavors",
    "compute/v2.0/flavors/detail",
    "compute/v2.0/images",
    "compute/v2.0/images/detail",
    "compute/v2.0/os-keypairs",
    "compute/v2.0/os-floating-ips",
    "network/v2.0/networks",
    "network/v2.0/subnets",
    "network/v2.0/ports",
    "network/v2.0/floatingips",
    "volume/v2.0/volumes",
    "volume/v2.0/volumes/detail",
    "volume/v2.0/snapshots",
    "volume/v2.0/snapshots/detail",
    "image/v1.0/images",
    "image/v1.0/images/detail",
    "userdata/keys",
)


def more_of_everything(world: World) -> None:
    """Twenty more of everything that is alice's."""
    fresh = {"uuid": lambda _: new_uuid()}
    networks = copies(Network.objects.get(pk=world.ids["network"]), 20, **fresh)
    subnets = copies(Subnet.objects.get(pk=world.ids["subnet"]), 20, **fresh, network=networks.__getitem__)
    servers = copies(Server.objects.get(pk=world.ids["server"]), 20, **fresh)
    for server in servers:
        ServerMetadata.objects.create(server=server, key="k", value="v")
        ServerTag.objects.create(server=server, tag="green", status=ServerTag.Status.ACTIVE)
    port = Port.objects.get(pk=world.ids["port"])
    ports = copies(
        port, 20, **fresh, server=servers.__getitem__, network=networks.__getitem__,
        mac=lambda number: f"02:00:00:00:00:{number:02x}",
    )  # fmt: skip
    copies(
        port.addresses.get(), 20, **fresh, port=ports.__getitem__, subnet=subnets.__getitem__,
        network=networks.__getitem__,
    )  # fmt: skip
    copies(
        IPAddress.objects.get(pk=world.ids["spare_floating"]), 20, **fresh,
        number=lambda number: 200 + number, address=lambda number: f"198.18.0.{200 + number}",
    )  # fmt: skip
    copies(Volume.objects.get(pk=world.ids["volume"]), 20, **fresh, server=servers.__getitem__)
    for image in ("image", "snapshot"):
        copies(Image.objects.get(uuid=world.ids[image]), 20, **fresh)
    copies(KeyPair.objects.get(), 20, name=lambda number: f"key-{number}")
    for cpu in range(2, 22):
        flavors.create(SYSTEM, cpu=cpu, ram=512, disk=1)


def rows_and_queries(alice: Api, path: str) -> tuple[int, int]:
    with CaptureQueriesContext(connection) as captured:
        answer = alice("GET", path)
    assert answer.status_code == 200, answer.content
    body = json.loads(answer.content)
    rows = body if isinstance(body, list) else next(iter(body.values()))
    return len(rows), len(captured)


def test_queries_do_not_grow_with_the_list(world: World) -> None:
    few = {path: rows_and_queries(world.alice, path) for path in LISTS}
    more_of_everything(world)
    for path, (rows, queries) in few.items():
        now, asked = rows_and_queries(world.alice, path)
        assert now >= rows + 20, path
        assert asked <= queries, (path, queries, asked)
        assert asked <= 12, (path, asked)


def test_a_servers_own_lists_do_not_grow_either(world: World) -> None:
    server = world.ids["server"]
    paths = [
        f"compute/v2.0/servers/{server}/{part}" for part in ("metadata", "tags", "os-volume_attachments")
    ]
    few = {path: rows_and_queries(world.alice, path)[1] for path in paths}
    row = Server.objects.get(pk=server)
    volume = Volume.objects.get(pk=world.ids["volume"])
    copies(volume, 20, uuid=lambda _: new_uuid(), index=lambda number: number + 1)
    for number in range(20):
        ServerMetadata.objects.create(server=row, key=f"k{number}", value="v")
        ServerTag.objects.create(server=row, tag=f"t{number}", status=ServerTag.Status.ACTIVE)
    for path in paths:
        assert rows_and_queries(world.alice, path)[1] <= few[path], path
