"""Content that the cloud brings: from the web, from what was staged, from other images; killed or not."""

from __future__ import annotations

import datetime
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone

from synnefo.common.accounts import accounts
from synnefo.common.objects import store_for
from synnefo.cyclades.images import rules
from synnefo.cyclades.images.models import Image
from synnefo.engine import runner
from synnefo.engine.models import Operation
from tests.conftest import People
from tests.cyclades_api.conftest import Api
from tests.cyclades_api.test_images import IMAGES, create, download, names, upload
from tests.operations.crashes import RUNNER_WRITES, Killed, Points

CONTENT = b"\xeb\x63\x90" + b"disk" * 100_000
Settle = Callable[[], None]


class Mirror(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(404 if "nothing" in self.path else 200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def mirror(settings: Any) -> Iterator[str]:
    settings.CYCLADES_IMAGE_IMPORT_NETWORKS = ["127.0.0.0/8"]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def start(api: Api, uuid: str, method: str, **more: str) -> Any:
    return api("POST", f"{IMAGES}/{uuid}/import", {"method": {"name": method, **more}})


def show(api: Api, uuid: str) -> Any:
    return api.json("GET", f"{IMAGES}/{uuid}")


def tasks(api: Api, uuid: str) -> list[Any]:
    found: list[Any] = api.json("GET", f"{IMAGES}/{uuid}/tasks")["tasks"]
    return found


def test_an_image_comes_from_the_web(alice: Api, bob: Api, mirror: str, settle: Settle) -> None:
    made = create(alice)["id"]
    answer = start(alice, made, "web-download", uri=f"{mirror}/disk")
    assert answer.status_code == 202
    shown = show(alice, made)
    assert (shown["status"], shown["os_glance_importing_to_stores"]) == ("importing", "objects")
    assert start(alice, made, "web-download", uri=f"{mirror}/disk").status_code == 409
    assert upload(alice, made, b"x").status_code == 409
    settle()
    shown = show(alice, made)
    assert (shown["status"], shown["size"], shown["stores"]) == ("active", len(CONTENT), "objects")
    assert download(alice, made) == CONTENT
    [task] = tasks(alice, made)
    assert (task["status"], task["image_id"]) == ("success", made)
    assert task["request_id"] == answer["x-openstack-request-id"]
    assert alice.json("GET", f"image/v2/tasks/{task['id']}") == task
    assert bob.get(f"image/v2/tasks/{task['id']}").status_code == 404
    assert bob.json("GET", "image/v2/tasks")["tasks"] == []


def test_what_fails_leaves_an_image_that_waits(alice: Api, mirror: str, settle: Settle) -> None:
    made = create(alice, os_distro="debian", disk_format="qcow2")["id"]
    for path, why in (("nothing", "answered 404"), ("disk", "no qcow2 image")):
        start(alice, made, "web-download", uri=f"{mirror}/{path}")
        settle()
        shown = show(alice, made)
        assert (shown["status"], shown["os_glance_failed_import"]) == ("queued", "objects")
        assert shown["os_distro"] == "debian"
        assert tasks(alice, made)[0]["status"] == "failure"
        assert why in tasks(alice, made)[0]["message"]
    alice.json("PATCH", f"{IMAGES}/{made}", [{"op": "replace", "path": "/disk_format", "value": "raw"}])
    start(alice, made, "web-download", uri=f"{mirror}/disk")
    settle()
    assert show(alice, made)["status"] == "active"
    assert "os_glance_failed_import" not in show(alice, made)


@pytest.mark.parametrize("uri", ["http://127.0.0.1/x", "http://169.254.169.254/", "file:///etc/passwd", ""])
def test_what_only_this_host_reaches_is_not_imported(alice: Api, uri: str) -> None:
    made = create(alice)["id"]
    assert start(alice, made, "web-download", uri=uri).status_code == 400
    assert show(alice, made)["status"] == "queued"
    assert tasks(alice, made) == []


def test_a_name_that_leads_to_this_host_is_not_imported(alice: Api, settle: Settle) -> None:
    made = create(alice)["id"]
    start(alice, made, "web-download", uri="http://localhost/x")
    settle()
    assert show(alice, made)["status"] == "queued"
    assert "no public address" in tasks(alice, made)[0]["message"]


def test_staged_content_is_an_image_once_it_is_imported(alice: Api, settle: Settle) -> None:
    made = create(alice)["id"]
    assert start(alice, made, "glance-direct").status_code == 409, "nothing is staged"
    headers = f"{IMAGES}/{made}/stage"
    assert alice("PUT", headers, raw=b"x").status_code == 415
    url, token = f"/cyclades/openstack/{headers}", {"X-Auth-Token": alice.token or ""}
    put = Client().generic("PUT", url, CONTENT, content_type="application/octet-stream", headers=token)
    assert put.status_code == 204
    assert show(alice, made)["status"] == "uploading"
    assert alice.get(f"{IMAGES}/{made}/file").status_code == 204
    assert start(alice, made, "glance-direct").status_code == 202
    settle()
    assert show(alice, made)["status"] == "active"
    assert download(alice, made) == CONTENT


def test_an_image_is_copied_with_what_servers_must_know(
    alice: Api, bob: Api, mirror: str, settle: Settle
) -> None:
    source = create(alice, visibility="private", os_distro="debian", hw_disk_bus="scsi", speed="fast")["id"]
    upload(alice, source, CONTENT)
    copy, theirs = create(alice, disk_format="iso", os_distro="none")["id"], create(bob)["id"]
    assert start(alice, copy, "glance-download", glance_image_id="x").status_code == 400
    start(alice, copy, "glance-download", glance_image_id=source, glance_region="elsewhere")
    start(bob, theirs, "glance-download", glance_image_id=source)
    settle()
    assert show(alice, copy)["status"] == show(bob, theirs)["status"] == "queued"
    assert "could not be found" in tasks(bob, theirs)[0]["message"]
    start(alice, copy, "glance-download", glance_image_id=source, glance_region="default")
    settle()
    shown = show(alice, copy)
    assert (shown["status"], shown["disk_format"]) == ("active", "raw")
    assert (shown["os_distro"], shown["hw_disk_bus"]) == ("debian", "scsi")
    assert "speed" not in shown


def test_an_image_that_is_removed_while_it_is_imported_is_gone(
    cloud: People, alice: Api, mirror: str, settle: Settle
) -> None:
    caller = cloud.alice.caller
    before = accounts().quotas(caller.user, caller.project)["pithos.diskspace"].usage
    made = create(alice)["id"]
    start(alice, made, "web-download", uri=f"{mirror}/disk")
    assert alice("DELETE", f"{IMAGES}/{made}").status_code == 204
    settle()
    assert alice.get(f"{IMAGES}/{made}").status_code == 404
    assert accounts().quotas(caller.user, caller.project)["pithos.diskspace"].usage == before
    assert names(alice) == ["tiny"]


def test_administrators_make_tasks(admin: Api, mirror: str, settle: Settle) -> None:
    about = {"name": "web", "disk_format": "raw", "container_format": "bare", "visibility": "public"}
    body = {"type": "import", "input": {"import_from": f"{mirror}/disk", "image_properties": about}}
    task = admin.json("POST", "image/v2/tasks", body, status=201)
    settle()
    assert admin.json("GET", f"image/v2/tasks/{task['id']}")["result"] == {"image_id": task["image_id"]}
    assert show(admin, task["image_id"])["status"] == "active"
    refused = {**body, "input": {**body["input"], "import_from": "http://10.0.0.1/"}}  # type: ignore[dict-item]
    assert admin("POST", "image/v2/tasks", refused).status_code == 400
    assert len(admin.json("GET", IMAGES)["images"]) == 2


def test_a_dispatcher_that_is_killed_anywhere_loses_nothing(alice: Api, mirror: str, settle: Settle) -> None:
    for fatal in range(1, 20):
        made = create(alice)["id"]
        start(alice, made, "web-download", uri=f"{mirror}/disk")
        points = Points(fatal)
        fragile = {name: points.around(getattr(runner, name)) for name in RUNNER_WRITES}
        with mock.patch.multiple(runner, **fragile), suppress(Killed):
            settle()
        past = timezone.now() - datetime.timedelta(seconds=1)
        Operation.objects.filter(lease_until__isnull=False).update(lease_until=past)
        settle()
        assert show(alice, made)["status"] == "active", fatal
        assert download(alice, made) == CONTENT
        if points.passed < fatal:
            return
    raise AssertionError("it never ended")


def test_what_a_killed_dispatcher_stored_is_taken(
    cloud: People, alice: Api, mirror: str, settle: Settle
) -> None:
    made = create(alice)["id"]
    start(alice, made, "web-download", uri=f"{mirror}/disk")
    store_for(cloud.alice.caller).put(cloud.alice.caller, [CONTENT], name="new", uuid=made)
    settle()
    assert show(alice, made)["status"] == "active"
    assert rules.get(cloud.alice.caller, made).status == Image.Status.AVAILABLE
    assert download(alice, made) == CONTENT
