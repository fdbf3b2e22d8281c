"""What a user asks for when he creates a server, as plain values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class NicRequest:
    """A card on a network (optionally with a fixed address), or an existing port."""

    network: str | None = None
    fixed_ip: str | None = None
    port: str | None = None


@dataclasses.dataclass(frozen=True)
class ServerRequest:
    """``nics`` None means the caller named no networks: his only one is taken, if he has one."""

    name: str
    image: str
    flavor: str
    nics: Sequence[NicRequest] | None = None
    key_name: str | None = None
    user_data: bytes = b""
    admin_password: str | None = None
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    tags: Sequence[str] = ()
