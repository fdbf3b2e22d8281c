"""What a user asks for when he creates a server, or makes it anew, as plain values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class NicRequest:
    """A card on a network (optionally with a fixed address), or an existing port."""

    network: str | None = None
    fixed_ip: str | None = None
    port: str | None = None
    tag: str = ""


@dataclasses.dataclass(frozen=True)
class DeviceRequest:
    """A disk: made of an image or a snapshot, empty (``blank``), or a volume that exists.

    ``destination`` is OpenStack's word: a disk of a server that boots from a ``volume`` is told of as one
    that has no image. A ``boot_index`` of 0 is what it boots from; None and negative ones come after.
    Without ``delete_on_termination`` a volume that existed before stays, and all others go with the server.
    """

    source: str
    uuid: str | None = None
    size_gib: int | None = None
    delete_on_termination: bool | None = None
    boot_index: int | None = None
    volume_type: str | None = None
    destination: str = "local"

    @property
    def goes(self) -> bool:
        """Whether it is deleted with its server."""
        return self.source != "volume" if self.delete_on_termination is None else self.delete_on_termination


@dataclasses.dataclass(frozen=True)
class FileRequest:
    """A file that the guest finds at its first boot ("personality")."""

    path: str
    content: bytes
    owner: str = "root"
    group: str = "root"
    mode: int = 0o440

    def as_json(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "content": self.content.hex()}


@dataclasses.dataclass(frozen=True)
class ServerRequest:
    """``nics`` None means the caller named no networks: his only one is taken, if he has one.

    ``image`` may be empty where a device says what to boot from. ``security_groups`` are uuids, for the
    cards that are made for it; None means what a project gives all its cards. ``group`` is a server group.
    ``backend`` is the number of the engine that an operator chose, whatever placement would say.
    """

    name: str
    image: str
    flavor: str
    nics: Sequence[NicRequest] | None = None
    key_name: str | None = None
    user_data: bytes = b""
    admin_password: str | None = None
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    tags: Sequence[str] = ()
    key_names: Sequence[str] = ()
    devices: Sequence[DeviceRequest] = ()
    files: Sequence[FileRequest] = ()
    config_drive: bool = False
    availability_zone: str = ""
    description: str = ""
    disk_config: str = "MANUAL"
    access_ipv4: str = ""
    access_ipv6: str = ""
    security_groups: Sequence[str] | None = None
    group: str | None = None
    backend: int | None = None

    @property
    def keys(self) -> list[str]:
        """All names of keys, each once."""
        named = [self.key_name] if self.key_name else []
        return list(dict.fromkeys([*named, *self.key_names]))


@dataclasses.dataclass(frozen=True)
class RebuildRequest:
    """What changes when a server's first disk is made anew; what is None stays as it is."""

    image: str
    name: str | None = None
    admin_password: str | None = None
    metadata: Mapping[str, str] | None = None
    files: Sequence[FileRequest] = ()
    user_data: bytes | None = None
    key_name: str | None = None
    description: str | None = None
    access_ipv4: str | None = None
    access_ipv6: str | None = None
    disk_config: str | None = None
