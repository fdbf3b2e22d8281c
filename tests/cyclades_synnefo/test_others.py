"""Versions, the catalog, flavors, images and keys."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.test import Client

from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.images import rules as images
from synnefo.cyclades.images.models import Image
from tests.conftest import SYSTEM
from tests.cyclades_synnefo.conftest import PUBLIC_KEY, Api, World

C = "compute/v2.0"


@pytest.mark.parametrize(
    ("service", "version"), [("compute", "v2.0"), ("network", "v2.0"), ("image", "v1.0")]
)
def test_the_catalog_of_v2_leads_to_versions_and_these_to_themselves(
    alice: Api, cloud: Any, service: str, version: str
) -> None:
    body = json.dumps({"auth": {"token": {"id": cloud.alice.token}}})
    answer = Client().post("/astakos/identity/v2.0/tokens", body, content_type="application/json")
    catalog = answer.json()["access"]["serviceCatalog"]
    [entry] = [row for row in catalog if row["type"] == service]
    [endpoint] = entry["endpoints"]
    assert endpoint["versionId"] == version
    exposed = service == "compute"
    assert endpoint["SNF:exposeVersion"] == str(exposed)
    path = endpoint["publicURL"].partition("/cyclades/")[2]
    assert path == (f"{service}/{version}" if exposed else service)
    found = Api().get(service)["versions"][0]
    assert (found["id"], found["status"]) == (version, "CURRENT")
    assert found["links"][0]["href"].endswith(f"/cyclades/{service}/{version}/")
    assert Api().get(f"{service}/") == Api().get(service)
    collection = {"compute": "servers", "network": "networks", "image": "images"}[service]
    assert collection in alice.get(f"{service}/{version}/{collection}")


def test_compute_and_image_say_more_of_their_versions() -> None:
    version = Api().get(f"{C}/")["version"]
    assert (version["id"], version["updated"]) == ("v2.0", "2011-01-21T11:33:21-06:00")
    assert version["media_types"][0]["base"] == "application/json"
    assert [row["id"] for row in Api().get("image/versions")["versions"]] == ["v1.0", "v1"]


def test_extensions(alice: Api) -> None:
    assert alice.get(f"{C}/extensions") == {"extensions": []}
    assert alice.json("GET", f"{C}/extensions/x", status=404) is None


def test_flavors(alice: Api, flavor: Any) -> None:
    details = alice.get(f"{C}/flavors/{flavor.pk}")["flavor"]
    assert {key: details[key] for key in details if key != "links"} == {
        "id": flavor.pk, "name": "C1R256D1local", "ram": 256, "disk": 1, "vcpus": 1,
        "os-flavor-access:is_public": True, "SNF:disk_template": "local",
        "SNF:volume_type": flavor.volume_type_id,
        "SNF:allow_create": True, "SNF:flavor-access": [],
    }  # fmt: skip
    assert alice.get(f"{C}/flavors/detail") == {"flavors": [details]}
    brief = {key: details[key] for key in ("id", "name", "links")}
    assert alice.get(f"{C}/flavors") == {"flavors": [brief]}
    assert alice.get(f"{C}/flavors/{flavor.pk}/os-extra_specs") == {"extra_specs": {}}
    assert alice.get(f"{C}/flavors?SNF:is_public=false") == {"flavors": []}
    assert alice.get(f"{C}/flavors?SNF:is_public=true") == {"flavors": [brief]}
    assert alice.get(f"{C}/flavors?SNF:flavor-access=x") == {"flavors": []}


def test_retired_flavors_are_shown_and_not_listed_and_private_ones_neither(alice: Api, flavor: Any) -> None:
    flavors.modify(SYSTEM, flavor.pk, deleted=True)
    assert alice.get(f"{C}/flavors") == {"flavors": []}
    assert alice.get(f"{C}/flavors/{flavor.pk}")["flavor"]["id"] == flavor.pk
    flavors.modify(SYSTEM, flavor.pk, deleted=False, public=False)
    assert alice.get(f"{C}/flavors") == {"flavors": []}
    alice.get(f"{C}/flavors/{flavor.pk}", status=404)


def test_images_of_compute(world: World) -> None:
    private_image = Image.objects.get(uuid=world.ids["own_image"])
    listed = world.alice.get(f"{C}/images")["images"]
    assert listed == sorted(listed, key=lambda row: row["id"])
    assert {row["name"] for row in listed} == {"tiny", "own", "kept"}, "snapshots, too"
    assert all(row.keys() == {"id", "name"} for row in listed)
    shown = world.alice.get(f"{C}/images/{private_image.uuid}")["image"]
    assert shown in world.alice.get(f"{C}/images/detail")["images"]
    assert shown.items() >= {
        "status": "ACTIVE", "progress": 100, "public": False, "metadata": {"os": "debian"},
        "is_snapshot": False, "user_id": private_image.userid, "tenant_id": private_image.userid,
    }.items()  # fmt: skip
    assert shown["links"][2]["href"].endswith(f"/cyclades/image/v1.0/images/{private_image.uuid}")
    path = f"{C}/images/{private_image.uuid}"
    assert world.alice.get(f"{path}/metadata") == {"metadata": {"os": "debian"}}
    assert world.alice.get(f"{path}/metadata/os") == {"meta": {"os": "debian"}}
    world.alice.get(f"{path}/metadata/none", status=404)
    world.alice.json("DELETE", f"{C}/images/{world.ids['image']}", status=403)
    world.alice.json("DELETE", path, status=204)
    world.alice.get(path, status=404)


def test_the_owner_changes_an_images_properties(world: World) -> None:
    path = f"{C}/images/{world.ids['own_image']}/metadata"
    merged = world.alice.json("POST", path, {"metadata": {"users": "root"}}, status=201)
    assert merged == {"metadata": {"os": "debian", "users": "root"}}
    assert world.alice.json("PUT", f"{path}/os", {"meta": {"os": "x"}}, status=201) == {"meta": {"os": "x"}}
    world.alice.json("PUT", f"{path}/os", {"meta": {"other": "x"}}, status=400)
    world.alice.json("DELETE", f"{path}/os", status=204)
    world.alice.json("DELETE", f"{path}/os", status=404)
    assert world.alice.get(path) == {"metadata": {"users": "root"}}
    world.alice.json("POST", path, {"metadata": {"k" * 112: "v"}}, status=400)
    world.alice.json("POST", path, {"metadata": {"k": "v" * 257}}, status=400)
    world.alice.json("POST", path, {"metadata": {str(n): "v" for n in range(128)}}, status=400)
    world.alice.json("POST", path, {"metadata": {"k": 1}}, status=400)
    foreign = f"{C}/images/{world.ids['image']}/metadata"
    assert "forbidden" in world.alice.json("POST", foreign, {"metadata": {"k": "v"}}, status=403)
    world.bob.json("POST", path, {"metadata": {"k": "v"}}, status=403)


def test_images_of_the_image_service(world: World) -> None:
    private_image = Image.objects.get(uuid=world.ids["own_image"])
    for path in ("image/v1.0/images", "image/v1/images", "image/v1.0/images/"):
        listed = world.alice.get(path)["images"]
        assert [row["name"] for row in listed] == ["kept", "own", "tiny"], "the newest first"
        assert listed[0].keys() == {"status", "name", "disk_format", "container_format", "size", "id"}
    query = "sort_key=name&sort_dir=asc&size_min=1000"
    ascending = world.alice.get(f"image/v1.0/images/detail?{query}")["images"]
    assert [row["name"] for row in ascending] == ["own", "tiny"]
    assert ascending[0].keys() == {
        "checksum", "container_format", "created_at", "deleted_at", "disk_format", "id", "is_public",
        "is_snapshot", "location", "name", "owner", "properties", "size", "status", "updated_at",
    }  # fmt: skip
    assert ascending[0]["created_at"] == private_image.created.strftime("%Y-%m-%d %H:%M:%S")
    assert (ascending[0]["size"], ascending[0]["status"]) == (1024 * 1024, "AVAILABLE")


def test_an_image_in_headers(world: World) -> None:
    content = io.BytesIO(b"\xeb\x63\x90" + bytes(1024 * 1024 - 3))
    properties = {"root_partition": "1", "Größe": "groß und schön"}
    made = images.register(world.people.alice.caller, content, name="Übung 1", properties=properties)
    answer = world.alice("HEAD", f"image/v1.0/images/{made.uuid}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["X-Image-Meta-Id"] == made.uuid
    assert answer["X-Image-Meta-Name"] == "%C3%9Cbung%201"
    assert answer["X-Image-Meta-Is-Public"] == "False"
    assert answer["X-Image-Meta-Checksum"] == made.hash
    assert answer["X-Image-Meta-Property-Root-Partition"] == "1"
    assert answer["X-Image-Meta-Property-Gr%C3%B6%C3%9Fe"] == "gro%C3%9F%20und%20sch%C3%B6n"
    gone = world.alice.json("DELETE", f"image/v1/images/{made.uuid}", status=204)
    assert gone is None
    assert world.alice("HEAD", f"image/v1.0/images/{made.uuid}").status_code == 404


def test_keys(alice: Api) -> None:
    body = {"keypair": {"name": "my laptop", "public_key": PUBLIC_KEY}}
    made = alice.json("POST", f"{C}/os-keypairs", body, status=201)["keypair"]
    assert made.keys() == {"name", "fingerprint", "public_key"}
    assert alice.get(f"{C}/os-keypairs") == {"keypairs": [{"keypair": made}]}
    shown = alice.get(f"{C}/os-keypairs/my%20laptop")["keypair"]
    assert shown.items() >= {**made, "deleted": False, "deleted_at": None}.items()
    assert shown.keys() == {*made, "id", "created_at", "updated_at", "deleted", "deleted_at"}
    assert "conflict" in alice.json("POST", f"{C}/os-keypairs", body, status=409)
    alice.json("POST", f"{C}/os-keypairs", {"keypair": {"name": "", "public_key": PUBLIC_KEY}}, status=400)
    alice.json("POST", f"{C}/os-keypairs", {"keypair": {"name": "x", "public_key": "junk"}}, status=400)
    pair = alice.json("POST", f"{C}/os-keypairs", {"keypair": {"name": "pair"}}, status=201)["keypair"]
    assert pair["private_key"].startswith("-----BEGIN ")
    assert alice.json("DELETE", f"{C}/os-keypairs/my%20laptop", status=204) is None
    alice.json("DELETE", f"{C}/os-keypairs/my%20laptop", status=404)
