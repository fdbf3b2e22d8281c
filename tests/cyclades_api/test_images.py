"""Images in image v2."""

from __future__ import annotations

import io
from typing import Any

import pytest

from synnefo.cyclades.images import rules
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
    [version] = answer.json()["versions"]
    assert (version["id"], version["status"]) == ("v2.0", "CURRENT")
    assert version["links"][0]["href"].endswith("/openstack/image/v2/")


def test_an_image_is_shown_with_its_properties(alice: Api, image: Any) -> None:
    shown = alice.json("GET", f"{IMAGES}/{image.uuid}")
    assert (shown["id"], shown["name"], shown["os"]) == (image.uuid, "tiny", "linux")
    assert (shown["status"], shown["visibility"], shown["disk_format"]) == ("active", "public", "raw")
    assert (shown["size"], shown["virtual_size"], shown["min_disk"]) == (2**20, 2**20, 1)
    assert shown["os_hash_value"] == image.sha256
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
    assert names(alice, "sort_key=name&sort_dir=asc") == ["own", "big", "tiny"]


def test_images_are_paged(alice: Api, more: dict[str, str]) -> None:
    page = alice.json("GET", f"{IMAGES}?limit=2&status=active")
    assert [row["name"] for row in page["images"]] == ["own", "big"]
    assert page["first"] == "/v2/images?limit=2&status=active"
    last = alice.json("GET", f"image{page['next']}")
    assert [row["name"] for row in last["images"]] == ["tiny"]
    assert "next" not in last


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", IMAGES), ("PATCH", f"{IMAGES}/x"), ("DELETE", f"{IMAGES}/x"), ("PUT", f"{IMAGES}/x")],
)
def test_images_are_not_changed_here(alice: Api, method: str, path: str) -> None:
    answer = alice(method, path, {})
    assert answer.status_code == 405
    assert answer.json()["title"] == "Method Not Allowed"
