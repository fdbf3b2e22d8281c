"""Objects that come in parts: what is joined, what is refused, what becomes of that which is given up."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import functools
import hashlib
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from synnefo.common.accounts import accounts
from synnefo.common.faults import (
    BadRequest,
    Fault,
    Forbidden,
    ItemNotFound,
    OverLimit,
    PreconditionFailed,
    UnprocessableEntity,
)
from synnefo.pithos import checksums
from synnefo.pithos.blocks.base import Blocks
from synnefo.pithos.blocks.content import Content, keep, read
from synnefo.pithos.checksums import COMPOSITE, FULL_OBJECT
from synnefo.pithos.namespace import containers, objects
from synnefo.pithos.namespace.models import HashMap, Version
from synnefo.pithos.uploads import listing, rules, upkeep
from synnefo.pithos.uploads.joining import aligned, cut_out, joined
from synnefo.pithos.uploads.models import Part, Upload
from synnefo.pithos.uploads.rules import Asked, Wanted
from tests.conftest import People
from tests.pithos.test_namespace import Drive
from tests.pithos.test_upkeep import sweep

BLOCK = 4
md5 = functools.partial(hashlib.md5, usedforsecurity=False)


@dataclasses.dataclass
class Uploads:
    drive: Drive
    store: Blocks

    def begin(self, name: str = "o", **more: Any) -> Upload:
        given = {"content_type": "text/plain", "attributes": {"pithos": {"X-Object-Meta-A": "1"}}, **more}
        return rules.begin(self.drive.caller, self.drive.path(name), **given)

    def put(self, upload: Upload, number: int, data: bytes) -> Asked:
        taken = [upload.checksum_algorithm] if upload.checksum_algorithm else []
        watched = checksums.Watched([data], taken)
        content = keep(self.store, watched, BLOCK, inline_bytes=0)
        part = rules.put_part(upload, number, content, watched.values())
        return Asked(number, part.checksum)

    def complete(self, upload: Upload, parts: list[Asked], **more: Any) -> Upload:
        check = more.pop("check", objects.no_check)
        path = self.drive.path(upload.name)
        return rules.complete(self.drive.caller, path, upload.uuid, Wanted(parts, **more), check=check)

    def read(self, name: str) -> bytes:
        return bytes_of(self.store, objects.get(self.drive.caller, self.drive.path(name)).content)

    def of(self, *parts: bytes, name: str = "o", **more: Any) -> Upload:
        upload = self.begin(name, **more)
        return self.complete(upload, [self.put(upload, number, data) for number, data in enumerate(parts, 1)])


@pytest.fixture
def uploads(people: People, store: Blocks, monkeypatch: pytest.MonkeyPatch) -> Uploads:
    monkeypatch.setattr(rules, "LEAST_BYTES", 3)
    drive = Drive(people.alice.caller)
    drive.make()
    return Uploads(drive, store)


def bytes_of(store: Blocks, content: Content) -> bytes:
    return b"".join(read(store, content, BLOCK, 0, content.size_bytes))


def etag_of(*parts: bytes) -> str:
    md5s = b"".join(md5(data).digest() for data in parts)
    return f"{md5(md5s).hexdigest()}-{len(parts)}"


@pytest.mark.parametrize(
    "parts",
    [
        [b"one"],
        [b"aligned!", b"and more", b"end"],
        [b"aligned!", b"not so", b"the rest"],
        [b"abc", b"defgh", b"ijk", b"l"],
        [b"\0\0\0\0", b"\0\0\0\0\0", b"\0\0\0"],
    ],
)
def test_parts_are_joined_in_order(uploads: Uploads, store: Blocks, parts: list[bytes]) -> None:
    made = uploads.of(*parts)
    version = objects.get(uploads.drive.caller, uploads.drive.path("o"))
    assert bytes_of(store, version.content) == b"".join(parts)
    assert (made.version, made.etag) == (version.pk, etag_of(*parts))
    assert version.hash == keep(store, [b"".join(parts)], BLOCK).hash
    assert version.attributes["s3"]["etag"] == made.etag
    assert (version.content_type, version.own_attributes) == ("text/plain", {"X-Object-Meta-A": "1"})
    assert uploads.drive.usage() == len(b"".join(parts))


def test_what_is_aligned_is_joined_without_being_read(store: Blocks, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [keep(store, [data], BLOCK, inline_bytes=0) for data in (b"aligned!", b"too.", b"end")]
    monkeypatch.setattr(type(store), "get", None)
    monkeypatch.setattr(type(store), "put", None)
    assert joined(store, parts, BLOCK).size_bytes == 15
    assert aligned([8, 4, 3], BLOCK)
    assert not aligned([8, 3, 4], BLOCK)


@pytest.mark.parametrize(("start", "stop"), [(0, 4), (0, 11), (4, 8), (4, 10), (8, 11), (3, 9), (10, 11)])
def test_a_range_is_cut_out(store: Blocks, start: int, stop: int) -> None:
    data = b"hello world"
    for inline in (0, 100):
        content = keep(store, [data], BLOCK, inline_bytes=inline)
        piece = cut_out(store, content, start, stop, BLOCK)
        assert bytes_of(store, piece) == data[start:stop]
        assert piece.hash == keep(store, [data[start:stop]], BLOCK).hash


def test_a_part_is_replaced_and_what_is_not_named_is_forgotten(uploads: Uploads, store: Blocks) -> None:
    upload = uploads.begin()
    first, old = uploads.put(upload, 1, b"first"), uploads.put(upload, 7, b"old")
    uploads.put(upload, 9, b"more")
    new = uploads.put(upload, 7, b"newer")
    with pytest.raises(rules.InvalidPart):
        uploads.complete(upload, [first, old])
    uploads.complete(upload, [first, new])
    assert uploads.read("o") == b"firstnewer"
    assert not Part.objects.exists()


def test_parts_must_be_there_in_order_and_long_enough(uploads: Uploads) -> None:
    upload = uploads.begin()
    first, second = uploads.put(upload, 1, b"ab"), uploads.put(upload, 2, b"cdef")
    refused: list[tuple[list[Asked], type[Fault]]] = [
        ([second, first], rules.InvalidPartOrder),
        ([second, second], rules.InvalidPartOrder),
        ([first, Asked(3, second.etag)], rules.InvalidPart),
        ([first, Asked(2, first.etag)], rules.InvalidPart),
        ([first, second], rules.PartTooSmall),
        ([], rules.InvalidPart),
    ]
    for parts, fault in refused:
        with pytest.raises(fault):
            uploads.complete(upload, parts)
    assert uploads.complete(upload, [second]).etag == etag_of(b"cdef")


@pytest.mark.parametrize("number", [0, -1, 10_001])
def test_a_part_has_a_number_from_1_to_10000(uploads: Uploads, number: int) -> None:
    with pytest.raises(BadRequest):
        uploads.put(uploads.begin(), number, b"data")


def test_who_completes_again_is_told_the_same_and_nothing_changes(uploads: Uploads) -> None:
    upload = uploads.begin()
    parts = [uploads.put(upload, 1, b"data")]
    made = uploads.complete(upload, parts)
    uploads.of(b"newer")
    again = uploads.complete(upload, parts)
    assert (again.version, again.etag) == (made.version, made.etag)
    assert uploads.read("o") == b"newer"


def test_an_upload_that_is_over_takes_no_parts(uploads: Uploads) -> None:
    done, aborted = uploads.of(b"data"), uploads.begin()
    rules.abort(uploads.drive.caller, uploads.drive.path("o"), aborted.uuid)
    for upload in (done, aborted):
        with pytest.raises(rules.UploadNotFound):
            uploads.put(upload, 1, b"late")
        with pytest.raises(rules.UploadNotFound):
            rules.find(uploads.drive.caller, uploads.drive.path("o"), upload.uuid)
        with pytest.raises(rules.UploadNotFound):
            rules.abort(uploads.drive.caller, uploads.drive.path("o"), upload.uuid)
    with pytest.raises(rules.UploadNotFound):
        uploads.complete(aborted, [Asked(1, "")])


def test_an_upload_belongs_to_its_name_and_container(uploads: Uploads, people: People) -> None:
    upload, drive = uploads.begin(), uploads.drive
    drive.make("other")
    for path in (drive.path("other"), drive.path("o", "other")):
        with pytest.raises(rules.UploadNotFound):
            rules.find(drive.caller, path, upload.uuid)
    with pytest.raises((Forbidden, ItemNotFound)):
        rules.find(people.bob.caller, drive.path("o"), upload.uuid)


def test_conditions_hold_at_the_end(uploads: Uploads) -> None:
    def absent(version: Version | None) -> None:
        if version is not None:
            raise PreconditionFailed

    upload = uploads.begin()
    parts = [uploads.put(upload, 1, b"data")]
    uploads.of(b"there")
    with pytest.raises(PreconditionFailed):
        uploads.complete(upload, parts, check=absent)
    objects.delete(uploads.drive.caller, uploads.drive.path("o"))
    uploads.complete(upload, parts, check=absent)
    assert uploads.read("o") == b"data"


def _sum(algorithm: str, data: bytes) -> str:
    taker = checksums.running(algorithm)
    taker.update(data)
    return base64.b64encode(taker.digest()).decode()


@pytest.mark.parametrize("algorithm", checksums.ALGORITHMS)
def test_checksums_of_the_whole_are_made_of_those_of_the_parts(uploads: Uploads, algorithm: str) -> None:
    for kind in checksums.types_of(algorithm):
        parts = [b"first", b"second one", b"3"]
        made = uploads.of(*parts, checksum_algorithm=algorithm, checksum_type=kind)
        digests = b"".join(base64.b64decode(_sum(algorithm, data)) for data in parts)
        wanted = {FULL_OBJECT: _sum(algorithm, b"".join(parts)), COMPOSITE: _sum(algorithm, digests) + "-3"}
        facts = objects.get(uploads.drive.caller, uploads.drive.path("o")).attributes["s3"]
        assert (facts["checksum"], facts["algorithm"], facts["type"]) == (wanted[kind], algorithm, kind)
        assert made.manifest == [
            [number, len(data), _sum(algorithm, data)] for number, data in enumerate(parts, 1)
        ]


def test_crc32_is_everybodys() -> None:
    assert (
        _sum("CRC32", b"123456789") == base64.b64encode(zlib.crc32(b"123456789").to_bytes(4, "big")).decode()
    )
    assert base64.b64decode(_sum("CRC32C", b"123456789")).hex() == "e3069283"
    assert base64.b64decode(_sum("CRC64NVME", b"123456789")).hex() == "ae8b14860a799888"


def test_length_and_checksum_that_are_demanded_must_be_so(uploads: Uploads) -> None:
    upload = uploads.begin(checksum_algorithm="CRC32", checksum_type=FULL_OBJECT)
    parts = [uploads.put(upload, 1, b"data")]
    with pytest.raises(BadRequest):
        uploads.complete(upload, parts, size_bytes=5)
    with pytest.raises(UnprocessableEntity):
        uploads.complete(upload, parts, checksum=_sum("CRC32", b"other"))
    with pytest.raises(rules.InvalidPart):
        uploads.complete(upload, [dataclasses.replace(parts[0], checksums={"CRC32": _sum("CRC32", b"x")})])
    uploads.complete(upload, parts, size_bytes=4, checksum=_sum("CRC32", b"data"))


def test_unfinished_parts_are_not_charged_but_may_not_be_more_than_the_quota_leaves(uploads: Uploads) -> None:
    upload = uploads.begin()
    room = accounts().quotas(uploads.drive.caller.user, uploads.drive.caller.user)["pithos.diskspace"]
    left = min(room.limit, room.project_limit) - room.usage
    uploads.put(upload, 1, b"data")
    assert uploads.drive.usage() == room.usage
    rules.check_room(uploads.drive.caller, upload, left - 4)
    with pytest.raises(OverLimit):
        rules.check_room(uploads.drive.caller, uploads.begin("p"), left - 3)


def test_blocks_of_parts_stay_until_the_upload_is_given_up(uploads: Uploads, store: Blocks) -> None:
    upload = uploads.begin()
    parts = [uploads.put(upload, 1, b"a long part"), uploads.put(upload, 2, b"end")]
    assert HashMap.objects.count() == 1
    assert sweep().put_aside == 0
    uploads.complete(upload, parts)
    assert uploads.read("o") == b"a long partend"
    given_up = uploads.begin("p")
    uploads.put(given_up, 1, b"never read")
    rules.abort(uploads.drive.caller, uploads.drive.path("p"), given_up.uuid)
    assert sweep().put_aside > 0


def test_abandoned_uploads_are_given_up(uploads: Uploads, settings: Any) -> None:
    past = timezone.now() - datetime.timedelta(days=settings.PITHOS_UPLOAD_DAYS, hours=1)
    young, old, going_on = uploads.begin("young"), uploads.begin("old"), uploads.begin("going on")
    uploads.put(old, 1, b"data")
    uploads.put(going_on, 1, b"data")
    Upload.objects.filter(pk__in=[old.pk, going_on.pk]).update(created=past)
    Part.objects.filter(upload=old).update(modified=past)
    assert upkeep.give_up() == 1
    assert set(Upload.objects.values_list("name", flat=True)) == {"young", "going on"}
    assert young.pk


def test_the_list_of_parts_stays_as_long_as_a_version_is_made_of_them(uploads: Uploads) -> None:
    drive = uploads.drive
    made = uploads.of(b"data", b"more")
    objects.set_attributes(drive.caller, drive.path("o"), {"X-Object-Meta-B": "2"}, merge=True)
    unfinished = uploads.begin("p")
    assert upkeep.forget_completed() == 0
    found = rules.of_version(objects.get(drive.caller, drive.path("o")))
    assert found is not None
    assert [entry[:2] for entry in found.manifest] == [[1, 4], [2, 4]]
    objects.delete(drive.caller, drive.path("o"))
    assert upkeep.forget_completed() == 0
    containers.purge(drive.caller, drive.caller.user, "c", timezone.now())
    upkeep.forget_completed()
    assert not Upload.objects.filter(pk=made.pk).exists()
    assert Upload.objects.filter(pk=unfinished.pk).exists()


def test_a_container_goes_with_its_uploads(uploads: Uploads) -> None:
    uploads.put(uploads.begin(), 1, b"a long part")
    containers.delete(uploads.drive.caller, uploads.drive.caller.user, "c")
    assert not Upload.objects.exists()


@pytest.fixture
def listed(uploads: Uploads) -> Callable[..., list[str]]:
    """Names of a listing, read page by page."""
    for name in ("b/1", "a", "b/2", "a", "c", "b/c/1"):
        uploads.begin(name)
    caller = uploads.drive.caller

    def read_all(limit: int, **wanted: Any) -> list[str]:
        found: list[str] = []
        marker = upload_marker = ""
        more = True
        while more:
            page, more = listing.uploads(
                caller, caller.user, "c",
                listing.Wanted(limit=limit, marker=marker, upload_marker=upload_marker, **wanted),
            )  # fmt: skip
            found += [entry.name for entry in page]
            marker, upload_marker = page[-1].name, page[-1].upload.uuid if page[-1].upload else ""
        return found

    return read_all


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_uploads_are_listed_by_name_page_by_page(listed: Callable[..., list[str]], limit: int) -> None:
    assert listed(limit) == ["a", "a", "b/1", "b/2", "b/c/1", "c"]
    assert listed(limit, delimiter="/") == ["a", "a", "b/", "c"]
    assert listed(limit, prefix="b/", delimiter="/") == ["b/1", "b/2", "b/c/"]


def test_parts_are_listed_page_by_page(uploads: Uploads) -> None:
    upload = uploads.begin()
    for number in (3, 1, 10_000, 2):
        uploads.put(upload, number, b"data")
    page, more = listing.parts(upload, 0, 2)
    assert ([part.number for part in page], more) == ([1, 2], True)
    page, more = listing.parts(upload, 2, 2)
    assert ([part.number for part in page], more) == ([3, 10_000], False)
