"""Builders of guest images from Debian packages, by name.

Owns how a disk image comes to be, not where it is kept or who may use it: plain functions of paths.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from synnefo.cyclades.images.build import debian, tiny
from synnefo.cyclades.images.build.common import BuildError, Log

__all__ = ["BUILDERS", "BuildError", "Builder"]


class Build(Protocol):
    """Makes the image as a qcow2 file ``out``, replaced only by a whole one; may raise BuildError."""

    def __call__(self, *, out: Path, workdir: Path, log: Log = ...) -> None: ...


@dataclasses.dataclass(frozen=True)
class Builder:
    """A kind of image that can be built here, and what its users need to know of it."""

    name: str
    title: str
    default_user: str
    os: str
    osfamily: str
    root_partition: int
    min_disk_gib: int
    min_ram_mib: int
    prerequisites: Callable[[], list[str]]
    build: Build

    @property
    def properties(self) -> Mapping[str, str]:
        """The image's properties, as clients show them."""
        users = " ".join(dict.fromkeys(["root", self.default_user]))
        return {
            "os": self.os,
            "osfamily": self.osfamily,
            "root_partition": str(self.root_partition),
            "users": users,
            "default_user": self.default_user,
            "description": self.title,
        }


_TINY = Builder(
    name="tiny",
    title="Tiny Linux",
    default_user="user",
    os="linux",
    osfamily="linux",
    root_partition=2,
    min_disk_gib=1,
    min_ram_mib=128,
    prerequisites=tiny.prerequisites,
    build=tiny.build,
)
_DEBIAN_12 = Builder(
    name="debian-12",
    title="Debian 12 (bookworm)",
    default_user="debian",
    os="debian",
    osfamily="linux",
    root_partition=1,
    min_disk_gib=2,
    min_ram_mib=512,
    prerequisites=debian.prerequisites,
    build=functools.partial(debian.build, "bookworm"),
)

BUILDERS: Mapping[str, Builder] = MappingProxyType({builder.name: builder for builder in (_TINY, _DEBIAN_12)})
