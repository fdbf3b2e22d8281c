"""Clients of Synnefo's own facade, and a small world to point them at."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.conftest import People, Person
from tests.pictures import Rows, again_with_engine, rows_of, tables_of

PUBLIC_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHVbJQ8LVUdFQ2kNzJC9zzVYQSg6r5p0gRlP1gqkJf0V somebody@example.org"
)


@dataclasses.dataclass
class Api:
    """One client; ``token`` None is a stranger."""

    token: str | None = None

    def __call__(
        self, method: str, path: str, body: object = None, *, raw: bytes | None = None, **headers: str
    ) -> Any:
        """``content_type`` is JSON unless it is named; other keywords are headers."""
        kind = headers.pop("content_type", "application/json")
        if self.token is not None:
            headers["X-Auth-Token"] = self.token
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        return Client().generic(method, f"/cyclades/{path}", data, content_type=kind, headers=headers)

    def get(self, path: str, status: int = 200) -> Any:
        return self.json("GET", path, status=status)

    def json(self, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        """The answer's body, None if it is empty; the status must be the one that is named."""
        answer = self(method, path, body)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.content!r}"
        return json.loads(answer.content) if answer.content else None


@dataclasses.dataclass(frozen=True)
class World:
    """What alice has: ids by name. ``spare_`` things are used by nothing."""

    people: People
    alice: Api
    bob: Api
    ids: dict[str, Any]

    def path(self, template: str) -> str:
        return template.format(**self.ids)


@pytest.fixture
def alice(cloud: People) -> Api:
    return Api(cloud.alice.token)


@pytest.fixture
def bob(cloud: People) -> Api:
    return Api(cloud.bob.token)


@pytest.fixture
def lan(alice: Api) -> dict[str, str]:
    """A private network of alice's with a subnet: ids by name."""
    body = {"network": {"type": "MAC_FILTERED", "name": "lan"}}
    network = alice.json("POST", "network/v2.0/networks", body, status=201)["network"]["id"]
    body = {"subnet": {"network_id": network, "cidr": "10.0.0.0/24", "name": "sub"}}
    return {
        "network": network,
        "subnet": alice.json("POST", "network/v2.0/subnets", body, status=201)["subnet"]["id"],
    }


@pytest.fixture
def order(flavor: Any, image: Any, lan: dict[str, str]) -> dict[str, Any]:
    """The body that asks for a server."""
    wanted = {"name": "web-1", "flavorRef": flavor.pk, "imageRef": image.uuid}
    return {"server": {**wanted, "networks": [{"uuid": lan["network"]}]}}


@pytest.fixture
def server(alice: Api, order: dict[str, Any], settle: Callable[[], None]) -> int:
    """The id of a running server of alice's."""
    made: int = alice.json("POST", "compute/v2.0/servers", order, status=202)["server"]["id"]
    settle()
    return made


@pytest.fixture
def private_image(cloud: People) -> Any:
    from synnefo.cyclades.images import rules

    content = io.BytesIO(b"\xeb\x63\x90" + bytes(1024 * 1024 - 3))
    return rules.register(cloud.alice.caller, content, name="own", properties={"os": "debian"})


@pytest.fixture
def world(people: People, engine_room: Any, request: pytest.FixtureRequest) -> World:
    ids = again_with_engine(
        "Synnefo's world", engine_room.engine, lambda: request.getfixturevalue("ids_of_world")
    )
    return World(people, Api(people.alice.token), Api(people.bob.token), ids)


@pytest.fixture
def ids_of_world(
    cloud: People, alice: Api, lan: dict[str, str], order: dict[str, Any], flavor: Any,
    image: Any, private_image: Any, public_network: Any, settle: Callable[[], None],
) -> dict[str, Any]:  # fmt: skip
    from synnefo.cyclades.images import rules as images
    from synnefo.cyclades.images.models import Image
    from synnefo.cyclades.volumes import rules as volumes
    from synnefo.cyclades.volumes.rules import VolumeRequest

    def made(path: str, body: object, status: int) -> Any:
        [thing] = alice.json("POST", path, body, status=status).values()
        return thing

    made("compute/v2.0/os-keypairs", {"keypair": {"name": "key", "public_key": PUBLIC_KEY}}, 201)
    order["server"] |= {"key_name": "key", "metadata": {"colour": "blue"}, "tags": ["blue"]}
    server = made("compute/v2.0/servers", order, 202)["id"]
    port = {"port": {"network_id": lan["network"]}}
    network = {"network": {"type": "MAC_FILTERED"}}
    floating: list[Any] = [made("network/v2.0/floatingips", {"floatingip": {}}, 200) for _ in range(2)]
    settle()
    kind = flavor.volume_type
    spare = volumes.create(cloud.alice.caller, VolumeRequest(size_gib=1, volume_type=kind))
    volumes.set_metadata(cloud.alice.caller, spare.uuid, {"colour": "blue"})
    snapshot = images.register(
        cloud.alice.caller, io.BytesIO(b"\xeb\x63\x90" + bytes(509)), name="kept", properties={"os": "debian"}
    )
    Image.objects.filter(pk=snapshot.pk).update(is_snapshot=True, volume_id=spare.pk)
    ids = {
        **lan,
        "snapshot": snapshot.uuid,
        "type": kind.pk,
        "public": str(public_network.pk),
        "spare_network": made("network/v2.0/networks", network, 201)["id"],
        "port": alice.get(f"compute/v2.0/servers/{server}")["server"]["attachments"][0]["id"],
        "spare_port": made("network/v2.0/ports", port, 201)["id"],
        "floating": floating[0]["id"],
        "address": floating[0]["floating_ip_address"],
        "spare_floating": floating[1]["id"],
        "server": server,
        "volume": alice.get(f"compute/v2.0/servers/{server}")["server"]["volumes"][0],
        "spare_volume": spare.pk,
        "key_id": alice.get("userdata/keys")[0]["id"],
        "flavor": flavor.pk,
        "image": image.uuid,
        "own_image": private_image.uuid,
        "project": cloud.alice.user.uuid,
    }
    body = {"addFloatingIp": {"address": ids["address"]}}
    alice.json("POST", f"compute/v2.0/servers/{server}/action", body, status=202)
    settle()
    return ids


@pytest.fixture
def mate_of(standard: None, new_person: Callable[..., Person]) -> Callable[[Person], tuple[Person, str]]:
    """Another person with a common project: the person, and the project's uuid."""
    from synnefo.astakos.catalog.models import Resource
    from synnefo.astakos.projects import rules
    from synnefo.astakos.projects.models import Membership, Project

    def make(person: Person) -> tuple[Person, str]:
        other = new_person("mate")
        project = Project.objects.create(
            realname="common.example.org", owner=person.user, state=Project.State.NORMAL,
            end_date=person.user.date_joined.replace(year=2099),
        )  # fmt: skip
        for user in (person.user, other.user):
            state = Membership.State.ACCEPTED
            Membership.objects.create(project=project, person=user, state=state, initialized=True)
        rules.fill_limits([project], Resource.objects.all())
        rules.sync([project])
        return other, project.uuid

    return make


@pytest.fixture
def picture(db: None) -> Callable[[], Rows]:
    """All that the database holds, but for when tokens were used last."""
    tables = tables_of("cyclades", "engine", "audit", "astakos")
    return lambda: rows_of(tables)
