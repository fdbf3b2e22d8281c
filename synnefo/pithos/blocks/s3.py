"""Blocks as objects of an S3 bucket: ``<prefix>blocks/<hex>``; put aside they are ``<prefix>aside/<hex>``.

An object is whole or not there, and on the service's medium when it answers; so nothing is half written. Its
age is the time of its last modification: to begin it anew, or to move it, it is copied within the service.
The bucket must not keep versions, or nothing is ever freed.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from synnefo.common.faults import InsufficientStorage, ItemNotFound, ServiceUnavailable
from synnefo.common.transactions import forbid_in_transaction
from synnefo.pithos.blocks.base import Blocks
from synnefo.pithos.blocks.hashing import DIGEST_BYTES, HOLE, Data, kept_of

log = structlog.get_logger("synnefo.pithos")

P = ParamSpec("P")
T = TypeVar("T")

_AT_ONCE = 16
_TIMEOUT_S = 60
_ABSENT = ("NoSuchKey", "404", "NotFound")
_FULL = ("QuotaExceeded", "EntityTooLarge", "InsufficientStorage", "507")


def _told(method: Callable[P, T]) -> Callable[P, T]:
    """The method, whose failures are the store's faults; it may wait for a network."""

    @functools.wraps(method)
    def call(*args: P.args, **named: P.kwargs) -> T:
        forbid_in_transaction("reaching a block store")
        try:
            return method(*args, **named)
        except ClientError as error:
            log.error("the block store refuses", reason=str(error))
            if _code(error) in _FULL:
                raise InsufficientStorage("There is no space left for objects.") from error
            raise ServiceUnavailable("Content cannot be reached at the moment.") from error
        except BotoCoreError as error:
            log.error("the block store cannot be reached", reason=str(error))
            raise ServiceUnavailable("Content cannot be reached at the moment.") from error

    return call


class S3Blocks(Blocks):
    def __init__(self, client: Any = None, bucket: str = "", prefix: str | None = None) -> None:
        self._client = client or _client()
        self._bucket = bucket or settings.PITHOS_BLOCKS_S3_BUCKET
        self._prefix = settings.PITHOS_BLOCKS_S3_PREFIX if prefix is None else prefix

    @_told
    def put(self, data: Data) -> bytes:
        kept, digest = kept_of(data)
        if digest != HOLE and not self._renew(digest):
            self._client.put_object(Bucket=self._bucket, Key=self._key(digest), Body=bytes(kept))
        return digest

    @_told
    def get(self, digest: bytes) -> bytes:
        if digest == HOLE:
            return b""
        found = self._read(digest)
        if found is None and self._bring_back(digest):
            found = self._read(digest)
        if found is None:
            log.error("a block is not there", digest=digest.hex())
            raise ItemNotFound("A block of this object is not there.")
        return found

    @_told
    def missing(self, digests: Iterable[bytes]) -> list[bytes]:
        wanted = [one for one in dict.fromkeys(digests) if one != HOLE]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return [
                one
                for one, is_there in zip(wanted, pool.map(self._renew, wanted), strict=True)
                if not is_there
            ]

    def stored(self, part: int) -> Iterator[tuple[bytes, datetime.datetime]]:
        return self._listed("blocks/", part)

    @_told
    def put_aside(self, digest: bytes) -> None:
        if self._copy(self._key(digest), self._aside(digest)):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(digest))

    def aside(self, part: int) -> Iterator[tuple[bytes, datetime.datetime]]:
        return self._listed("aside/", part)

    @_told
    def delete_aside(self, digest: bytes) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=self._aside(digest))

    def _key(self, digest: bytes) -> str:
        return f"{self._prefix}blocks/{digest.hex()}"

    def _aside(self, digest: bytes) -> str:
        return f"{self._prefix}aside/{digest.hex()}"

    def _read(self, digest: bytes) -> bytes | None:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key(digest))
        except ClientError as error:
            if _code(error) in _ABSENT:
                return None
            raise
        data: bytes = answer["Body"].read()
        return data

    def _renew(self, digest: bytes) -> bool:
        """Whether it is there; its age begins anew."""
        return self._copy(self._key(digest), self._key(digest)) or self._bring_back(digest)

    def _bring_back(self, digest: bytes) -> bool:
        """Whether it was put aside; it is in its place before it is no longer aside."""
        if not self._copy(self._aside(digest), self._key(digest)):
            return False
        self._client.delete_object(Bucket=self._bucket, Key=self._aside(digest))
        return True

    def _copy(self, source: str, target: str) -> bool:
        """Whether there was something to copy. An object is copied onto itself only if something changes."""
        origin = {"Bucket": self._bucket, "Key": source}
        try:
            self._client.copy_object(
                Bucket=self._bucket, Key=target, CopySource=origin, MetadataDirective="REPLACE"
            )
        except ClientError as error:
            if _code(error) in _ABSENT:
                return False
            raise
        return True

    @_told
    def _page(self, **wanted: Any) -> dict[str, Any]:
        page: dict[str, Any] = self._client.list_objects_v2(Bucket=self._bucket, **wanted)
        return page

    def _listed(self, place: str, part: int) -> Iterator[tuple[bytes, datetime.datetime]]:
        wanted: dict[str, Any] = {"Prefix": f"{self._prefix}{place}{part:02x}"}
        while True:
            page = self._page(**wanted)
            for row in page.get("Contents", ()):
                name = row["Key"].rpartition("/")[2]
                if len(name) == 2 * DIGEST_BYTES:
                    yield bytes.fromhex(name), row["LastModified"]
            if not page.get("IsTruncated"):
                return
            wanted["ContinuationToken"] = page["NextContinuationToken"]


def _client() -> Any:
    config = Config(
        signature_version="s3v4", connect_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S,
        max_pool_connections=2 * _AT_ONCE, retries={"mode": "standard", "max_attempts": 4},
        s3={"addressing_style": "path"} if settings.PITHOS_BLOCKS_S3_ENDPOINT else {},
    )  # fmt: skip
    return boto3.client(
        "s3",
        endpoint_url=settings.PITHOS_BLOCKS_S3_ENDPOINT or None,
        region_name=settings.PITHOS_BLOCKS_S3_REGION,
        aws_access_key_id=settings.PITHOS_BLOCKS_S3_ACCESS_KEY or None,
        aws_secret_access_key=settings.PITHOS_BLOCKS_S3_SECRET_KEY or None,
        config=config,
    )


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
