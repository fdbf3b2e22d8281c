"""Volumes of a small cloud. What engines keep of a disk is short here, whatever its size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from synnefo.common.accounts import accounts
from synnefo.cyclades.backends.memory_room import Disk
from synnefo.cyclades.volume_types.models import VolumeType
from synnefo.cyclades.volumes import rules
from synnefo.cyclades.volumes.models import Volume
from synnefo.cyclades.volumes.requests import VolumeRequest
from tests.conftest import People, Person, work_off
from tests.cyclades_api.conftest import mate_of

CONTENT = b"what stands on the disk" + bytes(1000)


def _pieces(self: Disk) -> Iterator[bytes]:
    yield CONTENT


@pytest.fixture(autouse=True)
def _short_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Disk, "pieces", _pieces)


@pytest.fixture
def local(cloud: People) -> VolumeType:
    return VolumeType.objects.get(disk_template="local")


@pytest.fixture
def make(cloud: People, local: VolumeType) -> Callable[..., Volume]:
    """A volume of alice's, settled, as ``VolumeRequest`` says."""

    def made(**wanted: Any) -> Volume:
        request = VolumeRequest(**{"size_gib": 1, **wanted})
        volume = rules.create(cloud.alice.caller, request)
        work_off()
        return rules.get(cloud.alice.caller, volume.uuid)

    return made


def used_gib(person: Person) -> float:
    caller = person.caller
    use = accounts().quotas(caller.user, caller.project)["cyclades.disk"]
    assert use.pending == 0
    return use.usage / 2**30


__all__ = ["mate_of"]
