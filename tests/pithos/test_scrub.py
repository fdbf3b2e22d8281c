"""Every flipped bit of what is stored is found, and told with all that has it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from prometheus_client import REGISTRY

from synnefo.pithos.blocks import base
from synnefo.pithos.blocks.base import Blocks
from synnefo.pithos.blocks.hashing import block_hash
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.seam.adapter import PithosObjects
from synnefo.pithos.upkeep import scrubbing
from synnefo.pithos.upkeep.models import ScrubbedPart
from synnefo.pithos.upkeep.scrubbing import Scrubbed
from tests.conftest import People
from tests.pithos.conftest import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(settings: Any, tmp_path: Path) -> Iterator[Blocks]:
    """Blocks of 16 bytes in files; up to 8 bytes stand in rows."""
    settings.PITHOS_BLOCKS = "synnefo.pithos.blocks.filesystem.FilesystemBlocks"
    settings.PITHOS_BACKEND_BLOCK_PATH = str(tmp_path)
    settings.PITHOS_BACKEND_BLOCK_SIZE, settings.PITHOS_INLINE_BYTES = 16, 8
    base.blocks.cache_clear()
    yield base.blocks()
    base.blocks.cache_clear()


def flip(folder: Path, block: bytes, *, bit: int = 0) -> bytes:
    """Change one bit of a block on the medium; returns its digest."""
    digest = block_hash(block)
    (path,) = folder.rglob(digest.hex())
    data = bytearray(path.read_bytes())
    data[-1 - bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)
    return digest


def scrub_all() -> Scrubbed:
    done = Scrubbed()
    for part in range(scrubbing.PARTS):
        done += scrubbing.scrub(part)
    return done


def test_what_is_whole_is_read_and_counted(api: Api, store: Blocks) -> None:
    api.put("c/long", b"x" * 16 + b"y" * 16 + b"z")
    api.put("c/small", b"tiny")
    assert scrub_all() == Scrubbed(4, 37, {})


@pytest.mark.parametrize("bit", [0, 7, 100])
def test_a_flipped_bit_is_told_with_all_that_has_it(
    api: Api, store: Blocks, tmp_path: Path, bit: int
) -> None:
    first = api.put("c/a", b"x" * 16 + b"y" * 16)["X-Object-Version"]
    second = api.put("c/b", b"x" * 16)["X-Object-Version"]
    api.put("c/whole", b"y" * 16)
    digest = flip(tmp_path, b"x" * 16, bit=bit)
    paths = {f"{api.account}/c/a (version {first})", f"{api.account}/c/b (version {second})"}
    found = scrub_all()
    assert {one: set(names) for one, names in found.damaged.items()} == {digest: paths}


def test_a_flipped_bit_of_small_content_is_told(api: Api, store: Blocks) -> None:
    number = api.put("c/small", b"tiny")["X-Object-Version"]
    Version.objects.filter(pk=number).update(data=b"tinx")
    assert scrub_all().damaged == {block_hash(b"tiny"): [f"{api.account}/c/small (version {number})"]}


def test_what_an_image_holds_is_told_of(people: People, store: Blocks, tmp_path: Path) -> None:
    objects, caller = PithosObjects(), people.alice.caller
    found = objects.put(caller, [b"a whole disk"], name="disk")
    hold = objects.hold(found)
    objects.remove(caller, found.uuid)
    Version.objects.all().delete()
    digest = flip(tmp_path, b"a whole disk")
    assert scrub_all().damaged == {digest: [f"image content {hold.removeprefix('pithos:')}"]}


def test_the_command_tells_and_fails(
    api: Api, store: Blocks, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.put("c/a", b"x" * 16)
    call_command("block-scrub", stdout=io.StringIO())
    digest, out = flip(tmp_path, b"x" * 16), io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("block-scrub", stdout=out)
    assert ended.value.code == 2
    assert out.getvalue().startswith(f"damaged: {digest.hex()} of {api.account}/c/a (version ")
    call_command("block-scrub", "--parts", "1", "--from", str((digest[0] + 1) % 256), stdout=out)


def test_what_the_last_reading_found_is_a_metric(api: Api, store: Blocks, tmp_path: Path) -> None:
    api.put("c/a", b"x" * 16)
    flip(tmp_path, b"x" * 16)
    scrub_all()
    assert REGISTRY.get_sample_value("synnefo_blocks_damaged") == 1
    assert REGISTRY.get_sample_value("synnefo_blocks_read") == 1


def test_the_dispatcher_reads_every_part_within_the_days(
    db: None, store: Blocks, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PITHOS_SCRUB_DAYS = 1
    for hour in range(24):
        monkeypatch.setattr("time.time", lambda now=hour: now * scrubbing.EVERY_S + 7.0)
        scrubbing.scrub_some()
    assert ScrubbedPart.objects.count() == scrubbing.PARTS


def test_content_is_not_read_again_where_that_is_off(db: None, store: Blocks, settings: Any) -> None:
    settings.PITHOS_SCRUB_DAYS = 0
    assert scrubbing.scrub_some() == Scrubbed()
    assert not ScrubbedPart.objects.exists()


def test_stats_count_what_there_is(api: Api, store: Blocks) -> None:
    api.put("c/long", b"x" * 16 + b"y")
    api.put("c/small", b"tiny")
    out = io.StringIO()
    call_command("block-stats", "--output-format", "csv", stdout=out)
    names, values = (line.split(",") for line in out.getvalue().splitlines())
    found = dict(zip(names, values, strict=True))
    assert (found["blocks"], found["maps"], found["objects"], found["object_bytes"]) == ("2", "1", "2", "21")
    assert (found["versions_in_rows"], found["bytes_in_rows"]) == ("1", "4")
