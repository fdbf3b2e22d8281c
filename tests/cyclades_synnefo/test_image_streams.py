"""Image v1 with content in bodies, as Glance had it: an image is made, filled and read with its headers."""

from __future__ import annotations

import datetime
import hashlib
import http.server
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from synnefo.common.accounts import accounts
from synnefo.common.ids import new_uuid
from synnefo.common.objects import store_for
from synnefo.cyclades.images import imports, rules
from synnefo.cyclades.images.models import Image
from synnefo.pithos.namespace.models import Version
from tests.conftest import People
from tests.cyclades_synnefo.conftest import Api

V1 = "image/v1.0/images"
DISK = b"\xeb\x63\x90" + os.urandom(20_000)
OCTETS = "application/octet-stream"


def headers(meta: dict[str, str]) -> dict[str, str]:
    return {f"X-Image-Meta-{key.replace('_', '-')}": value for key, value in meta.items()}


def send(api: Api, content: bytes, status: int = 200, kind: str = OCTETS, **meta: str) -> Any:
    about = headers({"name": "Debian", **meta})
    answer = api("POST", V1, raw=content, content_type=kind, **about)
    assert answer.status_code == status, answer.content
    return answer


def read(api: Api, uuid: str) -> bytes:
    answer = api("GET", f"{V1}/{uuid}")
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def there(cloud: People) -> tuple[int, int, int]:
    """What alice has used of her quota, and how many objects and images there are."""
    caller = cloud.alice.caller
    used = accounts().quotas(caller.user, caller.project)["pithos.diskspace"].usage
    objects = Version.objects.filter(state=Version.State.CURRENT).count()
    return used, objects, Image.objects.count()


class Web(http.server.BaseHTTPRequestHandler):
    """Somebody's site with a disk on it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(DISK)))
        self.end_headers()
        self.wfile.write(DISK)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@pytest.fixture
def web() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_an_image_is_made_of_the_body_and_read_again(alice: Api, bob: Api, cloud: People) -> None:
    made = send(
        alice, DISK, disk_format="diskdump", size=str(len(DISK)),
        checksum=hashlib.md5(DISK, usedforsecurity=False).hexdigest(), Property_os="debian",
    )  # fmt: skip
    uuid = made["X-Image-Meta-Id"]
    assert (made["X-Image-Meta-Status"], made["X-Image-Meta-Size"]) == ("AVAILABLE", str(len(DISK)))
    assert made["X-Image-Meta-Location"].startswith("pithos://"), "it is a file of the owner's"
    answer = alice("GET", f"{V1}/{uuid}")
    assert b"".join(answer.streaming_content) == DISK
    assert (answer["Content-Type"], answer["Content-Length"]) == (OCTETS, str(len(DISK)))
    assert answer["ETag"] == hashlib.md5(DISK, usedforsecurity=False).hexdigest()
    assert (answer["X-Image-Meta-Name"], answer["X-Image-Meta-Property-Os"]) == ("Debian", "debian")
    assert bob("GET", f"{V1}/{uuid}").status_code == 403
    alice.json("PUT", f"{V1}/{uuid}/members/{cloud.bob.user.uuid}", status=204)
    assert read(bob, uuid) == DISK


@pytest.mark.parametrize(
    ("meta", "content"),
    [
        ({"size": "1"}, DISK),
        ({"size": "9" * 30}, DISK),
        ({"checksum": "0" * 64}, DISK),
        ({"checksum": "0" * 32}, DISK),
        ({"disk_format": "qcow2"}, DISK),
        ({"name": ""}, DISK),
        ({"owner": "x"}, DISK),
        ({"Property_x": "v" * 257}, DISK),
        ({}, b"KDMV" + bytes(600)),
        ({}, b""),
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    alice: Api, cloud: People, meta: dict[str, str], content: bytes
) -> None:
    before = there(cloud)
    send(alice, content, 403 if "owner" in meta else 400, **meta)
    assert there(cloud) == before


def test_a_body_that_is_not_called_content_is_none(alice: Api) -> None:
    send(alice, DISK, 400, kind="application/json")


def test_an_image_that_waits_gets_its_content_from_the_body(alice: Api, cloud: People) -> None:
    waiting = rules.announce(cloud.alice.caller, uuid=None, disk_format="raw", properties={}, name="waits")
    path = f"{V1}/{waiting.uuid}"
    assert alice("HEAD", path)["X-Image-Meta-Status"] == "SAVING"
    assert alice("GET", path).status_code == 404, "there is nothing to be read yet"
    answer = alice("PUT", path, raw=DISK, content_type=OCTETS, **headers({"name": "full"}))
    assert (answer["X-Image-Meta-Status"], answer["X-Image-Meta-Name"]) == ("AVAILABLE", "full")
    assert read(alice, waiting.uuid) == DISK
    assert alice("PUT", path, raw=b"other", content_type=OCTETS).status_code == 409
    assert read(alice, waiting.uuid) == DISK


def test_one_that_is_deactivated_is_read_by_administrators(alice: Api, cloud: People) -> None:
    uuid = send(alice, DISK)["X-Image-Meta-Id"]
    rules.set_active(cloud.alice.caller, uuid, False)
    assert alice("GET", f"{V1}/{uuid}").status_code == 403


def test_an_image_is_copied_from_the_web(
    alice: Api, web: str, settle: Callable[[], None], settings: Any
) -> None:
    settings.CYCLADES_IMAGE_IMPORT_NETWORKS = ["127.0.0.0/8"]
    about = headers({"name": "web", "disk_format": "raw"})
    answer = alice("POST", V1, content_type="", **{**about, "X-Glance-Api-Copy-From": f"{web}/disk"})
    assert (answer.status_code, answer["X-Image-Meta-Status"]) == (200, "SAVING"), answer.content
    settle()
    uuid = answer["X-Image-Meta-Id"]
    assert alice("HEAD", f"{V1}/{uuid}")["X-Image-Meta-Status"] == "AVAILABLE"
    assert read(alice, uuid) == DISK


@pytest.mark.parametrize("address", ["http://10.0.0.1/x", "file:///etc/passwd", "http://127.0.0.1/x", "x"])
def test_private_addresses_are_not_asked(alice: Api, address: str) -> None:
    before = Image.objects.count()
    answer = alice(
        "POST", V1, content_type="", **headers({"name": "web"}), **{"X-Glance-Api-Copy-From": address}
    )
    assert answer.status_code == 400
    assert Image.objects.count() == before


def kill_upload(people: People, stored: bytes, uuid: str) -> None:
    """What there is after an upload that was killed between its object and its image, long ago."""
    store_for(people.alice.caller).put(people.alice.caller, [stored], name="waits", uuid=uuid)
    long_ago = timezone.now() - datetime.timedelta(days=1)
    Image.objects.filter(uuid=uuid).update(status=Image.Status.SAVING, updated=long_ago)


def test_what_a_killed_upload_stored_is_taken_by_the_next_one(alice: Api, cloud: People) -> None:
    waiting = rules.announce(cloud.alice.caller, uuid=None, disk_format="raw", properties={}, name="waits")
    kill_upload(cloud, DISK, waiting.uuid)
    path = f"{V1}/{waiting.uuid}"
    assert alice("PUT", path, raw=b"other", content_type=OCTETS).status_code == 409
    assert alice("HEAD", path)["X-Image-Meta-Status"] == "AVAILABLE"
    assert read(alice, waiting.uuid) == DISK
    alice.json("DELETE", path, status=204)


def test_an_objects_id_is_no_key_to_it(bob: Api, cloud: People, settle: Callable[[], None]) -> None:
    """Somebody announces an image under the id of another's file, and has it imported or uploaded."""
    uuid = new_uuid()
    store_for(cloud.alice.caller).put(cloud.alice.caller, [DISK], name="secret", uuid=uuid)
    rules.announce(cloud.bob.caller, uuid=uuid, disk_format="raw", properties={}, name="mine")
    source = send(bob, b"\xeb\x63\x90" + bytes(509))["X-Image-Meta-Id"]
    imports.start(cloud.bob.caller, uuid, imports.Wanted("glance-download", source=source))
    settle()
    assert bob("GET", f"{V1}/{uuid}").status_code == 404
    long_ago = timezone.now() - datetime.timedelta(days=1)
    Image.objects.filter(uuid=uuid).update(status=Image.Status.SAVING, updated=long_ago)
    assert bob("PUT", f"{V1}/{uuid}", raw=b"x", content_type=OCTETS).status_code == 403
    assert bob("GET", f"{V1}/{uuid}").status_code == 404
