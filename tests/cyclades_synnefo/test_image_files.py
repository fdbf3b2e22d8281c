"""Image v1: files of the object store registered as images, renewed, shared and unregistered."""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from synnefo.common import faults, objects
from synnefo.common.accounts import accounts
from synnefo.cyclades.images import rules
from synnefo.cyclades.images.models import Image
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.seam.models import Hold
from tests.conftest import People, Person
from tests.cyclades_synnefo.conftest import Api

V1 = "image/v1.0"
NOW = datetime.timedelta()
DISK = b"\xeb\x63\x90" + os.urandom(20_000)


@dataclasses.dataclass
class Files:
    """The object store as one person's client sees it."""

    person: Person

    def __call__(self, method: str, path: str, data: bytes | None = None, **headers: str) -> Any:
        url = f"/pithos/object-store/v1/{self.person.user.uuid}/{quote(path)}"
        given = {"X-Auth-Token": self.person.token, **headers}
        environ = {} if data is None else {"CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": str(len(data))}
        return Client().generic(method, url, data or b"", headers=given, **environ)

    def put(self, path: str, data: bytes) -> str:
        """Store a file; returns its location."""
        container = path.partition("/")[0]
        assert self("PUT", container).status_code in (201, 202)
        assert self("PUT", path, data).status_code == 201
        return f"pithos://{self.person.user.uuid}/{quote(path)}"


@pytest.fixture
def files(cloud: People) -> Files:
    return Files(cloud.alice)


@pytest.fixture
def location(files: Files) -> str:
    return files.put("disks/my disk.raw", DISK)


def register(api: Api, location: str, status: int = 200, name: str = "Debian Base", **meta: str) -> Any:
    headers = {"X-Image-Meta-Name": quote(name), "X-Image-Meta-Location": location}
    headers |= {f"X-Image-Meta-{key.replace('_', '-')}": value for key, value in meta.items()}
    answer = api("POST", f"{V1}/images/", content_type="", **headers)
    assert answer.status_code == status, answer.content
    return answer


def test_a_file_is_registered_and_described_in_headers(alice: Api, files: Files, location: str) -> None:
    answer = register(
        alice, location, disk_format="diskdump", container_format="bare", is_public="False", store="pithos",
        size=str(len(DISK)), Property_OSFAMILY="linux", Property_ROOT_PARTITION="1",
        Property_description=quote("Debian 7 für alle"),
    )  # fmt: skip
    assert answer.content == b""
    version = Version.objects.get(object__name="my disk.raw", state=Version.State.CURRENT)
    assert answer["X-Image-Meta-Id"] == version.uuid == files("HEAD", "disks/my disk.raw")["X-Object-UUID"]
    assert answer["X-Image-Meta-Location"] == location
    assert answer["X-Image-Meta-Checksum"] == version.hash
    assert answer["X-Image-Meta-Size"] == str(len(DISK))
    assert (answer["X-Image-Meta-Name"], answer["X-Image-Meta-Status"]) == ("Debian%20Base", "AVAILABLE")
    assert (answer["X-Image-Meta-Disk-Format"], answer["X-Image-Meta-Is-Public"]) == ("diskdump", "False")
    assert answer["X-Image-Meta-Property-Root-Partition"] == "1"
    assert answer["X-Image-Meta-Property-Description"] == "Debian%207%20f%C3%BCr%20alle"
    properties = {"osfamily": "linux", "root_partition": "1", "description": "Debian 7 für alle"}
    assert alice.get(f"{V1}/images/detail")["images"][0]["properties"] == properties
    assert alice.get(f"compute/v2.0/images/{version.uuid}")["image"]["metadata"] == properties


def test_the_object_carries_what_the_image_says(alice: Api, files: Files, location: str) -> None:
    uuid = register(alice, location, Property_OS="debian")["X-Image-Meta-Id"]

    def said() -> dict[str, str]:
        version = Version.objects.get(uuid=uuid, state=Version.State.CURRENT)
        found: dict[str, str] = version.attributes.get("plankton", {})
        return found

    image = Image.objects.get(uuid=uuid)
    assert said() == {
        "plankton:name": "Debian Base",
        "plankton:status": "AVAILABLE",
        "plankton:disk_format": "raw",
        "plankton:container_format": "bare",
        "plankton:created_at": image.created.strftime("%Y-%m-%d %H:%M:%S"),
        "plankton:property:os": "debian",
    }
    assert "X-Object-Meta-Plankton:name" not in files("HEAD", "disks/my disk.raw"), "a domain of its own"
    meta = {
        "X-Image-Meta-Name": "other",
        "X-Image-Meta-Property-OS": "ubuntu",
        "X-Image-Meta-Property-B": "1",
    }
    assert alice("PUT", f"{V1}/images/{uuid}", content_type="", **meta).status_code == 200
    assert (said()["plankton:name"], said()["plankton:property:os"]) == ("other", "ubuntu")
    alice.json("DELETE", f"{V1}/images/{uuid}", status=204)
    assert said() == {}
    assert files("GET", "disks/my disk.raw").status_code == 200, "the file stays"


def test_an_image_is_what_the_file_was(alice: Api, cloud: People, files: Files, location: str) -> None:
    uuid = register(alice, location)["X-Image-Meta-Id"]
    other = os.urandom(9000)
    files.put("disks/my disk.raw", other)

    def content() -> bytes:
        return b"".join(rules.read(rules.get(cloud.alice.caller, uuid)))

    assert content() == DISK
    assert alice("HEAD", f"{V1}/images/{uuid}")["X-Image-Meta-Size"] == str(len(DISK))
    again = register(alice, location, name="renewed")
    assert (again["X-Image-Meta-Id"], again["X-Image-Meta-Size"]) == (uuid, "9000")
    assert content() == other
    assert Hold.objects.count() == 2, "this one's, and the one of every test; the old one was let go"
    assert files("DELETE", "disks/my disk.raw").status_code == 204
    assert content() == other, "the image stays without the file"
    register(alice, location, 404)
    alice.json("DELETE", f"{V1}/images/{uuid}", status=204)
    assert rules.release_unused() == 0, "somebody may just be asking for a server"
    assert rules.release_unused(NOW) == 1
    assert Hold.objects.count() == 1
    assert rules.release_unused(NOW) == 0


def test_content_stays_while_a_server_is_being_made_of_it(
    alice: Api, location: str, order: dict[str, Any], settle: Callable[[], None]
) -> None:
    uuid = register(alice, location)["X-Image-Meta-Id"]
    order["server"]["imageRef"] = uuid
    server = alice.json("POST", "compute/v2.0/servers", order, status=202)["server"]["id"]
    alice.json("DELETE", f"{V1}/images/{uuid}", status=204)
    assert rules.release_unused(NOW) == 1, "the server's volume holds it as well"
    settle()
    assert alice.get(f"compute/v2.0/servers/{server}")["server"]["status"] == "ACTIVE"


def test_an_image_that_was_unregistered_comes_back_with_its_id(alice: Api, location: str) -> None:
    uuid = register(alice, location)["X-Image-Meta-Id"]
    alice.json("PUT", f"{V1}/images/{uuid}/members/somebody", status=204)
    alice.json("DELETE", f"{V1}/images/{uuid}", status=204)
    assert alice("HEAD", f"{V1}/images/{uuid}").status_code == 404
    assert register(alice, location)["X-Image-Meta-Id"] == uuid
    assert len(alice.get(f"{V1}/images/{uuid}/members")["members"]) == 1, "as a new one"


def test_registering_costs_nothing(alice: Api, cloud: People, location: str) -> None:
    caller = cloud.alice.caller
    before = accounts().quotas(caller.user, caller.project)["pithos.diskspace"].usage
    register(alice, location)
    assert accounts().quotas(caller.user, caller.project)["pithos.diskspace"].usage == before >= len(DISK)


@pytest.mark.parametrize(
    ("meta", "status"),
    [
        ({"size": "1"}, 400),
        ({"size": "x"}, 400),
        ({"checksum": "0" * 64}, 400),
        ({"id": "x"}, 400),
        ({"nonsense": "x"}, 400),
        ({"store": "swift"}, 400),
        ({"disk_format": "extdump"}, 400),
        ({"container_format": "ova"}, 400),
        ({"is_public": "maybe"}, 400),
        ({"is_public": "true"}, 403),
        ({"owner": "somebody"}, 403),
        ({"Property_x": "%ff"}, 400),
        ({"Property_x": "%00"}, 400),
        ({"Property_x": "v" * 257}, 400),
        ({f"Property_{'k' * 112}": "v"}, 400),
        ({"name": ""}, 400),
        ({"name": "a\nb"}, 400),
    ],
)
def test_what_cannot_be_is_refused(alice: Api, location: str, meta: dict[str, str], status: int) -> None:
    register(alice, location, status, **meta)
    assert Hold.objects.count() == 1
    assert Version.objects.get(object__name="my disk.raw").attributes.get("plankton") is None


def test_more_properties_than_an_object_carries_are_refused(alice: Api, location: str) -> None:
    register(alice, location, 400, **{f"Property_{number}": "v" for number in range(40)})
    assert Hold.objects.count() == 1, "nothing was kept of it"


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ("pithos://{user}/disks/nothing", 404),
        ("pithos://{user}/nothing/nothing", 404),
        ("pithos://{other}/disks/x", 403),
        ("pithos://nobody/disks/x", 403),
        ("pithos://{user}/disks", 400),
        ("pithos://{user}", 400),
        ("pithos:///x/y", 400),
        ("pithos://{user}/%ff/x", 400),
        ("directory://{user}/x", 400),
        ("/disks/my disk.raw", 400),
        ("", 400),
    ],
)
def test_a_location_without_a_file_of_ones_own_is_refused(
    alice: Api, cloud: People, location: str, wanted: str, status: int
) -> None:
    register(alice, wanted.format(user=cloud.alice.user.uuid, other=cloud.bob.user.uuid), status)


def test_others_files_are_not_registered(bob: Api, alice: Api, location: str) -> None:
    register(bob, location, 403)
    uuid = register(alice, location)["X-Image-Meta-Id"]
    register(bob, location, 403)
    assert bob("HEAD", f"{V1}/images/{uuid}").status_code == 403


@pytest.mark.parametrize(
    "content", [b"KDMV" + bytes(600), b"vhdxfile" + bytes(600), b"QFI\xfb" + bytes(600), b""]
)
def test_what_is_no_disk_is_refused(alice: Api, files: Files, content: bytes) -> None:
    location = files.put("disks/x", content)
    register(alice, location, 400)


def test_an_id_that_somebody_else_announced_stands_in_nobodys_way(
    alice: Api, cloud: People, files: Files, location: str
) -> None:
    uuid = files("HEAD", "disks/my disk.raw")["X-Object-UUID"]
    squatter = cloud.bob.caller
    rules.announce(squatter, uuid=uuid, disk_format="raw", properties={}, name="mine")
    with pytest.raises(faults.Conflict):
        rules.upload(squatter, uuid, [b"content"])
    assert register(alice, location)["X-Image-Meta-Id"] == uuid
    assert Image.objects.get(uuid=uuid).userid == cloud.alice.user.uuid
    with pytest.raises(faults.ItemNotFound):
        rules.upload(squatter, uuid, [b"content"])
    assert files("GET", "disks/my disk.raw").status_code == 200


def test_members_see_and_use_a_private_image(
    alice: Api, bob: Api, cloud: People, location: str, order: dict[str, Any]
) -> None:
    uuid = register(alice, location)["X-Image-Meta-Id"]
    owner, mate = cloud.alice.user.uuid, cloud.bob.user.uuid
    path = f"{V1}/images/{uuid}/members"
    assert alice.get(path) == {"members": [{"member_id": owner, "can_share": False}]}
    bob.json("GET", path, status=403)
    assert bob.get(f"{V1}/shared-images/{owner}") == {"shared_images": []}
    alice.json("PUT", f"{path}/{mate}", status=204)
    assert {row["member_id"] for row in alice.get(path)["members"]} == {owner, mate}
    assert bob("HEAD", f"{V1}/images/{uuid}").status_code == 200
    assert "Debian Base" in [row["name"] for row in bob.get("compute/v2.0/images")["images"]]
    assert bob.get(f"{V1}/shared-images/{owner}") == {
        "shared_images": [{"image_id": uuid, "can_share": False}]
    }
    for method, where, body in (
        ("PUT", f"{path}/x", None),
        ("DELETE", f"{path}/{mate}", None),
        ("PUT", path, {"memberships": []}),
        ("DELETE", f"{V1}/images/{uuid}", None),
    ):
        bob.json(method, where, body, status=403)
    alice.json("PUT", path, {"memberships": [{"member_id": "other"}, {"member_id": owner}]}, status=204)
    assert {row["member_id"] for row in alice.get(path)["members"]} == {owner, "other"}
    assert bob("HEAD", f"{V1}/images/{uuid}").status_code == 403
    alice.json("DELETE", f"{path}/other", status=204)
    alice.json("PUT", path, {"memberships": "x"}, status=400)
    alice.json("PUT", path, {"memberships": [{}]}, status=400)
    alice.json("PUT", f"{path}/{'x' * 300}", status=400)


def test_publishing_is_everybodys_where_the_operator_says_so(
    alice: Api, bob: Api, location: str, settings: Any
) -> None:
    uuid = register(alice, location)["X-Image-Meta-Id"]
    public = {"X-Image-Meta-Is-Public": "True"}
    assert alice("PUT", f"{V1}/images/{uuid}", content_type="", **public).status_code == 403
    settings.CYCLADES_USERS_PUBLISH_IMAGES = True
    answer = alice("PUT", f"{V1}/images/{uuid}", content_type="", **public)
    assert (answer.status_code, answer["X-Image-Meta-Is-Public"]) == (200, "True")
    assert bob("HEAD", f"{V1}/images/{uuid}")["X-Image-Meta-Owner"] == Image.objects.get(uuid=uuid).userid
    assert bob("PUT", f"{V1}/images/{uuid}", content_type="", **public).status_code == 403


def test_an_update_changes_what_it_names(alice: Api, location: str) -> None:
    uuid = register(alice, location, Property_a="1")["X-Image-Meta-Id"]

    def update(expected: int = 200, /, **meta: str) -> Any:
        headers = {f"X-Image-Meta-{key.replace('_', '-')}": value for key, value in meta.items()}
        answer = alice("PUT", f"{V1}/images/{uuid}", content_type="", **headers)
        assert answer.status_code == expected, answer.content
        return answer

    assert update(name="n%20n")["X-Image-Meta-Name"] == "n%20n"
    assert update()["X-Image-Meta-Property-A"] == "1"
    answer = update(Property_b="2", Property_c="3")
    assert answer["X-Image-Meta-Property-A"] == "1"
    assert (answer["X-Image-Meta-Property-B"], answer["X-Image-Meta-Property-C"]) == ("2", "3")
    for meta in (
        {"location": location},
        {"size": "1"},
        {"checksum": "x"},
        {"status": "bogus"},
        {"owner": "x"},
    ):
        update(400, **meta)


def test_images_of_before_are_read_where_they_are(alice: Api, cloud: People, tmp_path: Any) -> None:
    """Content in the data directory, as clouds without an object store keep it."""
    store = objects.DIRECTORY_ADAPTER
    assert store
    found = objects._adapter(store).put(cloud.alice.caller, [DISK], name="old")
    old = f"directory://{found.hash}"
    image = Image.objects.create(
        name="old", userid=cloud.alice.user.uuid, project=cloud.alice.user.uuid, disk_format="raw",
        size_bytes=len(DISK), virtual_size_bytes=len(DISK), sha256=found.hash, hash=found.hash, location=old,
        hold=old,
    )  # fmt: skip
    assert alice("HEAD", f"{V1}/images/{image.uuid}")["X-Image-Meta-Location"] == old
    assert b"".join(rules.read(image)) == DISK
    alice.json("DELETE", f"{V1}/images/{image.uuid}", status=204)
    assert rules.release_unused(NOW) == 1
    assert b"".join(objects.read(old)) == DISK, "disks of this host may stand on it"
