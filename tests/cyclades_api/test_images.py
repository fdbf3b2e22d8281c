"""Images in image v2."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from synnefo.astakos.quotas.models import Holding
from synnefo.common import faults
from synnefo.common.accounts import accounts
from synnefo.cyclades.images import rules
from synnefo.pithos.namespace.models import Version
from tests.conftest import People
from tests.cyclades_api.conftest import Api

IMAGES = "image/v2/images"


@pytest.fixture
def more(cloud: People, image: Any) -> dict[str, str]:
    """Ids by name: the public one of every test, another public one, and a private one of alice's."""

    def register(person: Any, name: str, **about: Any) -> str:
        content = io.BytesIO(name.encode() + bytes(1024 * 1024 - len(name)))
        made: str = rules.register(person.caller, content, name=name, **about).uuid
        return made

    return {
        "tiny": image.uuid,
        "big": register(
            cloud.admin, "big", is_public=True, properties={"os": "debian", "x__gt": "1", "id": "no"}
        ),
        "own": register(cloud.alice, "own"),
    }


def names(api: Api, query: str = "") -> list[str]:
    return [row["name"] for row in api.json("GET", f"{IMAGES}?{query}")["images"]]


@pytest.mark.parametrize("path", ["image", "image/", "image/versions"])
def test_version_documents(stranger: Api, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 300
    version, *older = answer.json()["versions"]
    assert (version["id"], version["status"]) == ("v2.12", "CURRENT")
    assert [row["id"] for row in older] == [f"v2.{minor}" for minor in range(11, -1, -1)]
    assert version["links"][0]["href"].endswith("/openstack/image/v2/")


def test_an_image_is_shown_with_its_properties(alice: Api, image: Any) -> None:
    shown = alice.json("GET", f"{IMAGES}/{image.uuid}")
    assert (shown["id"], shown["name"], shown["os"]) == (image.uuid, "tiny", "linux")
    assert (shown["status"], shown["visibility"], shown["disk_format"]) == ("active", "public", "raw")
    assert (shown["size"], shown["virtual_size"], shown["min_disk"]) == (2**20, 2**20, 1)
    assert (shown["os_hash_algo"], shown["os_hash_value"]) == ("sha512", image.sha512)
    assert alice.json("GET", IMAGES)["images"] == [shown]
    schema = alice.json("GET", "image/v2/schemas/image")["properties"]
    assert set(shown) - {"os"} == set(schema)


def test_properties_never_hide_what_is_glances_own(alice: Api, more: dict[str, str]) -> None:
    assert alice.json("GET", f"{IMAGES}/{more['big']}")["id"] == more["big"]


def test_private_images_are_the_projects_own(alice: Api, bob: Api, more: dict[str, str]) -> None:
    assert names(alice) == ["own", "big", "tiny"]
    assert names(bob) == ["big", "tiny"]
    assert bob.get(f"{IMAGES}/{more['own']}").status_code == 404
    assert alice.json("GET", f"{IMAGES}/{more['own']}")["visibility"] == "private"


def test_images_are_filtered(cloud: People, alice: Api, more: dict[str, str]) -> None:
    assert names(alice, "name=big") == ["big"]
    assert names(alice, "name=in:big,own") == ["own", "big"]
    assert names(alice, f"id=in:{more['own']},{more['tiny'].replace('-', '')}") == ["own", "tiny"]
    assert names(alice, "status=active") == ["own", "big", "tiny"]
    assert names(alice, "status=queued") == []
    assert names(alice, "visibility=private") == ["own"]
    assert names(alice, "visibility=public") == ["big", "tiny"]
    assert names(alice, "visibility=shared") == []
    assert names(alice, f"owner={cloud.alice.caller.project}") == ["own"]
    assert names(alice, "disk_format=qcow2") == []
    assert names(alice, "os=debian") == ["big"]
    assert names(alice, "x__gt=1") == ["big"]
    assert names(alice, "x=1") == names(alice, "os=beos") == names(alice, "os_hidden=true") == []
    assert names(alice, 'name=in:"big",own') == ["own", "big"]
    assert names(alice, "size_min=1048577") == names(alice, "size=7") == names(alice, "protected=true") == []
    assert names(alice, "size_max=1048576&container_format=bare") == ["own", "big", "tiny"]
    assert names(alice, "created_at=lt:2000-01-01T00:00:00Z") == []
    assert names(alice, "updated_at=gte:2000-01-01T00:00:00Z") == ["own", "big", "tiny"]


def test_images_are_ordered_and_paged_by_what_is_asked_for(alice: Api, more: dict[str, str]) -> None:
    assert names(alice, "sort_key=name&sort_dir=asc") == ["big", "own", "tiny"]
    assert names(alice, "sort=size:asc,name:desc") == ["tiny", "own", "big"]
    assert names(alice, f"sort=size,name:asc&marker={more['big']}") == ["own", "tiny"]
    assert names(alice, f"sort_key=name&sort_dir=desc&limit=1&marker={more['tiny']}") == ["own"]
    for query in ("sort_key=os", "sort=name:up", "sort_key=name&sort_dir=asc&sort_dir=desc", "marker=x"):
        assert alice.get(f"{IMAGES}?{query}").status_code == 400, query


def test_images_have_tags(alice: Api, bob: Api, more: dict[str, str]) -> None:
    path = f"{IMAGES}/{more['own']}"
    for tag in ("blue", "a, b", "ü"):
        assert alice("PUT", f"{path}/tags/{tag}").status_code == 204
        assert alice("PUT", f"{path}/tags/{tag}").status_code == 204, "it has it already"
        assert names(alice, f"tag={tag}") == ["own"]
    assert alice.json("GET", path)["tags"] == ["a, b", "blue", "ü"]
    assert names(alice, "tag=blue&tag=red") == names(alice, "tag=, ") == names(bob, "tag=blue") == []
    assert alice("DELETE", f"{path}/tags/blue").status_code == 204
    assert alice("DELETE", f"{path}/tags/blue").status_code == 404
    assert names(alice, "tag=blue") == []
    assert bob("PUT", f"{IMAGES}/{more['big']}/tags/x").status_code == 403
    assert alice("PUT", f"{path}/tags/{'x' * 256}").status_code == 400


def test_a_protected_image_stays_and_a_hidden_one_is_in_no_list(alice: Api, more: dict[str, str]) -> None:
    path = f"{IMAGES}/{more['own']}"
    for key in ("protected", "os_hidden"):
        wanted = [{"op": "replace", "path": f"/{key}", "value": True}]
        assert alice.json("PATCH", path, wanted)[key] is True
    assert alice("DELETE", path).status_code == 403
    assert names(alice) == ["big", "tiny"]
    assert names(alice, "os_hidden=true") == ["own"]
    assert alice.get(path).status_code == 200
    alice.json("PATCH", path, [{"replace": "/protected", "value": False}])
    assert alice("DELETE", path).status_code == 204


def test_a_deactivated_image_is_not_used(alice: Api, admin: Api, more: dict[str, str]) -> None:
    path = f"{IMAGES}/{more['own']}"
    for _ in range(2):
        assert alice("POST", f"{path}/actions/deactivate").status_code == 204
        assert alice.json("GET", path)["status"] == "deactivated"
    assert alice.get(f"{path}/file").status_code == 403
    assert alice("POST", f"{path}/actions/reactivate").status_code == 204
    assert len(download(alice, more["own"])) == 2**20
    waiting = create(alice)["id"]
    assert alice("POST", f"{IMAGES}/{waiting}/actions/deactivate").status_code == 403


def test_an_image_of_the_community_is_found_by_who_looks_for_it(alice: Api, bob: Api) -> None:
    made = create(alice, visibility="community")
    assert names(bob) == ["tiny"]
    assert names(alice) == ["new", "tiny"]
    assert names(bob, "visibility=community") == ["new"]
    assert names(bob, "visibility=all") == ["new", "tiny"]
    assert bob.json("GET", f"{IMAGES}/{made['id']}")["visibility"] == "community"
    assert bob("DELETE", f"{IMAGES}/{made['id']}").status_code == 403


def test_only_administrators_say_whose_an_image_is(cloud: People, alice: Api, admin: Api) -> None:
    theirs = cloud.alice.caller.project
    made = create(admin, owner=theirs, visibility="private")
    assert made["owner"] == admin.json("GET", f"{IMAGES}/{made['id']}")["owner"] == theirs
    assert alice("POST", IMAGES, {"owner": cloud.bob.caller.project}).status_code == 403
    own = create(alice)["id"]
    wanted = [{"op": "replace", "path": "/owner", "value": cloud.bob.caller.project}]
    assert alice("PATCH", f"{IMAGES}/{own}", wanted).status_code == 403


def test_images_are_paged(alice: Api, more: dict[str, str]) -> None:
    page = alice.json("GET", f"{IMAGES}?limit=2&status=active")
    assert [row["name"] for row in page["images"]] == ["own", "big"]
    assert page["first"] == "/v2/images?limit=2&status=active"
    last = alice.json("GET", f"image{page['next']}")
    assert [row["name"] for row in last["images"]] == ["tiny"]
    assert "next" not in last


def create(api: Api, **about: Any) -> Any:
    """An image that waits for its content."""
    return api.json("POST", IMAGES, {"name": "new", "disk_format": "raw", **about}, status=201)


def upload(api: Api, uuid: str, content: bytes, kind: str = "application/octet-stream") -> Any:
    headers = {"X-Auth-Token": api.token or ""}
    url = f"/cyclades/openstack/{IMAGES}/{uuid}/file"
    return Client().generic("PUT", url, content, content_type=kind, headers=headers)


def download(api: Api, uuid: str) -> bytes:
    answer = api.get(f"{IMAGES}/{uuid}/file")
    assert answer.status_code == 200, answer.content
    body = b"".join(answer.streaming_content)
    assert int(answer["Content-Length"]) == len(body)
    return body


def usage(cloud: People) -> int:
    caller = cloud.alice.caller
    return accounts().quotas(caller.user, caller.project)["pithos.diskspace"].usage


def test_an_image_is_announced_uploaded_and_saved(cloud: People, alice: Api, bob: Api) -> None:
    content = b"\xeb\x63\x90" + os.urandom(5 * 1024 * 1024)
    made = create(alice, os_distro="debian", min_disk=2, min_ram=64, visibility="private")
    assert (made["status"], made["size"], made["checksum"]) == ("queued", None, None)
    assert alice.get(f"{IMAGES}/{made['id']}/file").status_code == 204
    assert names(alice, "status=queued") == ["new"]
    before = usage(cloud)
    assert upload(alice, made["id"], content).status_code == 204
    assert usage(cloud) - before == len(content), "it is a file of hers"
    shown = alice.json("GET", f"{IMAGES}/{made['id']}")
    assert (shown["status"], shown["size"], shown["virtual_size"]) == ("active", len(content), len(content))
    assert (shown["min_disk"], shown["min_ram"], shown["os_distro"]) == (2, 64, "debian")
    assert shown["checksum"] == hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert shown["os_hash_value"] == hashlib.sha512(content).hexdigest()
    assert download(alice, made["id"]) == content
    assert bob.get(f"{IMAGES}/{made['id']}/file").status_code == 404
    assert upload(alice, made["id"], content).status_code == 409
    assert Version.objects.get(uuid=made["id"], state=0).object.name == "new"
    assert alice("DELETE", f"{IMAGES}/{made['id']}").status_code == 204
    assert usage(cloud) == before, "the file came with the image and goes with it"


def test_an_image_that_is_removed_during_its_upload_is_gone(cloud: People, alice: Api) -> None:
    made, before = create(alice), usage(cloud)

    def removing() -> Iterator[bytes]:
        yield b"x" * 5000
        assert alice("DELETE", f"{IMAGES}/{made['id']}").status_code == 204
        yield b"y"

    with pytest.raises(faults.Conflict):
        rules.upload(cloud.alice.caller, made["id"], removing())
    assert alice.get(f"{IMAGES}/{made['id']}").status_code == 404
    assert usage(cloud) == before


def test_the_format_is_what_the_content_says(alice: Api, tmp_path: Path) -> None:
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(tmp_path / "d"), "3G"], check=True)
    made = create(alice)
    assert upload(alice, made["id"], (tmp_path / "d").read_bytes()).status_code == 204
    shown = alice.json("GET", f"{IMAGES}/{made['id']}")
    assert (shown["disk_format"], shown["virtual_size"], shown["min_disk"]) == ("qcow2", 3 * 2**30, 3)
    promised = create(alice, disk_format="qcow2")
    assert upload(alice, promised["id"], b"no disk at all").status_code == 400
    assert alice.json("GET", f"{IMAGES}/{promised['id']}")["status"] == "queued", "it waits on"


def test_an_upload_that_is_refused_costs_nothing(cloud: People, alice: Api, bob: Api) -> None:
    made, before = create(alice), usage(cloud)
    assert upload(alice, made["id"], b"").status_code == 400
    refused = upload(alice, made["id"], b"KDMV" + bytes(1000)).json()["message"]
    assert refused.endswith("its vmdk header makes no sense.")
    assert upload(alice, made["id"], b"x", "application/json").status_code == 415
    assert upload(bob, made["id"], b"x").status_code == 404
    Holding.objects.filter(holder__contains=cloud.alice.user.uuid, resource="pithos.diskspace").update(
        limit=100
    )
    refused = upload(alice, made["id"], os.urandom(1000))
    assert refused.status_code == 413
    assert usage(cloud) == before
    assert not Version.objects.filter(uuid=made["id"]).exists()
    assert upload(alice, made["id"], os.urandom(10)).status_code == 204


def test_an_image_whose_id_is_chosen_has_it(alice: Api) -> None:
    uuid = "01234567-89ab-4cde-8f01-23456789abcd"
    assert create(alice, id=uuid)["id"] == uuid
    assert alice("POST", IMAGES, {"name": "x", "id": uuid}).status_code == 409
    assert alice("POST", IMAGES, {"name": "x", "id": "nonsense"}).status_code == 400


@pytest.mark.parametrize(
    ("about", "status"),
    [
        ({"disk_format": "vdi"}, 400),
        ({"container_format": "ova"}, 400),
        ({"visibility": "secret"}, 400),
        ({"visibility": "public"}, 403),
        ({"status": "active"}, 403),
        ({"size": 7}, 403),
        ({"os": 7}, 400),
        ({"os": "nul\x00"}, 400),
        ({"min_disk": -1}, 400),
        ({"protected": "yes"}, 400),
        ({"tags": ["x" * 256]}, 400),
        ({"tags": [""]}, 400),
        ({"name": "x" * 256}, 400),
        ({"os_glance_failed_import": "x"}, 403),
        ({"stores": "x"}, 403),
        ({"k" * 112: "v"}, 400),
    ],
)
def test_what_cannot_be_is_refused(alice: Api, about: dict[str, Any], status: int) -> None:
    answer = alice("POST", IMAGES, {"name": "new", **about})
    assert answer.status_code == status, answer.content
    assert names(alice) == ["tiny"]


def test_administrators_publish(alice: Api, admin: Api) -> None:
    made = create(admin, visibility="public", name="for all")
    assert names(alice) == ["for all", "tiny"]
    assert alice("DELETE", f"{IMAGES}/{made['id']}").status_code == 403
    wanted = [{"op": "replace", "path": "/visibility", "value": "private"}]
    assert alice("PATCH", f"{IMAGES}/{made['id']}", wanted).status_code == 403
    assert admin.json("PATCH", f"{IMAGES}/{made['id']}", wanted)["visibility"] == "private"
    assert names(alice) == ["tiny"]


def test_an_image_is_changed_by_a_patch(alice: Api) -> None:
    made = create(alice, os="debian", **{"a/b~c": "1"})
    changed = alice.json(
        "PATCH",
        f"{IMAGES}/{made['id']}",
        [
            {"op": "replace", "path": "/name", "value": "renamed"},
            {"op": "add", "path": "/users", "value": "root"},
            {"op": "remove", "path": "/os"},
            {"op": "replace", "path": "/a~1b~0c", "value": "2"},
            {"op": "replace", "path": "/min_ram", "value": 128},
        ],
    )
    assert (changed["name"], changed["users"], changed["a/b~c"], changed["min_ram"]) == (
        "renamed",
        "root",
        "2",
        128,
    )
    assert "os" not in changed
    formatted = [{"op": "replace", "path": "/disk_format", "value": "qcow2"}]
    changed = alice.json("PATCH", f"{IMAGES}/{made['id']}", formatted)
    assert changed["disk_format"] == "qcow2", "it waits for its content still"
    for change, status in (
        ({"op": "remove", "path": "/os"}, 409),
        ({"op": "replace", "path": "/nothing", "value": "x"}, 409),
        ({"op": "replace", "path": "/status", "value": "active"}, 403),
        ({"op": "remove", "path": "/name"}, 403),
        ({"op": "replace", "path": "/id", "value": made["id"]}, 403),
        ({"op": "replace", "path": "/disk_format", "value": "vdi"}, 400),
        ({"op": "add", "path": "/os_glance_x", "value": "x"}, 403),
        ({"op": "add", "path": "/locations/-", "value": {"url": "http://example.org"}}, 403),
        ({"op": "replace", "path": "/visibility", "value": "public"}, 403),
        ({"op": "replace", "path": "name", "value": "x"}, 400),
        ({"op": "move", "path": "/name", "from": "/x"}, 400),
        ({"op": "add", "path": "/x", "value": 1}, 400),
    ):
        answer = alice("PATCH", f"{IMAGES}/{made['id']}", [change])
        assert answer.status_code == status, (change, answer.content)
    assert alice.json("GET", f"{IMAGES}/{made['id']}") == {**changed}


def test_members_see_an_image_and_have_it_in_their_lists_if_they_want(
    cloud: People, alice: Api, bob: Api, more: dict[str, str]
) -> None:
    image, mate = f"{IMAGES}/{more['own']}", cloud.bob.caller.project
    path = f"{image}/members"
    assert alice("POST", path, {"member": mate}).status_code == 403, "it is nobody else's business yet"
    alice.json("PATCH", image, [{"op": "replace", "path": "/visibility", "value": "shared"}])
    assert bob.get(path).status_code == 404
    made = alice.json("POST", path, {"member": mate})
    assert (made["member_id"], made["status"]) == (mate, "pending")
    assert alice("POST", path, {"member": mate}).status_code == 409
    assert names(bob) == ["big", "tiny"]
    assert names(bob, "visibility=shared&member_status=pending") == ["own"]
    assert len(download(bob, more["own"])) == 1024 * 1024
    assert bob("PUT", f"{path}/{mate}", {"status": "perhaps"}).status_code == 400
    assert alice("PUT", f"{path}/{mate}", {"status": "accepted"}).status_code == 403
    assert bob.json("PUT", f"{path}/{mate}", {"status": "accepted"})["status"] == "accepted"
    assert names(bob) == ["own", "big", "tiny"]
    assert [row["member_id"] for row in bob.json("GET", path)["members"]] == [mate]
    bob.json("PUT", f"{path}/{mate}", {"status": "rejected"})
    assert names(bob) == ["big", "tiny"]
    assert bob("DELETE", f"{path}/{mate}").status_code == 403
    assert bob("DELETE", image).status_code == 403
    assert alice.json("GET", f"{path}/{mate}")["status"] == "rejected"
    assert alice("DELETE", f"{path}/{mate}").status_code == 204
    assert alice("DELETE", f"{path}/{mate}").status_code == 404
    assert bob.get(image).status_code == 404


def test_snapshots_are_no_images_here(cloud: People, alice: Api) -> None:
    from synnefo.cyclades.images import content

    made = content.await_content(cloud.alice.caller, name="snap", is_snapshot=True, volume_id=1)
    assert names(alice) == ["tiny"]
    assert alice.get(f"{IMAGES}/{made.uuid}").status_code == 404
    assert alice("DELETE", f"{IMAGES}/{made.uuid}").status_code == 404


def test_a_server_is_not_made_of_an_image_without_content(alice: Api, order: dict[str, Any]) -> None:
    order["server"]["imageRef"] = create(alice)["id"]
    answer = alice("POST", "compute/v2.1/servers", order)
    assert answer.status_code == 400
    assert "is not active" in answer.json()["badRequest"]["message"]


def test_an_image_itself_is_not_put(alice: Api) -> None:
    answer = alice("PUT", f"{IMAGES}/x", {})
    assert answer.status_code == 405
    assert answer.json()["title"] == "Method Not Allowed"
