"""Commands of Cyclades and the kit under all commands: formats, fields, filters, faults in one line."""

from __future__ import annotations

import csv
import functools
import http.server
import io
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.networks.models import Network
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.requests import ServerRequest
from tests.conftest import People, work_off
from tests.manage import manage


@pytest.fixture
def flavors(db: None) -> None:
    manage("flavor-create", "1,2", "512,1024", "10")


def test_flavors_are_made_as_a_product_and_listed(flavors: None) -> None:
    rows = json.loads(manage("flavor-list", "--output-format", "json"))
    assert [row["name"] for row in rows] == [
        "C1R512D10local",
        "C1R1024D10local",
        "C2R512D10local",
        "C2R1024D10local",
    ]
    assert all(isinstance(value, str) for row in rows for value in row.values())
    manage("flavor-create", "1", "512,2048", "10", "--public", "no")
    assert Flavor.objects.filter(public=False).count() == 1
    manage("flavor-create", "7", "512", "10", "-n")
    assert not Flavor.objects.filter(cpu=7).exists()


def test_pretty_and_csv_have_the_same_cells(flavors: None) -> None:
    pretty = manage("flavor-list", "-o", "id,name,ram").splitlines()
    assert set(pretty[1]) == {"-"}
    rows = list(csv.reader(io.StringIO(manage("flavor-list", "-o", "id,name,ram", "--output-format", "csv"))))
    assert [re.split(r"\s\s+", line.strip()) for line in [pretty[0], *pretty[2:]]] == rows
    assert len(manage("flavor-list", "--no-headers").splitlines()) == 4


@pytest.mark.parametrize(
    ("clauses", "count"),
    [
        ("cpu=1", 2),
        ("cpu!=1", 2),
        ("ram>512", 2),
        ("ram>=512", 4),
        ("ram=>512", 4),
        ("ram<1024,cpu=2", 1),
        ("ram<=512", 2),
        ("ram=<512", 2),
        ("public=yes", 4),
        ("public=false", 0),
        ("servers__name=x", 0),
    ],
)
def test_filters(flavors: None, clauses: str, count: int) -> None:
    assert len(json.loads(manage("flavor-list", "--filter-by", clauses, "--output-format", "json"))) == count


@pytest.mark.parametrize(
    "arguments",
    [
        ("flavor-list", "--filter-by", "nothing=1"),
        ("flavor-list", "--filter-by", "cpu"),
        ("flavor-list", "--filter-by", "cpu=many"),
        ("flavor-list", "-o", "id,nothing"),
        ("flavor-create", "0", "512", "10", "x", "--public", "perhaps"),
        ("flavor-create", "a", "b", "c"),
        ("flavor-modify", "999", "--public", "no"),
        ("server-show", "snf-999"),
        ("server-show", "web"),
        ("image-register", "x", "--file", "/no/such/file"),
        ("backend-remove", "nothing"),
        ("image-register", "x", "--url", "http://127.0.0.1:1/x"),
        ("image-register", "x", "--url", "nonsense"),
        ("network-create", "--public", "--name", "x", "--subnet", "nonsense"),
        ("backend-add", "x", "--kind", "local", "--option", "nothing"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_changes_nothing(
    flavors: None, arguments: tuple[str, ...]
) -> None:
    before = Flavor.objects.count()
    with pytest.raises(CommandError) as error:
        manage(*arguments)
    assert "Traceback" not in str(error.value)
    assert Flavor.objects.count() == before
    assert not Image.objects.exists()
    work_off()
    assert not Network.objects.filter(deleted=False).exists(), "what was begun of it is gone again"


def test_fields_and_filters_are_listed(flavors: None) -> None:
    assert "volume_type" in manage("flavor-list", "--list-fields")
    assert "allow_create" in manage("flavor-list", "--list-filters")


def test_a_servers_name_moves_no_cursor(cloud: People, image: Any, flavor: Any) -> None:
    made, _ = servers.create(cloud.alice.caller, ServerRequest("web", image.uuid, flavor.uuid, []))
    type(made).objects.filter(pk=made.pk).update(name="a\x1b[2Jb")
    assert "\x1b" not in manage("server-list")
    assert "\x1b" not in manage("server-show", f"snf-{made.pk}")
    shown = json.loads(manage("server-show", str(made.pk), "--output-format", "json"))[0]
    assert shown["uuid"] == made.uuid
    assert shown["last operation"].startswith("server.create")


def test_a_public_network_with_its_pool(people: People) -> None:
    manage(
        "network-create",
        "--public",
        "--name",
        "out",
        "--subnet",
        "192.0.2.0/24",
        "--floating-ip-pool",
        "--allocation-pool",
        "192.0.2.10,192.0.2.20",
    )
    (row,) = json.loads(manage("network-list", "--public", "--output-format", "json"))
    assert (row["name"], row["subnets"]) == ("out", "192.0.2.0/24")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A web server with a disk image at /disk.raw."""
    (tmp_path / "disk.raw").write_bytes(bytes(4096))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_images_are_registered_from_files_and_urls(db: None, tmp_path: Path, site: str) -> None:
    manage("image-register", "by-url", "--url", f"{site}/disk.raw", "--property", "os=debian")
    manage("image-register", "by-file", "--file", str(tmp_path / "disk.raw"), "--public", "no")
    by_url, by_file = Image.objects.order_by("pk")
    assert by_url.sha256 == by_file.sha256
    assert (by_url.is_public, by_file.is_public) == (True, False)
    assert by_url.properties == {"os": "debian"}
    with pytest.raises(CommandError, match="404"):
        manage("image-register", "x", "--url", f"{site}/nothing.raw")
    assert by_url.location.startswith("directory://"), "nobody's, so in no account"


def test_an_image_that_is_somebodys_is_a_file_of_his(people: People, tmp_path: Path) -> None:
    (tmp_path / "disk.raw").write_bytes(bytes(4096))
    about = ("--file", str(tmp_path / "disk.raw"), "--user", people.alice.user.uuid)
    uuid = manage("image-register", "hers", *about).strip()
    image = Image.objects.get(uuid=uuid)
    assert (image.userid, image.is_public) == (people.alice.user.uuid, True)
    assert image.location == f"pithos://{people.alice.user.uuid}/images/hers"
    shown = json.loads(manage("image-list", "-o", "location,hash", "--output-format", "json"))
    assert shown == [{"location": image.location, "hash": image.hash}]
    with pytest.raises(CommandError):
        manage("image-register", "x", "--file", str(tmp_path / "disk.raw"), "--user", "nobody")


def test_engines_are_added_drained_and_removed(people: People) -> None:
    about = ("--url", "https://127.0.0.1:1", "--user", "me", "--pass", "secret-word")
    with pytest.raises(CommandError):
        manage("backend-add", "c1", *about)
    manage("backend-add", "c1", *about, "--no-check", "--option", "hypervisor=fake")
    with pytest.raises(CommandError):
        manage("backend-add", "c1", *about, "--no-check")
    assert "secret-word" not in manage("backend-list", "-o", "id,name,kind,url")
    manage("backend-modify", "c1", "--drained", "yes")
    assert Backend.objects.get().drained
    manage("backend-remove", "c1")
    assert not Backend.objects.exists()
