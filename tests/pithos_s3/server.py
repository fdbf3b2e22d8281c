"""A real server of S3, and two people's clients of it: those of boto3 and the tools that people use."""

from __future__ import annotations

import dataclasses
import secrets
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.client import Config
from botocore.exceptions import ClientError

from tests.pithos_server.servers import GRANIAN, Cloud, Group, prepared
from tests.up.cloud import database, free_ports

KIB, MIB = 1024, 1024 * 1024
BLOCK = 4 * MIB

#: A second person, and an access key of each.
_KEYS = """
import django; django.setup()
from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts.models import User
from synnefo.astakos.keys import rules
from synnefo.astakos.projects import rules as projects
from synnefo.common.caller import system_caller
caller = system_caller("tests")
user = accounts.create(caller, "b@example.org", "B", "C", password="a-long-password-2")
accounts.accept(caller, accounts.verify(caller, user))
for mail in ("a@example.org", "b@example.org"):
    user = User.objects.get(email=mail)
    row, secret = rules.create(caller, user, projects.get(user.uuid))
    print(user.uuid, row.access, secret)
"""


@dataclasses.dataclass(frozen=True)
class Key:
    account: str
    access: str
    secret: str


@dataclasses.dataclass(frozen=True)
class Server:
    """What tests are told of a server that runs."""

    url: str
    cloud: Cloud
    group: Group
    alice: Key
    bob: Key

    def client(self, key: Key | None = None, **config: Any) -> Any:
        """A client of boto3 as it comes; for nobody without a key."""
        usual = {
            "signature_version": "s3v4",
            "s3": {"addressing_style": "path"},
            "retries": {"max_attempts": 1},
        }
        return boto3.client(
            "s3", endpoint_url=self.url, region_name="us-east-1", config=Config(**{**usual, **config}),
            aws_access_key_id=key.access if key else "", aws_secret_access_key=key.secret if key else "",
        )  # fmt: skip


class Port(Group):
    """The processes that speak S3."""

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, "the server ended"
        try:
            return self.request("GET", "/-/healthz")[0] == 200
        except OSError:
            return False


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with database() as settings:
        cloud = prepared(tmp_path_factory.mktemp("s3"), **settings)
        port = free_ports()
        cloud.environment["PITHOS_S3_LISTEN"] = f"127.0.0.1:{port}"
        cloud.environment["SYNNEFO_WEB_STALLED_S"] = "60"
        done = subprocess.run(
            [sys.executable, "-c", _KEYS], env=cloud.environment, check=True, capture_output=True, text=True,
            timeout=120,
        )  # fmt: skip
        alice, bob = (Key(*line.split()) for line in done.stdout.splitlines())
        with Port(cloud, port, (*GRANIAN, "s3"), {}) as group:
            yield Server(f"http://127.0.0.1:{port}", cloud, group, alice, bob)


@pytest.fixture
def s3(server: Server) -> Any:
    """Alice's client."""
    return server.client(server.alice)


@pytest.fixture
def bucket(s3: Any) -> str:
    """An empty bucket of Alice's, of an account that has many."""
    name = f"bucket-{secrets.token_hex(6)}"
    s3.create_bucket(Bucket=name)
    return name


class Refused:
    """``with refused("NoSuchKey", 404):`` what a client is told."""

    def __init__(self, code: str, status: int) -> None:
        self.expected = code, status
        self.error: dict[str, Any] = {}

    def __enter__(self) -> Refused:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        assert isinstance(error, ClientError), f"not refused as {self.expected}: {error!r}"
        told = error.response
        assert (told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"]) == self.expected, told
        self.error = told["Error"]
        return True


refused = Refused
