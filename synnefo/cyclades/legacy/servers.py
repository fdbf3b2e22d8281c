"""Servers in every state, what is said of them, and the systems that broken ones are booted from."""

from __future__ import annotations

import json
from collections.abc import Iterator

from django.db.models import Model
from django.utils import timezone

from synnefo.common.legacy.source import Row, Source, Sql
from synnefo.common.legacy.steps import Numbered, Step
from synnefo.cyclades.legacy.source import of_table
from synnefo.cyclades.legacy.world import World
from synnefo.cyclades.servers.models import (
    RescueImage,
    Server,
    ServerDiagnostic,
    ServerMetadata,
    ServerTag,
)

_STATES = {
    "BUILD": Server.Oper.BUILD,
    "ERROR": Server.Oper.ERROR,
    "STARTED": Server.Oper.STARTED,
    "STOPPED": Server.Oper.STOPPED,
    "RESIZE": Server.Oper.STOPPED,
    "DESTROYED": Server.Oper.DESTROYED,
}
_TASKS = {"SET_FIREWALL_PROFILE": Server.Task.FIREWALL}
_TAG_PREFIX = "cyclades:"


def _rescue_image(row: Row, world: World) -> Iterator[Model]:
    now = timezone.now()
    yield RescueImage(
        pk=row["key"],
        name=row["name"],
        location=row["location"],
        location_type=row["location_type"],
        os=row["os"] or "",
        osfamily=row["os_family"] or "",
        target_os=row["target_os"] or "",
        target_osfamily=row["target_os_family"] or "",
        is_default=row["is_default"],
        deleted=row["deleted"],
        created=now,
        updated=now,
    )


def _servers(source: Source) -> Sql:
    """With what was noted of its image when it was built; 0.20 noted it in a table of its own, swapped."""
    known = "NULL::text AS os, NULL::text AS osfamily"
    joined = ""
    if source.has("db_image"):
        known = "g.os AS os, g.osfamily AS osfamily"
        joined += " LEFT JOIN db_image g ON g.uuid = m.imageid AND g.version = m.image_version"
    swapped = "NULL::text AS rescue_os, NULL::text AS rescue_osfamily"
    if source.has("db_rescueproperties"):
        swapped = "r.os_family AS rescue_os, r.os AS rescue_osfamily"
        joined += " LEFT JOIN db_rescueproperties r ON r.id = m.rescue_properties_id"
    return f"SELECT m.id AS key, m.*, {known}, {swapped} FROM db_virtualmachine m{joined}"  # noqa: S608


def _server(row: Row, world: World) -> Iterator[Model]:
    state = _STATES.get(row["operstate"])
    if state is None:
        world.report.note("server in a state that is unknown: ERROR", f"{row['key']} {row['operstate']}")
        state = Server.Oper.ERROR
    keys = json.loads(row.get("key_names") or "[]")
    runs = state == Server.Oper.STARTED
    yield Server(
        pk=row["key"],
        name=row["name"],
        userid=row["userid"],
        project=row["project"] or row["userid"],
        shared_to_project=row["shared_to_project"],
        flavor_id=row["flavor_id"],
        backend_id=row["backend_id"],
        image=row["imageid"],
        image_version=row["image_version"] or 0,
        key_name=keys[0] if keys else "",
        key_names=keys,
        rescue=bool(row.get("rescue")),
        rescue_image_id=row.get("rescue_image_id"),
        os=row["os"] or row["rescue_os"] or "",
        osfamily=row["osfamily"] or row["rescue_osfamily"] or "",
        helper=row["helper"],
        operstate=state,
        task=_task(row, world),
        wanted_on=runs or state == Server.Oper.BUILD,
        suspended=row["suspended"],
        deleted=row["deleted"],
        deleted_at=row["updated"] if row["deleted"] else None,
        launched_at=row["created"] if runs else None,
        fault=(row["backendlogmsg"] or "") if state == Server.Oper.ERROR else "",
        created=row["created"],
        updated=row["updated"],
    )


def _task(row: Row, world: World) -> str:
    """What was being done there is seen on by nobody here, see ``reconcile-servers --fix-pending-tasks``."""
    word = row["task"] or ""
    if word and not row["deleted"]:
        world.report.note("server with which something is being done there", f"{row['key']} {word}")
    found = _TASKS.get(word, word)
    return found if found in Server.Task.values else ""


def _metadata(row: Row, world: World) -> Iterator[Model]:
    yield ServerMetadata(pk=row["key"], server_id=row["vm_id"], key=row["meta_key"], value=row["meta_value"])


def _tag(row: Row, world: World) -> Iterator[Model]:
    """``cyclades:user:blue`` is the tag ``blue`` of the namespace ``user``."""
    namespace, colon, tag = row["tag"].removeprefix(_TAG_PREFIX).partition(":")
    if not colon or namespace not in ("user", "system"):
        world.report.note("tag of no known namespace: left behind", f"{row['vm_id']} {row['tag']}")
        return
    yield ServerTag(pk=row["key"], server_id=row["vm_id"], tag=tag, namespace=namespace, status=row["status"])


def _diagnostic(row: Row, world: World) -> Iterator[Model]:
    yield ServerDiagnostic(
        pk=row["key"],
        server_id=row["machine_id"],
        level=row["level"],
        source=row["source"],
        source_date=row["source_date"],
        message=row["message"],
        details=row["details"] or "",
        created=row["created"],
    )


STEPS: tuple[Step[World], ...] = (
    Step(
        "rescue images",
        of_table("db_rescueimage"),
        _rescue_image,
        (Numbered(RescueImage, "db_rescueimage"),),
    ),
    Step("servers", _servers, _server, (Numbered(Server, "db_virtualmachine"),)),
    Step(
        "metadata of servers",
        of_table("db_virtualmachinemetadata"),
        _metadata,
        (Numbered(ServerMetadata, "db_virtualmachinemetadata"),),
    ),
    Step(
        "tags of servers",
        of_table("db_virtualmachinetag"),
        _tag,
        (Numbered(ServerTag, "db_virtualmachinetag"),),
    ),
    Step(
        "diagnostics of servers",
        of_table("db_virtualmachinediagnostic"),
        _diagnostic,
        (Numbered(ServerDiagnostic, "db_virtualmachinediagnostic"),),
    ),
)
