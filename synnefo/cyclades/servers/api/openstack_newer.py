"""What later microversions of compute tell of servers besides, and what they find them by."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Count, Q, QuerySet
from pydantic import Field

from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.openstack import kit
from synnefo.cyclades.operations.pictures import host_name
from synnefo.cyclades.servers.models import Server, ServerTag
from synnefo.cyclades.servers.tags import OWNERS
from synnefo.engine.models import Target

#: The microversions by what they brought.
ATTRIBUTES, LOCKED, HOST_STATUS, DESCRIPTION, TAGS, NETWORKS = 3, 9, 16, 19, 26, 37
_PREFIX = "OS-EXT-SRV-ATTR:"
_ATTRIBUTES = (
    "hostname", "launch_index", "reservation_id", "kernel_id", "ramdisk_id", "root_device_name", "user_data",
)  # fmt: skip
#: What is not in answers to changes.
EXTENDED = {"host_status", *(f"{_PREFIX}{name}" for name in _ATTRIBUTES)}


class TagFilters(kit.Listing):
    """Tags, separated by commas: all of them, any, not all, none."""

    tags: kit.Text | None = None
    tags_any: kit.Text | None = Field(None, alias="tags-any")
    not_tags: kit.Text | None = Field(None, alias="not-tags")
    not_tags_any: kit.Text | None = Field(None, alias="not-tags-any")

    def conditions(self) -> Iterator[Q]:
        if self.tags:
            yield _with_all(self.tags)
        if self.tags_any:
            yield _with_any(self.tags_any)
        if self.not_tags:
            yield ~_with_all(self.not_tags)
        if self.not_tags_any:
            yield ~_with_any(self.not_tags_any)


def tell(servers: Sequence[Server], shown: Sequence[dict[str, Any]], spoken: int, *, for_admin: bool) -> None:
    """Add it to what is shown of each, in as many queries for a thousand as for one."""
    if for_admin and spoken >= ATTRIBUTES:
        _tell_attributes(servers, shown)
    if for_admin and spoken >= HOST_STATUS:
        hosts = {row.pk: _host_status(row) for row in Backend.objects.all()}
        for server, row in zip(servers, shown, strict=True):
            row["host_status"] = hosts.get(server.backend_id or 0, "")
    for server, row in zip(servers, shown, strict=True):
        if spoken >= LOCKED:
            row["locked"] = server.locked
        if spoken >= DESCRIPTION:
            row["description"] = server.description or None
    if spoken >= TAGS:
        tags = _tags_of([server.pk for server in servers])
        for server, row in zip(servers, shown, strict=True):
            row["tags"] = tags.get(server.pk, [])


def reservation(request_id: str) -> str:
    """What the servers of one request are found by."""
    return f"r-{request_id}"


def reserved(name: str) -> QuerySet[Target, int]:
    """The servers of a reservation."""
    found = _creations().filter(operation__request_id=name.removeprefix("r-"))
    return found.values_list("object_id", flat=True)


def _tell_attributes(servers: Sequence[Server], shown: Sequence[dict[str, Any]]) -> None:
    """There are no kernels and initial disks beside images here."""
    keys = [server.pk for server in servers]
    asked = _creations().filter(object_id__in=keys).values("operation__request_id")
    places: dict[int, tuple[str, int]] = {}
    number_of: Counter[str] = Counter()
    together = _creations().filter(operation__request_id__in=asked).order_by("object_id")
    for server_id, request_id in together.values_list("object_id", "operation__request_id"):
        places[server_id] = reservation(request_id), number_of[request_id]
        number_of[request_id] += 1
    for server, row in zip(servers, shown, strict=True):
        name, place = places.get(server.pk, ("", 0))
        told = {
            "hostname": host_name(server.name),
            "reservation_id": name,
            "launch_index": place,
            "kernel_id": "",
            "ramdisk_id": "",
            "root_device_name": "/dev/vda",
            "user_data": base64.b64encode(server.user_data).decode() or None,
        }
        row.update({f"{_PREFIX}{key}": value for key, value in told.items()})


def _creations() -> QuerySet[Target]:
    return Target.objects.filter(kind=Server.TARGET, operation__kind="server.create")


def _host_status(row: Backend) -> str:
    return "DOWN" if row.offline else "MAINTENANCE" if row.drained else "UP"


def _tags_of(keys: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    rows = ServerTag.objects.filter(server__in=keys, namespace=OWNERS).order_by("id")
    for server, tag in rows.values_list("server_id", "tag"):
        found.setdefault(server, []).append(tag)
    return found


def _with_any(text: str) -> Q:
    rows = ServerTag.objects.filter(namespace=OWNERS, tag__in=text.split(","))
    return Q(pk__in=rows.values("server"))


def _with_all(text: str) -> Q:
    wanted = set(text.split(","))
    rows = ServerTag.objects.filter(namespace=OWNERS, tag__in=wanted).values("server")
    return Q(pk__in=rows.annotate(number=Count("tag")).filter(number=len(wanted)).values("server"))
