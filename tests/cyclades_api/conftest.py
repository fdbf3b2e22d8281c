"""Clients of the three APIs, and a small world to point them at."""

from __future__ import annotations

import dataclasses
import datetime
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from synnefo.common.caller import Scope
from synnefo.cyclades.flavors import rules as flavors
from tests.conftest import SYSTEM, People, Person
from tests.pictures import Rows, again_with_engine, rows_of, tables_of

PUBLIC_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHVbJQ8LVUdFQ2kNzJC9zzVYQSg6r5p0gRlP1gqkJf0V somebody@example.org"
)
MEMBER = "22222222-2222-4333-8444-555555555555"


@dataclasses.dataclass
class Api:
    """One client; ``token`` None is a stranger. Without a microversion it names none."""

    token: str | None = None
    microversion: str = ""

    def __call__(self, method: str, path: str, body: object = None, *, raw: bytes | None = None) -> Any:
        headers = {"X-Auth-Token": self.token} if self.token is not None else {}
        if self.microversion:
            headers["OpenStack-API-Version"] = f"compute {self.microversion}"
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        url = f"/cyclades/openstack/{path}"
        return Client().generic(method, url, data, content_type="application/json", headers=headers)

    def get(self, path: str) -> Any:
        return self("GET", path)

    def speaking(self, microversion: str) -> Api:
        return dataclasses.replace(self, microversion=microversion)

    def json(self, method: str, path: str, body: object = None, *, status: int | None = None) -> Any:
        """The answer's body; the status must be a good one, or the one that is named."""
        response = self(method, path, body)
        good = response.status_code < 400 if status is None else response.status_code == status
        assert good, f"{method} {path}: {response.status_code} {response.content.decode()}"
        return response.json() if response.content else None


@dataclasses.dataclass(frozen=True)
class World:
    """What alice has: ids by name. ``spare_`` things are used by nothing."""

    people: People
    mate: Person
    alice: Api
    bob: Api
    admin: Api
    ids: dict[str, str]

    def path(self, template: str) -> str:
        return template.format(**self.ids)


@pytest.fixture
def mate_of(standard: None, new_person: Callable[..., Person]) -> Callable[[Person], tuple[Person, Person]]:
    """A person and another one, both with tokens for a common project of their own."""
    from synnefo.astakos.accounts import tokens
    from synnefo.astakos.catalog.models import Resource
    from synnefo.astakos.projects import rules
    from synnefo.astakos.projects.models import Membership, Project

    def make(person: Person) -> tuple[Person, Person]:
        other = new_person("mate")
        expires = timezone.now() + datetime.timedelta(hours=1)
        project = Project.objects.create(
            realname="common.example.org", owner=person.user, state=Project.State.NORMAL, end_date=expires
        )
        for user in (person.user, other.user):
            state = Membership.State.ACCEPTED
            Membership.objects.create(project=project, person=user, state=state, initialized=True)
        rules.fill_limits([project], Resource.objects.all())
        rules.sync([project])

        def entering(user: Any) -> Person:
            token = tokens.issue(user, kind="login", project=project, expires=expires)
            return Person(user, token, tokens.identify(token).caller(Scope.PROJECT))

        return entering(person.user), entering(other.user)

    return make


@pytest.fixture
def alice(cloud: People) -> Api:
    return Api(cloud.alice.token)


@pytest.fixture
def bob(cloud: People) -> Api:
    return Api(cloud.bob.token)


@pytest.fixture
def admin(cloud: People) -> Api:
    return Api(cloud.admin.token)


@pytest.fixture
def stranger(db: None) -> Api:
    return Api()


@pytest.fixture
def lan(alice: Api) -> dict[str, str]:
    """A private network of alice's with a subnet: ids by name."""
    network = alice.json("POST", "network/v2.0/networks", {"network": {"name": "lan"}})["network"]
    body = {"subnet": {"network_id": network["id"], "cidr": "10.0.0.0/24", "ip_version": 4, "name": "sub"}}
    subnet = alice.json("POST", "network/v2.0/subnets", body)["subnet"]
    return {"network": network["id"], "subnet": subnet["id"]}


@pytest.fixture
def order(flavor: Any, image: Any, lan: dict[str, str]) -> dict[str, Any]:
    """The body that asks for a server."""
    wanted = {"name": "web-1", "flavorRef": flavor.uuid, "imageRef": image.uuid}
    return {"server": {**wanted, "networks": [{"uuid": lan["network"]}]}}


@pytest.fixture
def server(alice: Api, order: dict[str, Any], settle: Callable[[], None]) -> str:
    """The id of a running server of alice's."""
    made: str = alice.json("POST", "compute/v2.1/servers", order)["server"]["id"]
    settle()
    return made


@pytest.fixture
def own_image(cloud: People) -> Any:
    """A private image of alice's, which bob's project may not see though another one may."""
    from synnefo.cyclades.images import members, rules

    made = rules.register(cloud.alice.caller, io.BytesIO(b"\xeb\x63\x90" + bytes(4093)), name="own")
    members.add(cloud.alice.caller, made.uuid, MEMBER)
    rules.tag(cloud.alice.caller, made.uuid, "blue", True)
    return made


@pytest.fixture
def task(cloud: People) -> Any:
    """The import of an image of alice's that was staged."""
    from synnefo.cyclades.images import imports, rules

    caller = cloud.alice.caller
    made = rules.announce(caller, uuid=None, disk_format="raw", properties={}, name="staged")
    rules.upload(caller, made.uuid, [b"disk"], staged=True)
    return imports.start(caller, made.uuid, imports.Wanted("glance-direct"))


@pytest.fixture
def vocabulary(cloud: People) -> Any:
    """Words that everybody sees, of each kind one."""
    from synnefo.cyclades.images import vocabularies

    made = vocabularies.create(cloud.admin.caller, "words", is_public=True)
    for kind, name in zip(vocabularies.KINDS, ("cpus", "host", "OS::Nova::Flavor"), strict=True):
        vocabularies.put_word(cloud.admin.caller, "words", kind, {"name": name})
    vocabularies.set_tags(cloud.admin.caller, "words", ["t"])
    return made


def volumes_and_group(person: Person, engine: Any, server: str, settle: Callable[[], None]) -> dict[str, str]:
    """A volume in the server and one that is free, a group of servers, and the engine's number."""
    from synnefo.cyclades.servers import groups
    from synnefo.cyclades.servers import volumes as disks
    from synnefo.cyclades.volumes import rules as volumes
    from synnefo.cyclades.volumes.requests import VolumeRequest

    used, spare = (volumes.create(person.caller, VolumeRequest(size_gib=1, name=name)) for name in "us")
    settle()
    disks.attach(person.caller, server, used.uuid)
    group = groups.create(person.caller, "together", "affinity")
    return {
        "volume": used.uuid, "spare_volume": spare.uuid, "server_group": group.uuid, "engine": str(engine.pk),
    }  # fmt: skip


@pytest.fixture
def world(people: People, engine_room: Any, request: pytest.FixtureRequest) -> World:
    ids = again_with_engine(
        "OpenStack's world", engine_room.engine, lambda: request.getfixturevalue("ids_of_world")
    )
    alice, bob, admin = (Api(person.token) for person in (people.alice, people.bob, people.admin))
    return World(people, people.bob, alice, bob, admin, ids)


@pytest.fixture
def ids_of_world(
    cloud: People, alice: Api, bob: Api, admin: Api, lan: dict[str, str], order: dict[str, Any], flavor: Any,
    image: Any, own_image: Any, task: Any, vocabulary: Any, public_network: Any, backend_row: Any,
    settle: Callable[[], None],
) -> dict[str, str]:  # fmt: skip
    def port() -> str:
        body = {"port": {"network_id": lan["network"]}}
        made: str = alice.json("POST", "network/v2.0/ports", body)["port"]["id"]
        return made

    def floating(**more: str) -> str:
        body = {"floatingip": {"floating_network_id": public_network.uuid, **more}}
        made: str = alice.json("POST", "network/v2.0/floatingips", body)["floatingip"]["id"]
        return made

    granted = flavors.create(SYSTEM, cpu=1, ram=64, disk=0, label="granted", ref="granted-1", public=False)
    flavors.grant(SYSTEM, granted, cloud.alice.caller.project)
    flavors.set_specs(SYSTEM, granted, {"said": "of it"})
    alice.json("POST", "compute/v2.1/os-keypairs", {"keypair": {"name": "key", "public_key": PUBLIC_KEY}})
    used, spare = port(), port()
    order["server"] |= {"networks": [{"port": used}], "key_name": "key", "metadata": {"colour": "blue"}}
    order["server"] |= {"tags": ["red"]}
    server = alice.json("POST", "compute/v2.1/servers", order)["server"]["id"]
    ids = {
        **lan,
        "public": public_network.uuid,
        "spare_network": alice.json("POST", "network/v2.0/networks", {"network": {}})["network"]["id"],
        "port": used,
        "spare_port": spare,
        "floating": floating(port_id=used),
        "spare_floating": floating(),
        "server": server,
        "flavor": flavor.uuid,
        "granted": "granted-1",
        "image": image.uuid,
        "own_image": own_image.uuid,
        "task": task.uuid,
        "vocabulary": vocabulary.namespace,
        "member": MEMBER,
        "project": cloud.alice.caller.project,
    }

    def new(kind: str, **wanted: object) -> str:
        made: str = alice.json("POST", f"network/v2.0/{kind}s", {kind.replace("-", "_"): wanted})[
            kind.replace("-", "_")
        ]["id"]
        return made

    ids["spare_router"] = new("router", name="spare")
    ids["router"] = new("router", name="r", external_gateway_info={"network_id": public_network.uuid})
    inner = new("network", name="inner")
    ids["routed_subnet"] = new("subnet", network_id=inner, cidr="10.77.0.0/24", ip_version=4)
    path = f"network/v2.0/routers/{ids['router']}/add_router_interface"
    alice.json("PUT", path, {"subnet_id": ids["routed_subnet"]})
    ids["group"] = new("security-group", name="web")
    for other in (bob, admin):
        other.json("GET", "network/v2.0/security-groups")  # which makes their default groups
    ids["rule"] = new("security-group-rule", security_group_id=ids["group"], direction="ingress")
    ids |= volumes_and_group(cloud.alice, backend_row, server, settle)
    settle()
    [*_, action] = alice.json("GET", f"compute/v2.1/servers/{server}/os-instance-actions")["instanceActions"]
    ids["request"] = action["request_id"]
    return ids


@pytest.fixture
def picture(db: None) -> Callable[[], Rows]:
    """All that the database holds, but for when tokens were used last."""
    tables = tables_of("cyclades", "engine", "audit", "astakos")
    return lambda: rows_of(tables)
