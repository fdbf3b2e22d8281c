"""What a server's page offers beside power: rescue, rebuild, its image, another size, a lock, tags."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.test import Client

from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.servers import life, tags
from synnefo.cyclades.servers.models import Server
from tests.conftest import SYSTEM, People
from tests.pages.conftest import signed_in, texts_of

Settle = Callable[[], None]


def of(server: Server, rest: str = "") -> str:
    return f"/ui/servers/{server.uuid}/{rest}"


def act(browser: Client, server: Server, do: str) -> str:
    form = {"do": f"{do}:{server.uuid}", "next": of(server)}
    return texts_of(browser.post("/ui/servers/act/", form, follow=True))


def test_a_server_is_rescued_and_leaves_rescue(alice: Client, server: Server, settle: Settle) -> None:
    assert "tiny" in texts_of(alice.get(of(server, "rescue/")))
    said = texts_of(alice.post(of(server, "rescue/"), {"image": ""}, follow=True))
    assert "web-1 boots the other system." in said
    assert "shown this once" in said
    settle()
    page = texts_of(alice.get(of(server)))
    assert "In rescue" in page
    assert "Rebuild…" not in page
    assert "Leave rescue" in page
    act(alice, server, "unrescue")
    settle()
    server.refresh_from_db()
    assert not server.rescue


def test_rescue_is_not_offered_where_there_is_none(alice: Client, server: Server, settings: Any) -> None:
    settings.CYCLADES_RESCUE_ENABLED = False
    assert "Rescue…" not in texts_of(alice.get(of(server)))
    assert alice.post(of(server, "rescue/"), {"image": ""}).status_code == 422


def test_a_server_is_rebuilt_only_by_its_name(
    alice: Client, server: Server, image: Any, settle: Settle
) -> None:
    wrong = alice.post(of(server, "rebuild/"), {"image": image.uuid, "typed": "web"})
    assert wrong.status_code == 422
    server.refresh_from_db()
    assert server.task == ""
    said = texts_of(alice.post(of(server, "rebuild/"), {"image": image.uuid, "typed": "web-1"}, follow=True))
    assert "web-1 is made anew." in said
    assert re.search(r"shown this once: \S+", said)
    assert "Rebuilding" in said
    settle()
    assert "Rebuild Done" in texts_of(alice.get(of(server)))


def test_an_image_is_made_of_a_server(alice: Client, server: Server, settle: Settle) -> None:
    assert 'value="web-1"' in alice.get(of(server, "image/")).content.decode()
    assert alice.post(of(server, "image/"), {"name": ""}).status_code == 422
    alice.post(of(server, "image/"), {"name": "golden"})
    settle()
    assert Image.objects.get(name="golden").status == "AVAILABLE"


def test_a_server_gets_another_size_and_its_owner_has_the_last_word(
    alice: Client, server: Server, settle: Settle
) -> None:
    assert "no other size" in texts_of(alice.get(of(server, "size/")))
    larger = flavors.create(SYSTEM, cpu=2, ram=512, disk=server.flavor.disk)
    assert "2 CPUs, 512 MB, 1 GB" in texts_of(alice.get(of(server, "size/")))
    alice.post(of(server, "size/"), {"flavor": larger.uuid})
    settle()
    assert "Confirm its size" in texts_of(alice.get(of(server)))
    act(alice, server, "confirm-resize")
    settle()
    server.refresh_from_db()
    assert (server.flavor, server.operstate) == (larger, "STARTED")


def test_a_locked_server_is_left_alone_until_it_is_unlocked(alice: Client, server: Server) -> None:
    assert "web-1 is locked." in act(alice, server, "lock")
    page = texts_of(alice.get(of(server)))
    assert "Unlock" in page
    for words in ("Delete…", "Stop", "Rebuild…"):
        assert words not in page
    assert "is locked" in texts_of(alice.post(of(server, "image/"), {"name": "x"}))
    assert "web-1 is unlocked." in act(alice, server, "unlock")
    assert "Delete…" in texts_of(alice.get(of(server)))


def test_what_an_administrator_locked_its_owner_does_not_unlock(
    alice: Client, cloud: People, server: Server
) -> None:
    life.lock(SYSTEM, server.uuid)
    page = texts_of(alice.get(of(server)))
    assert "Locked by an administrator" in page
    assert "Unlock" not in page
    assert "An administrator locked this server." in act(alice, server, "unlock")


def test_tags_are_put_on_found_and_taken_off(alice: Client, server: Server) -> None:
    alice.post(of(server, "tag/"), {"name": "production"})
    assert "production" in texts_of(alice.get(of(server)))
    assert "web-1" in texts_of(alice.get("/ui/servers/?q=Production"))
    refused = alice.post(of(server, "tag/"), {"name": "a/b"})
    assert refused.status_code == 422
    assert "without '/' and ','" in texts_of(refused)
    alice.post(of(server, "tag/remove/"), {"tag": "production"})
    assert tags.tags_of(server) == []
    again = texts_of(alice.post(of(server, "tag/remove/"), {"tag": "production"}, follow=True))
    assert "The server has no such tag." in again


PATHS = [
    ("rescue/", {"image": ""}), ("rebuild/", {"image": "x", "typed": "web-1"}), ("image/", {"name": "x"}),
    ("size/", {"flavor": "x"}), ("tag/", {"name": "x"}), ("tag/remove/", {"tag": "mine"}),
]  # fmt: skip


def test_only_who_has_a_server_does_any_of_it(
    cloud: People, server: Server, client: Client, bob: Client
) -> None:
    tags.add(cloud.alice.caller, server, "mine")
    for path, form in PATHS:
        for other in (bob, signed_in(cloud.admin)):
            assert other.post(of(server, path), form).status_code in (404,), path
        assert client.post(of(server, path), form)["Location"].startswith("/ui/login/"), path
    server.refresh_from_db()
    assert (server.task, tags.tags_of(server)) == ("", ["mine"])
    assert not Image.objects.filter(name="x").exists()
