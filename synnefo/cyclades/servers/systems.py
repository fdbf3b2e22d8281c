"""What a server runs: its first disk made anew, another system to mend it with, a new password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, FeatureNotEnabled, ItemNotFound
from synnefo.common.objects import store_of
from synnefo.cyclades.images import rules as images
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.operations.systems import RebuildServer, RescueServer, SetPassword, UnrescueServer
from synnefo.cyclades.servers import acting, vault
from synnefo.cyclades.servers.models import RescueImage, Server, ServerMetadata
from synnefo.cyclades.servers.requests import RebuildRequest
from synnefo.cyclades.servers.rules import (
    check_metadata,
    check_name,
    check_told,
    get,
    keys_named,
    new_password,
    told_once,
)
from synnefo.cyclades.servers.states import Action, require
from synnefo.cyclades.volumes.models import Volume

Oper, Task = Server.Oper, Server.Task


def rebuild(caller: Caller, uuid: str, request: RebuildRequest) -> tuple[Server, str]:
    """Make its first disk anew from an image; its size, cards and other disks stay.

    Returns it and its administrator's new password. Raises BadRequest, ItemNotFound (image), Conflict.
    """
    found = get(caller, uuid)
    require(found, Action.REBUILD, is_admin=caller.is_admin)
    _check_rebuild(request)
    image = images.bootable(caller, request.image)
    keys = keys_named(caller, [request.key_name]) if request.key_name else []
    password = request.admin_password or new_password()
    with acting.charged_later([], name="api: server rebuild"):
        server = acting.begin(caller, found, Action.REBUILD)
        runs = server.operstate != Oper.STOPPED
        _fill_anew(server, image)
        _describe(server, request, image)
        acting.launch(
            RebuildServer, caller, server, Task.REBUILD, secret=told_once(password, request.files),
            ssh_keys=keys, runs=runs,
        )  # fmt: skip
        vault.keep_password(server, password)
    return get(caller, uuid), password


def rescue(
    caller: Caller, uuid: str, *, run: bool, image: str | None = None, rescue_image: int | None = None,
    password: str | None = None,
) -> tuple[Server, str]:  # fmt: skip
    """Boot it from another system, with its own disks beside; returns it and that system's password.

    With ``run`` (OpenStack) it runs then, from ``image`` or the one that it was made of; without (Synnefo) a
    stopped one stays off, and boots the rescue image that is named or fits it best the next time. Raises
    FeatureNotEnabled, ItemNotFound (no such image), Conflict, OverLimit.
    """
    if not settings.CYCLADES_RESCUE_ENABLED:
        raise FeatureNotEnabled("Servers cannot be rescued here.")
    action = Action.RESCUE if run else Action.RESCUE_COLD
    found = get(caller, uuid)
    require(found, action, is_admin=caller.is_admin)
    system: Image | RescueImage
    system = images.bootable(caller, image or found.image) if run else rescue_image_for(found, rescue_image)
    password = password or new_password()
    cost = acting.running_charge(found, 1) if run and not found.charged_as_running else []
    with acting.charged_later(cost, name="api: server rescue") as serial:
        server = acting.begin(caller, found, action)
        acting.same_charge(server, found)
        what: dict[str, Any] = {}
        if isinstance(system, Image):
            server.rescue_ref, what["image"] = system.uuid, system.pk
        else:
            server.rescue_image, what["rescue_image"] = system, system.pk
        server.save(update_fields=("rescue_ref", "rescue_image", "updated"))
        acting.launch(
            RescueServer, caller, server, Task.RESCUE, serial=serial, secret=told_once(password, ()),
            runs=run, was_on=server.operstate == Oper.STARTED, **what,
        )  # fmt: skip
    return server, password


def unrescue(caller: Caller, uuid: str, *, run: bool) -> Server:
    """Boot it from its own disk again, now (``run``) or, of one that is off, the next time."""
    if not settings.CYCLADES_RESCUE_ENABLED:
        raise FeatureNotEnabled("Servers cannot be rescued here.")
    action = Action.UNRESCUE if run else Action.UNRESCUE_COLD
    found = get(caller, uuid)
    require(found, action, is_admin=caller.is_admin)
    cost = acting.running_charge(found, 1) if run and not found.charged_as_running else []
    with acting.charged_later(cost, name="api: server unrescue") as serial:
        server = acting.begin(caller, found, action)
        acting.same_charge(server, found)
        acting.launch(UnrescueServer, caller, server, Task.UNRESCUE, serial=serial, runs=run)
    return server


def rescue_images() -> QuerySet[RescueImage]:
    return RescueImage.objects.filter(deleted=False)


def rescue_image_for(server: Server, wanted: int | None) -> RescueImage:
    """The one that is named; else that of its system, of its family, the default (spec: cyclades 3.8).

    Raises ItemNotFound.
    """
    rows = rescue_images().order_by("pk")
    if wanted is not None:
        choices = [Q(pk=wanted)]
    else:
        family = Q(target_osfamily__iexact=server.osfamily) & ~Q(target_osfamily="")
        choices = [family & Q(target_os__iexact=server.os), family, Q(is_default=True)]
    for choice in choices:
        found = rows.filter(choice).first()
        if found is not None:
            return found
    raise ItemNotFound("Rescue image not found.")


def change_password(caller: Caller, uuid: str, password: str) -> Server:
    """Set the administrator's password by an agent in the guest. Raises BadRequest, Conflict."""
    if not 1 <= len(password) <= 255 or not password.isprintable():
        raise BadRequest("A password has 1 to 255 printable characters.")
    found = get(caller, uuid)
    require(found, Action.PASSWORD, is_admin=caller.is_admin)
    user = _first_user(found)
    with acting.charged_later([], name="api: server password"):
        server = acting.begin(caller, found, Action.PASSWORD)
        acting.launch(SetPassword, caller, server, Task.PASSWORD, secret={"password": password}, user=user)
        vault.keep_password(server, password)
    return server


def _first_user(server: Server) -> str:
    """Whose password it is: of the first of the users that its image names."""
    root = server.volumes.filter(index=0, deleted=False).first()
    names = str(root.image_properties.get("users", "")).split() if root is not None else []
    return names[0] if names else "root"


def _check_rebuild(request: RebuildRequest) -> None:
    check_name("unchanged" if request.name is None else request.name)
    check_metadata(request.metadata or {})
    check_told(request.files, request.user_data or b"")


def _fill_anew(server: Server, image: Image) -> None:
    """Its first volume is to be made again, of the image. Raises BadRequest, Conflict."""
    root = server.volumes.select_for_update(of=("self",)).filter(index=0, deleted=False).first()
    if root is None:
        raise Conflict("The server has no disk of its own.")
    if image.min_disk_gib > root.size_gib:
        raise BadRequest(
            f"Flavor's disk is too small for requested image: it needs {image.min_disk_gib} GiB."
        )
    if image.min_ram_mib > server.flavor.ram:
        raise BadRequest(
            f"Flavor's memory is too small for requested image: it needs {image.min_ram_mib} MiB."
        )
    if root.hold:
        store_of(root.hold).release(root.hold)
    root.hold, root.disk_format = store_of(image.hold).hold_again(image.hold), image.engine_format
    root.source = Volume.Source.SNAPSHOT if image.is_snapshot else Volume.Source.IMAGE
    root.source_uuid, root.source_version = image.uuid, image.version
    root.image_properties, root.materialised = image.properties, False
    root.save()


def _describe(server: Server, request: RebuildRequest, image: Image) -> None:
    """What else a rebuild changes."""
    for name in ("name", "description", "access_ipv4", "access_ipv6", "disk_config", "user_data"):
        value = getattr(request, name)
        if value is not None:
            setattr(server, name, value)
    if request.key_name is not None:
        server.key_name, server.key_names = request.key_name, [request.key_name]
    server.image, server.image_version = image.uuid, image.version
    server.os = str(image.properties.get("os", ""))[:256]
    server.osfamily = str(image.properties.get("osfamily", ""))[:256]
    server.save()
    if request.metadata is not None:
        server.metadata.all().delete()
        ServerMetadata.objects.bulk_create(
            ServerMetadata(server=server, key=key, value=value) for key, value in request.metadata.items()
        )
