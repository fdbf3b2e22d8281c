"""Servers that are killed amid uploads in parts: what was put stays, and is joined whole or not at all."""

from __future__ import annotations

import http.client
import random
import threading
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.pithos_s3.server import MIB, Server
from tests.pithos_s3.test_boto_multipart import Upload, pattern
from tests.pithos_s3.test_boto_objects import read

pytestmark = pytest.mark.host

KILLS = 3


def test_a_kill_while_parts_are_joined(server: Server, s3: Any, bucket: str) -> None:
    """They end amid blocks, so all is read and cut anew. What they become is never there without its list."""
    parts = [pattern(9 * MIB + 1, number) for number in range(5)]
    chance = random.Random()
    for kill in range(KILLS):
        s3.put_object(Bucket=bucket, Key="k", Body=b"old", ACL="private")
        upload = Upload(s3, bucket, ACL="public-read")
        for number, data in enumerate(parts, 1):
            upload.put(number, data)
        done: list[bool] = []

        def complete(upload: Upload = upload, done: list[bool] = done) -> None:
            try:
                upload.complete()
                done.append(True)
            except (BotoCoreError, ClientError):  # killed
                pass

        thread = threading.Thread(target=complete)
        thread.start()
        thread.join(chance.random() * 0.3)
        server.group.kill()
        thread.join(60)
        server.group.start()
        found = read(s3, bucket, "k")
        is_new = found == b"".join(parts)
        assert is_new or (found == b"old" and not done), f"kill {kill}"
        assert is_new == is_open(s3, bucket, "k")
        upload.complete()
        assert read(s3, bucket, "k") == b"".join(parts)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def is_open(s3: Any, bucket: str, key: str) -> bool:
    """Whether whoever comes may read it."""
    grants = s3.get_object_acl(Bucket=bucket, Key=key)["Grants"]
    return any(grant["Grantee"].get("URI", "").endswith("/AllUsers") for grant in grants)


class Dying:
    """A body amid which the server is killed."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.left = [pattern(MIB, number) for number in range(6)]

    def __len__(self) -> int:
        return 6 * MIB

    def read(self, size: int = -1) -> bytes:
        if len(self.left) == 2:
            self.server.group.kill()
        return self.left.pop() if self.left else b""


def test_a_kill_while_a_part_comes(server: Server, s3: Any, bucket: str) -> None:
    upload = Upload(s3, bucket)
    upload.put(1, pattern(5 * MIB, 1))
    url = s3.generate_presigned_url("upload_part", {**upload.at, "UploadId": upload.id, "PartNumber": 2})
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)

    def send() -> None:
        connection.request(
            "PUT", url.removeprefix(server.url), Dying(server), {"Content-Length": str(6 * MIB)}
        )
        connection.getresponse()

    with pytest.raises((OSError, http.client.HTTPException)):
        send()
    connection.close()
    server.group.start()
    assert [one["PartNumber"] for one in upload.listed()["Parts"]] == [1]
    upload.put(2, b"again")
    upload.complete()
    assert read(s3, bucket, "k") == pattern(5 * MIB, 1) + b"again"
