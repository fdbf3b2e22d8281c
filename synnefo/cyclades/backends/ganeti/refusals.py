"""What Ganeti cannot do for Synnefo, said in words that are fit for an operation's log."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from synnefo.cyclades.backends.base import (
    BackendError,
    DiskImage,
    Fence,
    GuestSetup,
    InstanceSpec,
    RouterSpec,
    Sample,
    VolumeSpec,
)


class Refusals:
    """The calls of ``Backend`` that have no counterpart in Ganeti 3.0."""

    def rebuild(self, spec: InstanceSpec, fence: Fence) -> str:
        raise BackendError(
            "Ganeti makes no disk anew under Synnefo's fences: delete the server and create one"
        )

    def pause(self, name: str, fence: Fence) -> str:
        raise BackendError("Ganeti does not pause instances")

    def save(self, name: str, fence: Fence) -> str:
        raise BackendError("Ganeti does not save instances' memory")

    def rescue(self, name: str, image: DiskImage, guest: GuestSetup | None, fence: Fence) -> str:
        raise BackendError("Ganeti boots no other system beside an instance's own disks")

    def unrescue(self, name: str, fence: Fence) -> str:
        raise BackendError("Ganeti boots no other system beside an instance's own disks")

    def set_password(self, name: str, user: str, password: str, fence: Fence) -> str:
        raise BackendError("Ganeti does not reach agents in guests")

    def create_volume(self, volume: VolumeSpec, fence: Fence) -> str:
        raise BackendError("Ganeti knows no disk outside of an instance: create it with or for a server")

    def snapshot_volume(self, name: str, snapshot: str, fence: Fence) -> str:
        raise BackendError("Ganeti 3.0 takes no snapshots over its remote API")

    def read_snapshot(self, snapshot: str) -> Iterator[bytes]:
        raise BackendError("Ganeti 3.0 takes no snapshots over its remote API")

    def drop_snapshot(self, snapshot: str, fence: Fence) -> None:
        """There are none."""

    def samples(self, name: str, since: datetime.datetime) -> list[Sample]:
        return []

    def apply_router(self, spec: RouterSpec, fence: Fence) -> None:
        raise BackendError("Ganeti has no routers")

    def remove_router(self, name: str, fence: Fence) -> None:
        """There are none."""

    def routers(self) -> list[str]:
        return []
