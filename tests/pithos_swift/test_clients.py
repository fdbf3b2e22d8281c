"""Real clients on the same objects: swift, openstack and rclone, signed in by identity v3 and by v1 auth."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients import Clients
from tests.pithos_server.servers import PASSWORD, Cloud, Group, pieces, prepared
from tests.up.cloud import database

pytestmark = pytest.mark.host

USER = "a@example.org"
MIB = 1024 * 1024
SECRET = "a-secret-of-the-tests"
PROJECT = """
import datetime, django; django.setup()
from django.utils import timezone
from synnefo.astakos.accounts.models import User
from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.projects import rules
from synnefo.astakos.projects.models import Membership, Project
user, end = User.objects.get(), timezone.now() + datetime.timedelta(days=1)
Resource.objects.update(project_default=2**40)
state = Project.State.NORMAL
project = Project.objects.create(realname="team.example.org", owner=user, state=state, end_date=end)
Membership.objects.create(project=project, person=user, state=Membership.State.ACCEPTED, initialized=True)
rules.fill_limits([project], Resource.objects.all())
rules.sync([project])
print(project.uuid)
"""


@dataclasses.dataclass
class Place:
    """A cloud with its web processes, and a project beside the user's own."""

    cloud: Cloud
    objects: Group
    project: str
    clients: Clients
    credential_id: str = ""

    @property
    def auth_v3(self) -> str:
        return f"http://127.0.0.1:{self.cloud.port}/astakos/identity/v3"

    @property
    def auth_v1(self) -> str:
        return f"http://127.0.0.1:{self.objects.port}/pithos/object-store/swift/auth/v1.0"

    def v3(self, project: str) -> dict[str, str]:
        return {
            "OS_AUTH_URL": self.auth_v3, "OS_IDENTITY_API_VERSION": "3", "OS_USERNAME": USER,
            "OS_PASSWORD": PASSWORD, "OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_ID": project,
        }  # fmt: skip

    def v1(self) -> dict[str, str]:
        return {"ST_AUTH": self.auth_v1, "ST_USER": self.cloud.account, "ST_KEY": self.cloud.token}

    def credential(self) -> dict[str, str]:
        """What an openrc holds: an application credential for the project."""
        return {
            "OS_AUTH_URL": self.auth_v3, "OS_IDENTITY_API_VERSION": "3",
            "OS_AUTH_TYPE": "v3applicationcredential",
            "OS_APPLICATION_CREDENTIAL_ID": self.credential_id,
            "OS_APPLICATION_CREDENTIAL_SECRET": SECRET,
        }  # fmt: skip

    def rclone_credential(self) -> dict[str, str]:
        return _remote(
            auth=self.auth_v3, application_credential_id=self.credential_id,
            application_credential_secret=SECRET,
        )  # fmt: skip

    def rclone_v3(self) -> dict[str, str]:
        return _remote(
            auth=self.auth_v3, user=USER, key=PASSWORD, domain="Default", tenant_id=self.cloud.account
        )

    def rclone_v1(self) -> dict[str, str]:
        return _remote(auth=self.auth_v1, user=self.cloud.account, key=self.cloud.token)


def _remote(**settings: str) -> dict[str, str]:
    known = {f"RCLONE_CONFIG_CLOUD_{name.upper()}": value for name, value in settings.items()}
    return {"RCLONE_CONFIG": os.devnull, "RCLONE_CONFIG_CLOUD_TYPE": "swift", **known}


@dataclasses.dataclass
class Tool:
    """A command line and what it finds in the environment; those of ``clients`` need not be started."""

    command: str
    environment: dict[str, str]
    cwd: Path
    clients: Clients | None = None

    def __call__(self, *argv: str, data: bytes | None = None, fails: bool = False) -> str:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("OS_", "ST_", "RCLONE"))
        }
        environment = {**inherited, **self.environment}
        done: subprocess.CompletedProcess[str]
        if self.clients is not None:
            done = self.clients.run(self.command, argv, environment, 120, self.cwd)
        else:
            raw = subprocess.run(
                [self.command, *argv], env=environment, cwd=self.cwd, input=data, capture_output=True,
                timeout=120, check=False,
            )  # fmt: skip
            done = subprocess.CompletedProcess(
                raw.args, raw.returncode, raw.stdout.decode(), raw.stderr.decode()
            )
        assert (done.returncode != 0) == fails, (argv, done.stdout, done.stderr)
        return done.stdout + done.stderr if fails else done.stdout

    def json(self, *argv: str) -> Any:
        return json.loads(self(*argv, "-f", "json"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with database() as settings:
        cloud = prepared(tmp_path_factory.mktemp("cloud"), **settings)
        done = subprocess.run(
            [sys.executable, "-c", PROJECT], env=cloud.environment, check=True, capture_output=True,
            text=True, timeout=60,
        )  # fmt: skip
        with (
            cloud.group("granian", "pages"),
            cloud.group("granian", "objects") as objects,
            contextlib.closing(Clients((), cloud.environment)) as clients,
        ):
            made = Place(cloud, objects, done.stdout.strip(), clients)
            openstack = Tool("openstack", made.v3(made.project), cloud.data, clients)
            shown = openstack.json("application", "credential", "create", "files", "--secret", SECRET)
            yield dataclasses.replace(made, credential_id=shown["ID"])


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory with files of many kinds."""
    top = tmp_path / "tree"
    files = {
        "hello.txt": b"hello\n", "empty": b"", "sub/deep/page.html": b"<p>deep</p>",
        "sub/grün & 100%.txt": b"umlaut", "big.bin": b"".join(pieces(9 * MIB)),
    }  # fmt: skip
    for name, content in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)
    return top


def same(left: Path, right: Path) -> bool:
    def content(top: Path) -> dict[str, str]:
        found = [path for path in top.rglob("*") if path.is_file()]
        return {str(path.relative_to(top)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    return content(left) == content(right)


@pytest.mark.parametrize("auth", ["v1", "v3", "project", "credential"])
def test_swiftclient_works_unmodified(place: Place, tree: Path, tmp_path: Path, auth: str) -> None:
    environments = {
        "v1": place.v1(), "v3": place.v3(place.cloud.account), "project": place.v3(place.project),
        "credential": place.credential(),
    }  # fmt: skip
    swift = Tool("swift", environments[auth], tmp_path, place.clients)
    account = place.project if auth in ("project", "credential") else place.cloud.account
    box = f"box-{auth}"
    assert "Core: swift" in swift("capabilities")
    swift("post", box, "-m", "colour:green", "-m", "place:Náxos")
    assert f"Account: AUTH_{account}" in swift("stat")
    assert "Meta Colour: green" in swift("stat", box)
    assert "Meta Place: Náxos" in swift("stat", box)
    swift("post", box, "-m", "colour:")
    assert "Colour" not in swift("stat", box)
    swift("upload", box, "tree")
    assert "tree/sub/grün & 100%.txt" in swift("upload", "--changed", box, "tree") + swift("list", box)
    assert swift("list", box, "--prefix", "tree/sub/", "--delimiter", "/").split() == [
        "tree/sub/deep/", "tree/sub/grün", "&", "100%.txt"
    ]  # fmt: skip
    long = swift("list", "-l", box)
    assert f"{9 * MIB}" in long
    assert "application/octet-stream" in long
    swift("download", box, "-D", "there")
    assert same(tree, tmp_path / "there" / "tree")
    swift("post", box, "tree/hello.txt", "-m", "mood:good")
    swift("copy", "-d", f"/{box}/copy.txt", box, "tree/hello.txt")
    stat = swift("stat", box, "copy.txt")
    assert "Meta Mood: good" in stat
    assert hashlib.md5(b"hello\n", usedforsecurity=False).hexdigest() in stat
    assert swift("download", box, "copy.txt", "-o", "-") == "hello\n"
    swift("delete", box, "copy.txt")
    assert "404" in swift("stat", box, "copy.txt", fails=True)
    swift("delete", box)
    assert box not in swift("list").split()


@pytest.mark.parametrize("auth", ["rclone_v1", "rclone_v3", "rclone_credential"])
def test_rclone_works_unmodified(place: Place, tree: Path, tmp_path: Path, auth: str) -> None:
    assert shutil.which("rclone")
    rclone = Tool("rclone", getattr(place, auth)(), tmp_path)
    box = f"cloud:{auth}"
    rclone("mkdir", box)
    rclone("copy", "tree", f"{box}/a")
    rclone("check", "tree", f"{box}/a")
    rclone("check", "--download", "tree", f"{box}/a")
    listed = {line.strip() for line in rclone("ls", f"{box}/a/sub").splitlines()}
    assert listed == {"6 grün & 100%.txt", "11 deep/page.html"}
    assert rclone("lsf", f"{box}/a").split("\n")[:-1] == ["big.bin", "empty", "hello.txt", "sub/"]
    assert rclone("cat", f"{box}/a/hello.txt") == "hello\n"
    assert rclone("cat", "--offset", "1", "--count", "3", f"{box}/a/hello.txt") == "ell"
    stamp = (tree / "hello.txt").stat().st_mtime
    (shown,) = json.loads(rclone("lsjson", "--hash", f"{box}/a/hello.txt"))
    assert shown["Hashes"]["md5"] == hashlib.md5(b"hello\n", usedforsecurity=False).hexdigest()
    assert shown["Size"] == 6
    os.utime(tree / "hello.txt", (stamp - 3600, stamp - 3600))
    (tree / "empty").unlink()
    rclone("sync", "tree", f"{box}/a")
    assert "empty" not in rclone("lsl", f"{box}/a")
    rclone("copy", f"{box}/a", "back")
    assert same(tree, tmp_path / "back")
    assert abs((tmp_path / "back" / "hello.txt").stat().st_mtime - (stamp - 3600)) < 1e-3
    rclone("copy", f"{box}/a", f"{box}/b")
    rclone("move", f"{box}/b", f"{box}/c")
    rclone("check", f"{box}/a", f"{box}/c")
    rclone("deletefile", f"{box}/c/hello.txt")
    rclone("delete", f"{box}/c")
    assert rclone("lsf", "-R", "--files-only", f"{box}/c") == ""
    rclone("purge", box)
    assert auth not in rclone("lsd", "cloud:").split()


def test_rclone_streams_what_has_no_length_yet(place: Place, tmp_path: Path) -> None:
    rclone = Tool("rclone", place.rclone_v1(), tmp_path)
    rclone("mkdir", "cloud:stream")
    body = b"".join(pieces(6 * MIB))
    rclone("rcat", "--swift-chunk-size", "2Mi", "cloud:stream/parts", data=body)
    rclone("rcat", "--swift-no-chunk", "cloud:stream/whole", data=body)
    rclone("rcat", "cloud:stream/small", data=b"few")
    assert len(rclone("lsf", "-R", "--files-only", "cloud:stream_segments").split()) == 3
    long, short = (hashlib.md5(text, usedforsecurity=False).hexdigest() for text in (body, b"few"))
    found = sorted(rclone("md5sum", "--download", "cloud:stream").split())
    assert found == sorted([long, "parts", long, "whole", short, "small"])
    rclone("purge", "cloud:stream")
    assert rclone("lsf", "-R", "--files-only", "cloud:stream_segments") == ""


def test_openstack_works_unmodified(place: Place, tmp_path: Path) -> None:
    openstack = Tool("openstack", place.v3(place.project), tmp_path, place.clients)
    (tmp_path / "file.txt").write_text("content")
    (created,) = openstack.json("container", "create", "shelf")
    assert created["account"] == f"AUTH_{place.project}"
    assert created["container"] == "shelf"
    openstack("container", "set", "--property", "room=two", "shelf")
    assert openstack.json("container", "show", "shelf")["properties"] == {"room": "two"}
    openstack("container", "unset", "--property", "room", "shelf")
    assert not openstack.json("container", "show", "shelf").get("properties")
    (made,) = openstack.json("object", "create", "shelf", "file.txt")
    assert made["etag"] == hashlib.md5(b"content", usedforsecurity=False).hexdigest()
    openstack("object", "set", "--property", "mood=good", "shelf", "file.txt")
    shown = openstack.json("object", "show", "shelf", "file.txt")
    assert (shown["properties"], shown["content-length"]) == ({"mood": "good"}, "7")
    openstack("object", "unset", "--property", "mood", "shelf", "file.txt")
    (row,) = openstack.json("object", "list", "--long", "shelf")
    assert (row["Name"], row["Bytes"], row["Content Type"]) == ("file.txt", 7, "text/plain")
    openstack("object", "save", "--file", "saved.txt", "shelf", "file.txt")
    assert (tmp_path / "saved.txt").read_text() == "content"
    account = openstack.json("object", "store", "account", "show")
    assert (account["Containers"], account["Objects"], account["Bytes"]) == ("1", "1", "7")
    openstack("object", "store", "account", "set", "--property", "who=us")
    assert openstack.json("object", "store", "account", "show")["properties"] == {"who": "us"}
    openstack("container", "save", "shelf")
    assert (tmp_path / "file.txt").read_text() == "content"
    openstack("object", "delete", "shelf", "file.txt")
    openstack("container", "delete", "shelf")
    assert openstack.json("container", "list") == []


def test_one_object_is_the_same_through_every_face(place: Place, tmp_path: Path) -> None:
    swift = Tool("swift", place.v1(), tmp_path, place.clients)
    (tmp_path / "o").write_text("both")
    swift("upload", "faces", "o", "-H", "X-Object-Meta-Mood: good")
    status, headers, body = place.objects.request("GET", "faces/o")
    assert (status, body, headers["X-Object-Meta-Mood"]) == (200, b"both", "good")
    place.objects.put("faces/o", b"changed")
    assert swift("download", "faces", "o", "-o", "-") == "changed"
    versions = json.loads(place.objects.request("GET", "faces/o?version=list&format=json")[2])
    assert len(versions["versions"]) == 2
    swift("delete", "faces")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("PUT", "box%ff", {}, 412),
        ("PUT", "box%00", {}, 412),
        ("PUT", "box/o", {"ETag": "0" * 32}, 422),
        ("PUT", "box/o", {"X-Object-Meta-A": "\xff"}, 400),
        ("PUT", "absent/o", {}, 404),
        ("GET", "box/there", {"Range": "bytes=9-"}, 416),
        ("GET", "box/there", {"If-None-Match": "*"}, 304),
        ("HEAD", "box/there", {}, 200),
        ("PATCH", "box/there", {}, 405),
    ],
)
def test_raw_requests_get_swifts_answers(
    place: Place, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    base = f"/pithos/object-store/swift/v1/AUTH_{place.cloud.account}/"
    assert place.objects.request("PUT", f"{base}box")[0] in (201, 202)
    assert place.objects.request("PUT", f"{base}box/there", b"there")[0] == 201
    body = b"x" if method == "PUT" and "/" in path else None
    answered, found, content = place.objects.request(method, base + path, body, **headers)
    assert answered == status
    assert found["X-Trans-Id"].startswith("tx")
    assert found["Date"]
    if method == "HEAD":
        assert (found["Content-Length"], content) == ("5", b"")
