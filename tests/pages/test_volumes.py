"""Pages of volumes and snapshots: what they show, and that every change goes through the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from synnefo.cyclades.images.models import Image
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.volumes import rules
from synnefo.cyclades.volumes.models import Volume
from synnefo.cyclades.volumes.requests import VolumeRequest
from tests.conftest import People
from tests.pages.conftest import texts_of

pytestmark = pytest.mark.django_db

LIST, NEW = "/ui/volumes/", "/ui/volumes/create/"


@pytest.fixture
def volume(cloud: People) -> Volume:
    """A blank one of alice's, in no server."""
    return rules.create(cloud.alice.caller, VolumeRequest(size_gib=2, name="data"))


def page(volume: Volume, rest: str = "") -> str:
    return f"{LIST}{volume.uuid}/{rest}"


def status(volume: Volume) -> str:
    return str(Volume.objects.get(pk=volume.pk).status)


def test_without_volumes_the_list_says_what_they_are(alice: Client) -> None:
    assert "No volumes yet" in texts_of(alice.get(LIST))
    assert "No snapshots yet" in texts_of(alice.get("/ui/snapshots/"))


def test_the_list_shows_volumes_with_their_servers(alice: Client, volume: Volume, server: Server) -> None:
    shown = texts_of(alice.get(LIST))
    assert "data" in shown
    assert "2 GB" in shown
    assert "web-1 boots from it" in shown
    assert "data" not in texts_of(alice.get(f"{LIST}?state=in+use"))
    assert "data" in texts_of(alice.get(f"{LIST}?q=dat"))


def test_what_others_have_is_not_there(bob: Client, volume: Volume) -> None:
    assert "data" not in texts_of(bob.get(LIST))
    for rest in ("", "attach/", "detach/", "extend/", "rename/", "snapshot/", "delete/"):
        assert bob.get(page(volume, rest)).status_code == 404, rest
    for rest in ("attach/", "detach/", "extend/", "rename/", "snapshot/", "delete/"):
        assert bob.post(page(volume, rest), {"name": "x", "size": "9"}).status_code == 404, rest
    assert status(volume) == "AVAILABLE"


def test_a_volume_is_created(alice: Client) -> None:
    asked = alice.get(NEW)
    assert "openstack volume create --size 10" in texts_of(asked)
    made = alice.post(NEW, {"name": "data", "size": "3", "source": ""})
    volume = Volume.objects.get(name="data")
    assert made["Location"] == page(volume)
    assert (volume.size_gib, volume.source) == (3, "blank")


def test_a_volume_is_made_of_an_image(alice: Client, image: Any) -> None:
    asked = alice.get(f"{NEW}?image={image.uuid}")
    assert f'value="image:{image.uuid}" selected' in asked.content.decode()
    alice.post(NEW, {"name": "disk", "size": "3", "source": f"image:{image.uuid}"})
    volume = Volume.objects.get(name="disk")
    assert (volume.source, volume.source_uuid, volume.bootable) == ("image", image.uuid, True)
    assert f"image {image.name}" in texts_of(alice.get(page(volume))).lower()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": "", "size": "1"}, "Give the volume a name."),
        ({"name": "x", "size": ""}, "Say how large it is."),
        ({"name": "x", "size": "many"}, "A whole number of GB."),
        ({"name": "x", "size": "99999"}, "at most"),
        ({"name": "x", "size": "1", "source": "image:nothing"}, "nothing"),
    ],
)
def test_what_is_wrong_is_said_at_the_field_and_nothing_typed_is_lost(
    alice: Client, typed: dict[str, str], said: str
) -> None:
    answer = alice.post(NEW, typed)
    assert answer.status_code == 422
    assert said in texts_of(answer)
    assert not Volume.objects.exists()


def test_what_is_typed_is_shown_as_commands_with_its_cost(alice: Client) -> None:
    shown = texts_of(alice.post(f"{NEW}same/", {"name": "data", "size": "7", "source": ""}))
    assert "openstack volume create --size 7 data" in shown
    assert "7 GB" in shown.replace("\u202f", " ").replace("\xa0", " ")


def test_a_volume_is_attached_and_detached(
    alice: Client, volume: Volume, server: Server, settle: Callable[[], None]
) -> None:
    assert "web-1" in texts_of(alice.get(page(volume, "attach/")))
    alice.post(page(volume, "attach/"), {"server": server.uuid})
    assert status(volume) == "ATTACHING"
    settle()
    assert status(volume) == "IN_USE"
    assert "web-1" in texts_of(alice.get(page(volume)))
    assert "loses this disk" in texts_of(alice.get(page(volume, "detach/")))
    alice.post(page(volume, "detach/"))
    settle()
    assert status(volume) == "AVAILABLE"


def test_a_volume_grows(alice: Client, volume: Volume, settle: Callable[[], None]) -> None:
    alice.post(page(volume, "extend/"), {"size": "5"})
    settle()
    assert Volume.objects.get(pk=volume.pk).size_gib == 5
    for size in ("4", "x", "", "9" * 30):
        alice.post(page(volume, "extend/"), {"size": size})
        assert Volume.objects.get(pk=volume.pk).size_gib == 5


def test_a_volume_is_renamed(alice: Client, volume: Volume) -> None:
    alice.post(page(volume, "rename/"), {"name": "logs", "description": "of the web"})
    assert "of the web" in texts_of(alice.get(page(volume)))
    assert Volume.objects.get(pk=volume.pk).name == "logs"


def test_a_snapshot_is_taken_restored_and_deleted(
    alice: Client, bob: Client, volume: Volume, settle: Callable[[], None]
) -> None:
    alice.post(page(volume, "snapshot/"), {"name": "before"})
    settle()
    snapshot = Image.objects.get(is_snapshot=True)
    assert (snapshot.name, snapshot.status) == ("before", "AVAILABLE")
    assert "before" in texts_of(alice.get("/ui/snapshots/"))
    assert "before" in texts_of(alice.get(page(volume)))
    assert "before" not in texts_of(alice.get("/ui/images/"))
    asked = alice.get(f"{NEW}?snapshot={snapshot.uuid}").content.decode()
    assert f'value="snapshot:{snapshot.uuid}" selected' in asked
    alice.post(NEW, {"name": "again", "size": "2", "source": f"snapshot:{snapshot.uuid}"})
    assert Volume.objects.get(name="again").source == "snapshot"
    gone = f"/ui/snapshots/{snapshot.uuid}/delete/"
    assert bob.post(gone).status_code == 404
    assert "Delete snapshot before?" in texts_of(alice.get(gone))
    assert alice.post(gone).status_code == 303
    assert "No snapshots yet" in texts_of(alice.get("/ui/snapshots/"))


def test_a_volume_is_deleted(alice: Client, volume: Volume, settle: Callable[[], None]) -> None:
    assert "all that is on its 2 GB" in texts_of(alice.get(page(volume, "delete/")))
    alice.post(page(volume, "delete/"))
    settle()
    assert Volume.objects.get(pk=volume.pk).deleted
    assert alice.get(page(volume)).status_code == 404


def test_the_disk_that_a_server_boots_from_is_not_taken_away(alice: Client, server: Server) -> None:
    root = server.volumes.get(index=0)
    shown = alice.get(page(root)).content.decode()
    assert "detach/" not in shown
    assert "delete/" not in shown
    for rest in ("detach/", "delete/"):
        alice.post(page(root, rest))
        assert status(root) == "IN_USE"
