"""Rows for the figures, made by the product's own rules and tables. Imported once Django is set up."""

from __future__ import annotations

import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from synnefo.astakos.accounts import rules, tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.projects import rules as projects
from synnefo.common.caller import Scope, system_caller
from synnefo.common.transactions import atomic
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.keypairs import rules as keypairs
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import IPAddress, Network, Port, Subnet
from synnefo.cyclades.servers.models import Server, ServerMetadata
from synnefo.cyclades.volumes.models import Volume

SYSTEM = system_caller("bench")
#: So many rows by one statement, whose parameters PostgreSQL counts with 16 bits.
_BATCH = 1000
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIJrZ4G9yR9HVtJ5vqVxJ0VkT7XhT0b1Wc8b6m0w6d3f bench"


def people(count: int, *, tokens_each: int) -> list[str]:
    """New accepted users with system projects; their tokens, scoped to these, one after the other."""
    with atomic():
        users = [person(f"user{number}") for number in range(count)]
        return [login(user) for _ in range(tokens_each) for user in users]


def administrator() -> User:
    return User.objects.filter(is_superuser=True).earliest("pk")


def login(user: User) -> str:
    """A token as signing in makes it, scoped to the user's system project."""
    expires = timezone.now() + datetime.timedelta(hours=6)
    return tokens.issue(
        user, kind="login", methods="password", project=projects.get(user.uuid), expires=expires
    )


def person(name: str) -> User:
    """An accepted user with a system project."""
    user = rules.create(SYSTEM, f"{name}@bench.example", name.title(), "Bench")
    return rules.accept(SYSTEM, rules.verify(SYSTEM, user))


def servers(owner: User, count: int) -> None:
    """Running servers of the owner: each with a disk, a card with two addresses, and two metadata."""
    flavor, image = Flavor.objects.earliest("pk"), Image.objects.earliest("pk")
    backend = Backend.objects.earliest("pk")
    owned = {"userid": owner.uuid, "project": owner.default_project}
    with atomic():
        made = Server.objects.bulk_create(
            (
                Server(
                    **owned,
                    name=f"server-{number}",
                    flavor=flavor,
                    backend=backend,
                    image=image.uuid,
                    operstate=Server.Oper.STARTED,
                    task=Server.Task.NONE,
                    launched_at=timezone.now(),
                )
                for number in range(count)
            ),
            batch_size=_BATCH,
        )
        ServerMetadata.objects.bulk_create(
            (
                ServerMetadata(server=server, key=key, value=f"{key} of {server.name}")
                for server in made
                for key in ("role", "stage")
            ),
            batch_size=_BATCH,
        )
        Volume.objects.bulk_create(
            (
                Volume(
                    **owned,
                    server=server,
                    index=0,
                    size_gib=flavor.disk,
                    volume_type=flavor.volume_type,
                    status=Volume.Status.IN_USE,
                    source=Volume.Source.IMAGE,
                    source_uuid=image.uuid,
                    backend=backend,
                    materialised=True,
                )
                for server in made
            ),
            batch_size=_BATCH,
        )
        _connect(made, owned)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # which the database does by itself a minute later


def _connect(made: list[Server], owned: dict[str, str]) -> None:
    private, private_range = _network("bench", "10.64.0.0/16", owned, public=False)
    public, public_range = _network("bench-public", "10.65.0.0/16", owned, public=True)
    cards = Port.objects.bulk_create(
        (
            Port(
                **owned,
                network=private,
                server=server,
                mac=f"aa:10:00:00:{number >> 8:02x}:{number & 255:02x}",
                state=Port.State.ACTIVE,
                device_owner=Port.OWNER_COMPUTE,
            )
            for number, server in enumerate(made)
        ),
        batch_size=_BATCH,
    )
    IPAddress.objects.bulk_create(
        (
            address
            for number, card in enumerate(cards, start=10)
            for address in (
                IPAddress(**owned, **_place(private, private_range, number), port=card),
                IPAddress(**owned, **_place(public, public_range, number), nat_port=card, floating_ip=True),
            )
        ),
        batch_size=_BATCH,
    )


def _network(name: str, cidr: str, owned: dict[str, str], *, public: bool) -> tuple[Network, Subnet]:
    network = Network.objects.create(**owned, name=name, public=public, floating_ip_pool=public)
    return network, Subnet.objects.create(network=network, cidr=cidr)


def _place(network: Network, subnet: Subnet, number: int) -> dict[str, Any]:
    address = subnet.range[number]
    return {"network": network, "subnet": subnet, "address": str(address), "number": int(address)}


def what_servers_need(owner: User) -> dict[str, Any]:
    """Flavor, image, key and network for a body of ``POST servers``, the last two made for the owner."""
    caller = tokens.identify(login(owner)).caller(Scope.PROJECT)
    keypairs.create(caller, "bench", PUBLIC_KEY)
    network = networks.create(caller, name="bench-servers")
    networks.create_subnet(caller, network.uuid, cidr="10.66.0.0/16")
    flavor, image = Flavor.objects.earliest("pk"), Image.objects.earliest("pk")
    return {
        "flavorRef": flavor.uuid,
        "imageRef": image.uuid,
        "key_name": "bench",
        "networks": [{"uuid": network.uuid}],
    }
