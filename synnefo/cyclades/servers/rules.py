"""What may be done with servers, and what it costs (spec: cyclades 3.2-3.4).

A server costs vm, total_cpu and total_ram from its creation to its removal, and cpu and ram in every state
but those in which it holds none; its volumes are charged apart, each to its own project. Creation is charged
at once; an action's charge waits for its outcome.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping, Sequence

from django.conf import settings
from django.db.models import Prefetch, QuerySet

from synnefo.audit.rules import record
from synnefo.common.accounts import Provision, provisions_for
from synnefo.common.caller import Caller, visible
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound, OverLimit, RequestTooLarge
from synnefo.common.transactions import atomic
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.keypairs import rules as keypairs
from synnefo.cyclades.networks.models import Port
from synnefo.cyclades.operations.servers import (
    CreateServer,
    DeleteServer,
    RebootServer,
    StartServer,
    StopServer,
)
from synnefo.cyclades.servers import acting, devices, nics, tags, vault
from synnefo.cyclades.servers.models import Server, ServerGroup, ServerMetadata
from synnefo.cyclades.servers.requests import FileRequest, ServerRequest
from synnefo.cyclades.servers.states import Action, require
from synnefo.cyclades.volumes.models import Volume
from synnefo.engine import rules as engine
from synnefo.engine.charging import charging, decide

TARGET = Server.TARGET
MAX_KEY, MAX_VALUE = 255, 255


def servers_for(caller: Caller, *, deleted: bool | None = False) -> QuerySet[Server]:
    """The one door: servers that the caller may see. ``deleted`` None: both."""
    rows = Server.objects.all() if deleted is None else Server.objects.filter(deleted=deleted)
    return visible(rows, caller).select_related("flavor__volume_type")


def with_cards(rows: QuerySet[Server]) -> QuerySet[Server]:
    """Servers together with their ports and addresses, for lists that show them."""
    cards = Port.objects.select_related("network").prefetch_related("addresses", "floating_ips")
    return rows.prefetch_related(Prefetch("ports", queryset=cards.order_by("index", "id")))


def get(caller: Caller, uuid: str) -> Server:
    """One server. Raises ItemNotFound."""
    found = servers_for(caller).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Instance {uuid} could not be found.")
    return found


def find(caller: Caller, server_id: int) -> Server:
    """One server by its integer id, also one that is deleted. Raises ItemNotFound."""
    found = servers_for(caller, deleted=None).filter(pk=server_id).first()
    if found is None:
        raise ItemNotFound("Server not found.")
    return found


def find_changeable(caller: Caller, server_id: int) -> Server:
    """The same, if anything may be done to it. Raises BadRequest if it is deleted, Forbidden if suspended."""
    found = find(caller, server_id)
    require(found, Action.RENAME, is_admin=caller.is_admin)
    return found


def create(caller: Caller, request: ServerRequest) -> tuple[Server, str]:
    """Ask for a server; returns it (in BUILD) and its administrator's password, this once.

    Raises BadRequest, ItemNotFound (image, flavor, key, network, volume), OverLimit, Conflict (addresses,
    volumes), ServiceUnavailable (no engine can take it).
    """
    _check_request(request)
    flavor = flavor_named(caller, request.flavor)
    if not flavor.allow_create:
        raise Forbidden(f"Servers cannot be made with flavor {flavor.name} any more.")
    disks = devices.planned(caller, request, flavor)
    keys = keys_named(caller, request.keys)
    password = request.admin_password or new_password()
    cost = {**flavor.lasting_charge, **flavor.running_charge, **disks.charge}
    with charging(caller.user, caller.project, cost, name="api: server create") as serial:
        server = _new_row(caller, request, flavor, disks)
        devices.give(caller, server, disks)
        _store_metadata(server, request.metadata)
        tags.put_on(server, request.tags, pending=True)
        nics.attach(caller, server, request.nics, groups=request.security_groups)
        engine.start(
            CreateServer,
            targets=[(TARGET, server.pk)],
            actor=caller,
            payload={"ssh_keys": keys, "given": disks.given},
            secret=told_once(password, request.files),
        )
        vault.keep_password(server, password)
        vault.keep_params(server, disks.image, request, password, keys)
        decide(serial, accept=True)
        record(caller, "server.create", TARGET, server.pk, name=server.name, flavor=flavor.name)
    return get(caller, server.uuid), password


def update(caller: Caller, uuid: str, **changes: str | None) -> Server:
    """Say something else of it: name, description, access_ipv4, access_ipv6, disk_config; None leaves it."""
    wanted = {name: value for name, value in changes.items() if value is not None}
    check_name(wanted.get("name", "unchanged"))
    with atomic():
        server = acting.begin(caller, get(caller, uuid), Action.RENAME)
        for name in ("name", "description", "access_ipv4", "access_ipv6", "disk_config"):
            setattr(server, name, wanted.get(name, getattr(server, name)))
        server.save()
    return get(caller, uuid)


def rename(caller: Caller, uuid: str, name: str) -> Server:
    return update(caller, uuid, name=name)


def start(caller: Caller, uuid: str) -> Server:
    """Power it on. Raises Conflict (state, busy), OverLimit."""
    found = get(caller, uuid)
    require(found, Action.START, is_admin=caller.is_admin)
    cost = acting.running_charge(found, 1)
    with acting.charged_later(cost, name="api: server start") as serial:
        server = acting.begin(caller, found, Action.START)
        acting.same_charge(server, found)
        acting.launch(StartServer, caller, server, Server.Task.START, serial=serial, wanted_on=True)
    return server


def stop(caller: Caller, uuid: str) -> Server:
    """Ask the guest to power off; what it runs on is given back when it has."""
    found = get(caller, uuid)
    require(found, Action.STOP, is_admin=caller.is_admin)
    freed = acting.running_charge(found, -1)
    with acting.charged_later(freed, name="api: server stop") as serial:
        server = acting.begin(caller, found, Action.STOP)
        acting.same_charge(server, found)
        acting.launch(StopServer, caller, server, Server.Task.STOP, serial=serial, wanted_on=False)
    return server


def reboot(caller: Caller, uuid: str, *, hard: bool) -> Server:
    """Boot it again; one that does not run is started (and charged as running)."""
    found = get(caller, uuid)
    require(found, Action.REBOOT, is_admin=caller.is_admin)
    cost = [] if found.charged_as_running else acting.running_charge(found, 1)
    with acting.charged_later(cost, name="api: server reboot") as serial:
        server = acting.begin(caller, found, Action.REBOOT)
        acting.same_charge(server, found)
        acting.launch(
            RebootServer, caller, server, Server.Task.REBOOT, serial=serial, wanted_on=True, hard=hard
        )
    return server


def delete(caller: Caller, uuid: str) -> None:
    """Remove it with those disks that go with it, whatever it is doing; its charge ends when it is gone."""
    found = get(caller, uuid)
    require(found, Action.DESTROY, is_admin=caller.is_admin)
    _abandon(found)
    found = acting.fresh(found)
    freed = _freed(found)
    with acting.charged_later(freed, name="api: server delete", force=True) as serial:
        server = acting.begin(caller, found, Action.DESTROY)
        if server.task == Server.Task.DESTROY:
            raise Conflict("The server is being deleted.")
        if _freed(server) != freed:
            raise Conflict("The server changed its state just now; try again.")
        staying = server.volumes.filter(deleted=False, delete_on_termination=False)
        kept = sorted(staying.values_list("pk", flat=True))
        acting.launch(
            DeleteServer, caller, server, Server.Task.DESTROY, serial=serial, wanted_on=False, kept=kept
        )


def set_metadata(
    caller: Caller, uuid: str, wanted: Mapping[str, str], *, replace: bool = False
) -> dict[str, str]:
    """Merge (or replace) a server's metadata; returns all of it."""
    with atomic():
        server = acting.begin(caller, get(caller, uuid), Action.METADATA)
        if replace:
            server.metadata.all().delete()
        kept = {row.key: row.value for row in server.metadata.all()}
        check_metadata({**kept, **wanted})
        server.metadata.filter(key__in=wanted).delete()
        _store_metadata(server, wanted)
        server.save(update_fields=("updated",))
    return {**kept, **wanted}


def delete_metadata(caller: Caller, uuid: str, key: str) -> None:
    with atomic():
        server = acting.begin(caller, get(caller, uuid), Action.METADATA)
        gone, _ = server.metadata.filter(key=key).delete()
        if not gone:
            raise ItemNotFound("Metadata item was not found")
        server.save(update_fields=("updated",))


def new_password() -> str:
    """Twelve characters with a lower-case letter, a capital and a digit among them."""
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
    chars = [secrets.choice(kind) for kind in kinds]
    chars += [secrets.choice("".join(kinds)) for _ in range(12 - len(kinds))]
    secrets.SystemRandom().shuffle(chars)
    return "".join(chars)


def flavor_named(caller: Caller, ref: str) -> Flavor:
    """A flavor that the caller may use. Raises BadRequest."""
    flavor = flavors.flavors_for(caller).filter(flavors.named(ref)).first()
    if flavor is None:
        raise BadRequest("Invalid flavorRef provided.")
    return flavor


def keys_named(caller: Caller, names: Sequence[str]) -> list[str]:
    """The public keys of these names. Raises BadRequest."""
    rows = {row.name: row.content for row in keypairs.keypairs_for(caller).filter(name__in=names)}
    if len(rows) < len(set(names)):
        raise BadRequest("Invalid key_name provided.")
    return [rows[name] for name in names]


def told_once(password: str, files: Sequence[FileRequest]) -> dict[str, object]:
    """What an operation keeps secret until it is over."""
    return {"admin_password": password, "files": [file.as_json() for file in files]}


def check_name(name: str) -> None:
    """Raises BadRequest."""
    if len(name) > 255:
        raise BadRequest("Server name is too long")
    if not name.strip() or not name.isprintable():
        raise BadRequest("Invalid input for field/attribute name: 1 to 255 printable characters are needed.")


def check_metadata(metadata: Mapping[str, str]) -> None:
    if len(metadata) > settings.CYCLADES_VM_MAX_METADATA:
        raise Forbidden(f"Maximum number of metadata items exceeds {settings.CYCLADES_VM_MAX_METADATA}")
    for key, value in metadata.items():
        if not 1 <= len(key) <= MAX_KEY or len(value) > MAX_VALUE:
            raise BadRequest(f"Metadata keys have 1 to {MAX_KEY} characters, values at most {MAX_VALUE}.")


def check_told(files: Sequence[FileRequest], user_data: bytes) -> None:
    """Raises RequestTooLarge, OverLimit (files) for more than a guest is told at its first boot."""
    if len(user_data) > settings.CYCLADES_USER_DATA_MAX_BYTES:
        raise RequestTooLarge(f"User data is larger than {settings.CYCLADES_USER_DATA_MAX_BYTES} bytes.")
    if len(files) > settings.CYCLADES_MAX_PERSONALITY:
        raise OverLimit(f"A server is given at most {settings.CYCLADES_MAX_PERSONALITY} files.")
    most: int = settings.CYCLADES_MAX_PERSONALITY_SIZE
    for file in files:
        if not 1 <= len(file.path) <= 255:
            raise BadRequest("The path of a file has 1 to 255 characters.")
        if len(file.content) > most:
            raise RequestTooLarge(f"The file {file.path} is larger than {most} bytes.")


def _new_row(caller: Caller, request: ServerRequest, flavor: Flavor, disks: devices.Disks) -> Server:
    names = request.keys
    properties = disks.wanted[0][1].image_properties
    server = Server.objects.create(
        name=request.name,
        userid=caller.user,
        project=caller.project,
        shared_to_project=caller.shares_by_default,
        flavor=flavor,
        backend=devices.engine_for(caller, request, flavor, disks),
        image=disks.ref,
        image_version=disks.image.version if disks.image is not None else 0,
        os=str(properties.get("os", ""))[:256],
        osfamily=str(properties.get("osfamily", ""))[:256],
        key_name=names[0] if names else "",
        key_names=names,
        user_data=request.user_data,
        config_drive=request.config_drive,
        availability_zone=request.availability_zone,
        description=request.description,
        disk_config=request.disk_config,
        access_ipv4=request.access_ipv4,
        access_ipv6=request.access_ipv6,
    )
    if request.group is not None:
        _join_group(caller, server, request.group)
    return server


def _join_group(caller: Caller, server: Server, uuid: str) -> None:
    group = visible(ServerGroup.objects.all(), caller).filter(uuid=uuid).first()
    if group is None:
        raise BadRequest(f"Server group {uuid} could not be found.")
    group.servers.add(server)


def _abandon(found: Server) -> None:
    """Give up what is under way on a server that is to be deleted, together with its pending charge.

    A transaction of its own: what the pending charge holds must be free before it can be given back.
    """
    with atomic():
        server = acting.locked(found)
        busy = engine.supersede(TARGET, server.pk, unless=DeleteServer)
        for volume in server.volumes.select_for_update(of=("self",)).order_by("pk"):
            engine.supersede(Volume.TARGET, volume.pk, unless=DeleteServer)
        if not busy:
            return
        if server.operstate == Server.Oper.BUILD:
            server.operstate, server.fault = Server.Oper.ERROR, "It was deleted while it was being built."
        server.task = Server.Task.NONE
        server.save(update_fields=("operstate", "fault", "task", "updated"))


def _freed(server: Server) -> list[Provision]:
    """What its removal gives back: its own, and what the volumes that go with it have."""
    running = server.flavor.running_charge if server.charged_as_running else {}
    held = {**server.flavor.lasting_charge, **running}
    own = provisions_for(server.userid, server.project, {name: -amount for name, amount in held.items()})
    return [*own, *devices.freed_by_end(server)]


def _check_request(request: ServerRequest) -> None:
    check_name(request.name)
    check_metadata(request.metadata)
    tags.check(request.tags)
    check_told(request.files, request.user_data)


def _store_metadata(server: Server, metadata: Mapping[str, str]) -> None:
    ServerMetadata.objects.bulk_create(
        ServerMetadata(server=server, key=key, value=value) for key, value in metadata.items()
    )
