"""Flavors, key pairs, limits, quota, zones, extensions and version documents of compute v2.1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synnefo.common.accounts import accounts
from synnefo.common.units import GIB
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.volumes.models import Volume
from tests.conftest import SYSTEM, People
from tests.cyclades_api.conftest import PUBLIC_KEY, Api

KEYPAIRS = "compute/v2.1/os-keypairs"


@pytest.mark.parametrize("path", ["compute", "compute/"])
def test_the_versions_say_which_microversions_there_are(stranger: Api, path: str) -> None:
    [version] = stranger.json("GET", path)["versions"]
    assert (version["id"], version["version"], version["min_version"]) == ("v2.1", "2.37", "2.1")
    [link] = version["links"]
    href = link["href"].partition("/openstack/")[2]
    assert stranger.json("GET", href)["version"]["id"] == "v2.1"


def test_the_address_in_links_is_the_one_that_is_set(stranger: Api, settings: Any) -> None:
    settings.SYNNEFO_PUBLIC_URL = "https://cloud.example.org/"
    [version] = stranger.json("GET", "compute/")["versions"]
    assert version["links"][0]["href"] == "https://cloud.example.org/cyclades/openstack/compute/v2.1/"


def test_a_flavor_has_exactly_the_keys_of_nova(alice: Api, flavor: Any) -> None:
    shown = alice.json("GET", f"compute/v2.1/flavors/{flavor.uuid}")["flavor"]
    assert set(shown) == {
        "id", "name", "ram", "disk", "vcpus", "swap", "rxtx_factor", "links", "OS-FLV-DISABLED:disabled",
        "OS-FLV-EXT-DATA:ephemeral", "os-flavor-access:is_public",
    }  # fmt: skip
    assert (shown["ram"], shown["disk"], shown["vcpus"]) == (flavor.ram, flavor.disk, flavor.cpu)
    assert alice.json("GET", "compute/v2.1/flavors/detail")["flavors"] == [shown]
    [brief] = alice.json("GET", "compute/v2.1/flavors")["flavors"]
    assert set(brief) == {"id", "name", "links"}


def test_servers_come_with_the_disks_of_their_flavor(
    alice: Api, admin: Api, flavor: Any, image: Any, settle: Callable[[], None], cloud: People
) -> None:
    body = {
        "flavor": {
            "name": "roomy", "ram": 512, "vcpus": 1, "disk": 1, "swap": 1500, "id": "roomy",
            "OS-FLV-EXT-DATA:ephemeral": 3,
        }
    }  # fmt: skip
    shown = admin.json("POST", "compute/v2.1/flavors", body)["flavor"]
    assert (shown["swap"], shown["OS-FLV-EXT-DATA:ephemeral"]) == (1500, 3)
    order = {"server": {"name": "a", "imageRef": image.uuid, "flavorRef": "roomy"}}
    made = alice.json("POST", "compute/v2.1/servers", order, status=202)["server"]["id"]
    settle()
    volumes = Volume.objects.filter(server__uuid=made).order_by("index")
    assert [(volume.size_gib, volume.delete_on_termination) for volume in volumes] == [
        (1, True), (3, True), (2, True)
    ]  # fmt: skip
    use = accounts().quotas(cloud.alice.user.uuid, cloud.alice.caller.project)["cyclades.disk"]
    assert use.usage == 6 * GIB
    bare = flavors.create(SYSTEM, cpu=2, ram=512, disk=1, label="bare")
    resize = {"resize": {"flavorRef": bare.uuid}}
    assert alice("POST", f"compute/v2.1/servers/{made}/action", resize).status_code == 400
    assert alice("DELETE", f"compute/v2.1/servers/{made}").status_code == 204
    settle()
    assert accounts().quotas(cloud.alice.user.uuid, cloud.alice.caller.project)["cyclades.disk"].usage == 0


@pytest.mark.parametrize("more", [{"swap": 2**40}, {"OS-FLV-EXT-DATA:ephemeral": 2**31}, {"swap": -1}])
def test_disks_beyond_all_measure_are_refused(admin: Api, more: dict[str, int]) -> None:
    body = {"flavor": {"name": "huge", "ram": 512, "vcpus": 1, "disk": 1, **more}}
    assert admin("POST", "compute/v2.1/flavors", body).status_code == 400


def test_flavors_are_filtered_and_paged(alice: Api, admin: Api, flavor: Any) -> None:
    big = flavors.create(SYSTEM, cpu=4, ram=8192, disk=80)
    hidden = flavors.create(SYSTEM, cpu=2, ram=2048, disk=20)
    flavors.modify(SYSTEM, hidden.pk, public=False)

    def names(api: Api, query: str) -> list[str]:
        return [row["name"] for row in api.json("GET", f"compute/v2.1/flavors/detail?{query}")["flavors"]]

    assert names(alice, "") == names(alice, "is_public=None") == [flavor.name, big.name]
    assert names(alice, "minRam=1000") == names(alice, "minDisk=30") == [big.name]
    assert names(admin, "is_public=None") == [flavor.name, big.name, hidden.name]
    assert names(admin, "is_public=false") == [hidden.name]
    page = alice.json("GET", "compute/v2.1/flavors?limit=1")
    assert [row["id"] for row in page["flavors"]] == [flavor.uuid]
    following = page["flavors_links"][0]["href"].partition("/openstack/")[2]
    assert [row["id"] for row in alice.json("GET", following)["flavors"]] == [big.uuid]
    assert alice.get(f"compute/v2.1/flavors/{hidden.uuid}").status_code == 404


def test_key_pairs_are_kept_made_and_removed(alice: Api, bob: Api) -> None:
    wanted = {"keypair": {"name": "work laptop", "public_key": PUBLIC_KEY}}
    kept = alice.json("POST", KEYPAIRS, wanted, status=200)["keypair"]
    assert set(kept) == {"name", "public_key", "fingerprint", "user_id"}
    assert kept["public_key"] == PUBLIC_KEY
    made = alice.json("POST", KEYPAIRS, {"keypair": {"name": "made"}}, status=200)["keypair"]
    assert made["private_key"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    rows = [row["keypair"] for row in alice.json("GET", KEYPAIRS)["keypairs"]]
    assert [row["name"] for row in rows] == ["made", "work laptop"]
    assert set(rows[0]) == {"name", "public_key", "fingerprint"}
    shown = alice.json("GET", f"{KEYPAIRS}/work%20laptop")["keypair"]
    assert shown["fingerprint"] == kept["fingerprint"]
    assert "private_key" not in alice.json("GET", f"{KEYPAIRS}/made")["keypair"]
    assert alice("POST", KEYPAIRS, wanted).status_code == 409
    assert bob.json("POST", KEYPAIRS, wanted, status=200)
    assert alice("DELETE", f"{KEYPAIRS}/work%20laptop").status_code == 202
    assert alice.get(f"{KEYPAIRS}/work%20laptop").status_code == 404
    assert bob.get(f"{KEYPAIRS}/work%20laptop").status_code == 200


@pytest.mark.parametrize(
    "keypair",
    [
        {"name": ""},
        {"name": "work/laptop"},
        {"name": "x" * 256},
        {"name": "k", "public_key": "ssh-ed25519 nonsense"},
        {"public_key": PUBLIC_KEY},
    ],
    ids=str,
)
def test_bad_key_pairs_are_refused(alice: Api, keypair: dict[str, str]) -> None:
    assert alice("POST", KEYPAIRS, {"keypair": keypair}).status_code == 400
    assert alice.json("GET", KEYPAIRS)["keypairs"] == []


def test_limits_and_quota_follow_what_is_used(
    cloud: People, alice: Api, server: str, flavor: Any, settle: Callable[[], None]
) -> None:
    from synnefo.astakos.projects import rules

    project = rules.get(cloud.alice.user.uuid)
    rules.set_limits(
        SYSTEM, project, {"cyclades.vm": (7, 7), "cyclades.cpu": (9, 9), "cyclades.total_cpu": (11, 11)}
    )
    absolute = alice.json("GET", "compute/v2.1/limits?reserved=1")["limits"]["absolute"]
    assert (absolute["maxTotalInstances"], absolute["totalInstancesUsed"]) == (7, 1)
    assert (absolute["maxTotalCores"], absolute["totalCoresUsed"]) == (9, flavor.cpu)
    assert absolute["totalRAMUsed"] == flavor.ram
    quota = alice.json("GET", f"compute/v2.1/os-quota-sets/{project.uuid}")["quota_set"]
    assert (quota["id"], quota["instances"], quota["cores"]) == (project.uuid, 7, 9)
    detail = alice.json("GET", f"compute/v2.1/os-quota-sets/{project.uuid}/detail")["quota_set"]
    assert detail["instances"] == {"limit": 7, "in_use": 1, "reserved": 0}
    assert set(detail) == set(quota)
    alice("DELETE", f"compute/v2.1/servers/{server}")
    settle()
    absolute = alice.json("GET", "compute/v2.1/limits")["limits"]["absolute"]
    assert (absolute["totalInstancesUsed"], absolute["totalCoresUsed"], absolute["totalRAMUsed"]) == (0, 0, 0)


def test_no_limit_is_minus_one(cloud: People, alice: Api) -> None:
    from synnefo.astakos.projects import rules
    from synnefo.common.units import INFINITE

    project = rules.get(cloud.alice.user.uuid)
    rules.set_limits(SYSTEM, project, {"cyclades.vm": (INFINITE, INFINITE)})
    assert alice.json("GET", "compute/v2.1/limits")["limits"]["absolute"]["maxTotalInstances"] == -1


def test_zones_say_whether_servers_can_be_made(alice: Api, admin: Api, backend_row: Any) -> None:
    zone = {"zoneName": "nova", "zoneState": {"available": True}, "hosts": None}
    assert alice.json("GET", "compute/v2.1/os-availability-zone")["availabilityZoneInfo"] == [zone]
    [detail] = admin.json("GET", "compute/v2.1/os-availability-zone/detail")["availabilityZoneInfo"]
    assert detail["hosts"]["memory"]["nova-compute"]["available"] is True
    type(backend_row).objects.update(offline=True)
    [zone] = alice.json("GET", "compute/v2.1/os-availability-zone")["availabilityZoneInfo"]
    assert zone["zoneState"] == {"available": False}


def test_extensions_are_listed_and_shown(alice: Api) -> None:
    rows = alice.json("GET", "compute/v2.1/extensions")["extensions"]
    assert "os-keypairs" in {row["alias"] for row in rows}
    for row in rows:
        assert alice.json("GET", f"compute/v2.1/extensions/{row['alias']}")["extension"] == row
    assert alice.get("compute/v2.1/extensions/os-volumes").status_code == 404
