"""The people, projects, sizes and networks that the recordings speak of, made by the product's own rules.

What is recorded of them is written down here once; ids and secrets that are others in this cloud are
mapped, old to new, for the tool that replays.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts import tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.catalog import rules as catalog
from synnefo.astakos.catalog.models import Component, Resource
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.models import Membership, Project
from synnefo.common.caller import Caller, Scope
from synnefo.common.units import GIB, INFINITE, MIB
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import Network
from synnefo.cyclades.volume_types.models import VolumeType
from synnefo.pithos.namespace import known
from synnefo.pithos.namespace.models import Account, KnownBlock
from tests.conftest import SYSTEM

DEFAULTS = {
    "astakos.pending_app": 2,
    "cyclades.cpu": 16,
    "cyclades.disk": 60 * GIB,
    "cyclades.floating_ip": 3,
    "cyclades.network.private": 3,
    "cyclades.ram": 8 * GIB,
    "cyclades.total_cpu": 32,
    "cyclades.total_ram": 16 * GIB,
    "cyclades.vm": 4,
    "pithos.diskspace": 200 * MIB,
}
ADA, ALICE, BOB = (
    "2b9945e3-94ca-4b18-aa63-adf0a728c35a",
    "20c98eb0-d26c-4d3f-91ac-607aeb4cad5f",
    "0b6dc8e9-5a7f-4c49-9b75-e151dee4eb3d",
)
CAROL, DIMITRA, EVE = (
    "9d98f946-7f38-4bbd-a129-c3ed747606fe",
    "d209c1d9-20f7-4b4e-af81-725bd442f71d",
    "ddd4bac5-2bf9-4f36-9ae8-1be5f0a8483e",
)
FRANK, EVE2 = "02f2167d-354e-44ea-863f-a99b15649b9e", "bfdbe5af-7a2b-4bee-b659-199cd695d87d"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _of_two_blocks(content: bytes) -> str:
    halves = (content[: 4 * MIB], content[4 * MIB :])
    return _sha256(b"".join(hashlib.sha256(half).digest() for half in halves))


_CUT = (b"pattern-golden " * 900_000)[:5_000_000]
_CHANGED = _CUT[:10] + b"golden file\n" + _CUT[22:]


#: Recorded uuid, token, e-mail, names; limits that are not the default.
PEOPLE: tuple[tuple[str, str, str, str, str, dict[str, int]], ...] = (
    (ADA, "gBsPUrOpN89qG3668vJTaKHIiYCM1_WpLY-Eh4kKqGU", "ada.admin@uni", "Ada", "Adminopoulou", {}),
    (ALICE, "M2hEyuzKmQVjNEq8t5oV6uS5JP-khWes3NwRC5_dzPc", "alice@uni", "Alice", "Anagnostou",
     {"cyclades.vm": 7, "pithos.diskspace": 500 * MIB}),
    (BOB, "1JnGFORV_DvY4zNNBoKq61rmAv3WsdNI9MrA0RrgUUg", "bob@uni", "Bob", "Brown", {}),
    (CAROL, "ILtVCN4L3rZ99bOiFsWPczHXDwAtpz4YQiRsjPrfrhA", "carol@lab", "Carol", "Cole", {}),
    (DIMITRA, "NW-faFN2eYD8DLTDKA5xOvi1w43_BBv2DnyL0sKttyc", "dimitra@uni", "Δήμητρα", "Παπαδοπούλου", {}),
    (EVE, "pCmTvZVWC9TbNDnktVwZbo6O8YAS3pRSAFWcJy1uu68", "Eve.Case@uni", "Eve", "Upper",
     {"pithos.diskspace": MIB}),
    (FRANK, "sX2dWpHNktS2Et_c6xD-k8u0i-9eiv41_5aLI2HzzgE", "frank+tag@lab", "Frank", "O'Neil",
     {"cyclades.vm": 0}),
    (EVE2, "JFWoeL3VtfJAgmjyFoiYJMl2hW4EzAJiAZwNd_K4_5o", "eve2@uni", "Eve", "Lower", {}),
)  # fmt: skip
#: Accounts that may not come in: uuid, token, e-mail, names, how far they got.
OUTSIDERS = (
    ("KeXENlo9U0vpQwB_7ZWWl1cazX1ZkX3b-OSxPPDEPts", "pia@uni", "Pia", "Pending", "verified"),
    ("lZyruE8OD1htt9gP5NNpqRPHIVggNgNvr4yrK8FBtTg", "rex@spam", "Rex", "Reject", "rejected"),
    ("3iE8rbDZdC1zH5fqK_H85r0z-UjjVkKn4X4j5AqMW4w", "una@uni", "Una", "Unverified", "new"),
    ("UqRPAv3k_luwj1cnXKdwGHiFpOmF-OEBWACzGZllQqw", "ian@uni", "Ian", "Inactive", "inactive"),
)
COMPONENTS = {
    "astakos": "WExdjS92a8-Wqel7-_25-s6iANkGSSJ8lhUYrIybyuE",
    "cyclades": "UG7VDBIwIc_1SIQOV5DfGaHqTBMjoY_aXjG7FTgLP40",
    "pithos": "fmxK-Qs_6WqsbuWbVIkx6pk8HdguI2b1tLDiBmN2B_E",
}
#: Recorded uuid, name, owner, members, limits (member, project).
PROJECTS: tuple[tuple[str, str, str, tuple[str, ...], dict[str, tuple[int, int]]], ...] = (
    ("2f9c8df5-e75c-4756-9e8b-49ea5a405dcb", "genomics.uni.example.org", BOB, (ALICE, BOB, EVE), {
        "cyclades.cpu": (2, 6), "cyclades.disk": (20 * GIB, 60 * GIB), "cyclades.ram": (2 * GIB, 6 * GIB),
        "cyclades.vm": (1, 3), "pithos.diskspace": (50 * MIB, 120 * MIB)}),
    ("7184f90e-41a3-4158-8db7-b5a9e3dd6deb", "nlp-lab.uni.example.org", ALICE, (ALICE, BOB, CAROL), {
        "cyclades.cpu": (8, 24), "cyclades.disk": (40 * GIB, 120 * GIB), "cyclades.floating_ip": (1, 3),
        "cyclades.network.private": (1, 2), "cyclades.ram": (8 * GIB, 24 * GIB), "cyclades.vm": (2, 6),
        "pithos.diskspace": (100 * MIB, 300 * MIB)}),
)  # fmt: skip
#: Name, range, pools.
NETWORKS: tuple[tuple[str, str | None, list[tuple[str, str]] | None], ...] = (
    ("Public IPv4", "203.0.113.0/26", None),
    (
        "Public pool 2",
        "198.51.100.0/24",
        [("198.51.100.10", "198.51.100.20"), ("198.51.100.40", "198.51.100.45")],
    ),
    ("Public IPv6", "2001:db8:10::/64", None),
    ("Old public", "100.64.0.0/24", None),
)
#: Checksums in which 0.21 forgot the holes, and hashes of shortened objects with their old tail in them.
CHECKSUMS = {
    "07d8cb2c335e8e81f4e790ce81f90c40": "9aa4a074a90a837146ebf9e9d7c8b74e",
    "28ca8243b6b1162d1d3e9adde67d335f980a7ce0a7ebd4a69fefb2ffafa3733c": _sha256(b"QQabc5"),
    "1db76dc7686d5ad31f5f640d3e3c62c0bea8a4431aaf283bc9443204a224f92e": _of_two_blocks(_CUT),
    "1c6ddb21e7a4360718bcda2fef1c48e8f8dc48fe7326bcc91e22177222bd3e94": _of_two_blocks(_CHANGED),
    "9c0da0c81151090c129c86511e01590a95d3911a69deea270c6835de50a2fc1f": _sha256(b"somec5"),
}
#: From this call on alice has room for images and snapshots.
_MORE_DISK_AT = 1058


#: Hash maps that name blocks of others.
_OF_OTHERS = (948, 1017, 1022, 1032, 1039, 1050)


#: What an operator did.
Change = Callable[["World"], None]


@dataclasses.dataclass
class World:
    """What is there. ``maps`` leads from recorded words (``word`` or ``kind:id``) to those of this cloud."""

    changes: list[tuple[int, Change]] = dataclasses.field(default_factory=lambda: [*_CHANGES])
    people: dict[str, User] = dataclasses.field(default_factory=dict)
    maps: dict[str, str] = dataclasses.field(default_factory=dict)

    def caller(self, uuid: str) -> Caller:
        [token] = [row[1] for row in PEOPLE if row[0] == uuid]
        return tokens.identify(self.maps[token]).caller(Scope.OWNER, request_id="req-golden")


def build(flavors: list[dict[str, Any]]) -> World:
    """Make it all; ``flavors`` as compute v2.0 shows them. The standard services are registered already."""
    world = World(maps=dict(CHECKSUMS))
    for name, amount in DEFAULTS.items():
        free = name.startswith("cyclades.total_")
        Resource.objects.filter(name=name).update(
            system_default=amount, project_default=INFINITE if free else 0
        )
    for uuid, token, address, first, last, limits in PEOPLE:
        user = accounts.accept(SYSTEM, accounts.verify(SYSTEM, _account(address, first, last, uuid == ADA)))
        projects.set_limits(
            SYSTEM, projects.get(user.uuid), {name: (amount, amount) for name, amount in limits.items()}
        )
        world.people[uuid] = user
        world.maps |= {uuid: user.uuid, token: _token(user)}
    for name in ("admin", "admin-stats"):
        world.people[ADA].groups.add(Group.objects.get_or_create(name=name)[0])
    for token, address, first, last, state in OUTSIDERS:
        world.maps[token] = _token(_outsider(_account(address, first, last), state))
    for name, token in COMPONENTS.items():
        world.maps[token] = _component_token(name)
    for uuid, name, owner, members, capacities in PROJECTS:
        world.maps[uuid] = _project(world, name, owner, members, capacities).uuid
    nlp = world.maps[PROJECTS[-1][0]]
    world.people[BOB] = accounts.set_default_project(SYSTEM, world.people[BOB], nlp)
    Backend.objects.update(options={"volume_types": sorted({_template(row) for row in flavors})})
    types = {row["SNF:volume_type"]: _volume_type(row) for row in flavors}
    for shown in flavors:
        Flavor.objects.create(
            pk=shown["id"], cpu=shown["vcpus"], ram=shown["ram"], disk=shown["disk"],
            volume_type=types[shown["SNF:volume_type"]], allow_create=shown["SNF:allow_create"],
        )  # fmt: skip
    for number, (name, cidr, pools) in enumerate(NETWORKS, start=1):
        world.maps |= _public_network(world, number, name, cidr, pools)
    return world


def _template(shown: dict[str, Any]) -> str:
    """What engines are asked for: without the provider."""
    return str(shown["SNF:disk_template"]).partition("_")[0]


def _volume_type(shown: dict[str, Any]) -> VolumeType:
    number, template = shown["SNF:volume_type"], shown["SNF:disk_template"]
    return VolumeType.objects.get_or_create(pk=number, name=template, disk_template=template)[0]


def change_before(world: World, seq: int) -> None:
    """What the operator changed between two recorded calls."""
    while world.changes and world.changes[0][0] <= seq:
        world.changes.pop(0)[1](world)


def _more_disk(world: World) -> None:
    pool = projects.get(world.people[ALICE].uuid)
    projects.set_limits(SYSTEM, pool, {"pithos.diskspace": (60 * GIB, 60 * GIB)})


def _knowing(world: World) -> None:
    """Whoever has an account has had all blocks that anybody has: in 0.21 nobody asked."""
    digests = {bytes(digest) for digest in KnownBlock.objects.values_list("digest", flat=True)}
    for account in Account.objects.all():
        known.note(account.pk, digests)


_CHANGES: tuple[tuple[int, Change], ...] = (
    *((seq, _knowing) for seq in _OF_OTHERS),
    (_MORE_DISK_AT, _more_disk),
)


def _account(address: str, first: str, last: str, admin: bool = False) -> User:
    email = f"{address}.example.org"
    return accounts.create(SYSTEM, email, first, last, password="a-long-password-1", admin=admin)


def _token(user: User) -> str:
    return tokens.issue(user, kind="api", name="kamaki", expires=timezone.now() + datetime.timedelta(days=1))


def _outsider(user: User, state: str) -> User:
    if state == "new":
        return user
    user = accounts.verify(SYSTEM, user)
    if state == "rejected":
        user = accounts.reject(SYSTEM, user, reason="not a member")
    elif state == "inactive":
        user = accounts.deactivate(SYSTEM, accounts.accept(SYSTEM, user), reason="left")
    return user


def _component_token(name: str) -> str:
    return catalog.renew_service_token(SYSTEM, Component.objects.get(name=name))


def _project(
    world: World, name: str, owner: str, members: tuple[str, ...], capacities: dict[str, tuple[int, int]]
) -> Project:
    project = Project.objects.create(
        realname=name, name=name, owner=world.people[owner], state=Project.State.NORMAL,
        end_date=timezone.now() + datetime.timedelta(days=1000),
    )  # fmt: skip
    for member in members:
        Membership.objects.create(
            project=project, person=world.people[member], state=Membership.State.ACCEPTED, initialized=True
        )
    projects.fill_limits([project], Resource.objects.all())
    projects.set_limits(SYSTEM, project, capacities)
    return project


def _public_network(
    world: World, number: int, name: str, cidr: str | None, pools: list[tuple[str, str]] | None
) -> dict[str, str]:
    admin, old = world.caller(ADA), name.startswith("Old")
    version = 6 if ":" in (cidr or "") else 4
    pool = not old and version == 4
    network = networks.create(admin, name=name, public=True, floating_ip_pool=pool)
    maps = {f"network:{number}": str(network.pk)}
    if cidr is not None:
        subnet = networks.create_subnet(
            admin, network.uuid, cidr=cidr, pools=pools, name=f"IPv{version} Subnet of Network {number}",
            dhcp=pool, version=version,
        )  # fmt: skip
        maps[f"subnet:{number}"] = str(subnet.pk)
    Network.objects.filter(pk=network.pk).update(drained=old)
    return maps
