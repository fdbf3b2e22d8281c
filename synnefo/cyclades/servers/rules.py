"""What may be done with servers, and what it costs (spec: cyclades 3.2-3.4).

A server costs vm, total_cpu, total_ram and disk from its creation to its removal, and cpu and ram in
every state but stopped. Creation is charged at once; an action's charge waits for its outcome.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping

from django.conf import settings
from django.db.models import Prefetch, QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller, visible
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound, RequestTooLarge
from synnefo.common.transactions import atomic
from synnefo.common.units import GIB
from synnefo.cyclades import placement
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.images import rules as images
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.keypairs import rules as keypairs
from synnefo.cyclades.networks.models import Port
from synnefo.cyclades.operations.servers import (
    CreateServer,
    DeleteServer,
    RebootServer,
    StartServer,
    StopServer,
)
from synnefo.cyclades.servers import nics, tags, volumes
from synnefo.cyclades.servers.models import Server, ServerMetadata
from synnefo.cyclades.servers.requests import ServerRequest
from synnefo.cyclades.servers.states import Action, require
from synnefo.engine import rules as engine
from synnefo.engine.charging import charging, decide
from synnefo.engine.procedure import Procedure

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

    Raises BadRequest, ItemNotFound (image, flavor, key, network), OverLimit, Conflict (addresses),
    ServiceUnavailable (no engine can take it).
    """
    _check_request(request)
    flavor, image = _flavor(caller, request.flavor), images.bootable(caller, request.image)
    _check_fit(flavor, image)
    key = _key(caller, request.key_name)
    password = request.admin_password or new_password()
    cost = {**flavor.lasting_charge, **flavor.running_charge, "cyclades.disk": flavor.disk * GIB}
    with charging(caller.user, caller.project, cost, name="api: server create") as serial:
        server = Server.objects.create(
            name=request.name,
            userid=caller.user,
            project=caller.project,
            shared_to_project=caller.shares_by_default,
            flavor=flavor,
            backend=placement.choose(flavor),
            image=image.uuid,
            key_name=request.key_name or "",
            user_data=request.user_data,
        )
        volumes.make_root(server, image)
        _store_metadata(server, request.metadata)
        tags.put_on(server, request.tags)
        nics.attach(caller, server, request.nics)
        engine.start(
            CreateServer,
            targets=[(TARGET, server.pk)],
            actor=caller,
            payload={"image": image.pk, "ssh_keys": [key] if key else []},
            secret={"admin_password": password},
        )
        decide(serial, accept=True)
        record(caller, "server.create", TARGET, server.pk, name=server.name, flavor=flavor.name)
    return get(caller, server.uuid), password


def rename(caller: Caller, uuid: str, name: str) -> Server:
    _check_name(name)
    with atomic():
        server = _locked(get(caller, uuid))
        require(server, Action.RENAME, is_admin=caller.is_admin)
        server.name = name
        server.save(update_fields=("name", "updated"))
        record(caller, "server.rename", TARGET, server.pk, name=name)
    return get(caller, uuid)


def start(caller: Caller, uuid: str) -> Server:
    """Power it on. Raises Conflict (state, busy), OverLimit."""
    found = get(caller, uuid)
    require(found, Action.START, is_admin=caller.is_admin)
    with charging(
        found.userid, found.project, found.flavor.running_charge, name="api: server start"
    ) as serial:
        server = _begin(caller, found, Action.START)
        _start(StartServer, caller, server, serial)
        _busy(server, Server.Task.START, wanted_on=True)
    return server


def stop(caller: Caller, uuid: str) -> Server:
    """Ask the guest to power off; what it runs on is given back when it has."""
    found = get(caller, uuid)
    require(found, Action.STOP, is_admin=caller.is_admin)
    freed = {name: -amount for name, amount in found.flavor.running_charge.items()}
    with charging(found.userid, found.project, freed, name="api: server stop") as serial:
        server = _begin(caller, found, Action.STOP)
        _start(StopServer, caller, server, serial)
        _busy(server, Server.Task.STOP, wanted_on=False)
    return server


def reboot(caller: Caller, uuid: str, *, hard: bool) -> Server:
    """Boot it again; one that is stopped is started (and charged as running)."""
    found = get(caller, uuid)
    require(found, Action.REBOOT, is_admin=caller.is_admin)
    cost = {} if found.charged_as_running else found.flavor.running_charge
    with charging(found.userid, found.project, cost, name="api: server reboot") as serial:
        server = _begin(caller, found, Action.REBOOT)
        if server.charged_as_running != found.charged_as_running:
            raise Conflict("The server changed its state just now; try again.")
        _start(RebootServer, caller, server, serial, hard=hard)
        _busy(server, Server.Task.REBOOT, wanted_on=True)
    return server


def delete(caller: Caller, uuid: str) -> None:
    """Remove it with its disk, whatever it is doing; its charge ends when it is gone."""
    found = get(caller, uuid)
    require(found, Action.DESTROY, is_admin=caller.is_admin)
    freed = _held(found)
    _abandon(found)
    with charging(found.userid, found.project, freed, name="api: server delete", force=True) as serial:
        server = _begin(caller, found, Action.DESTROY)
        if server.task == Server.Task.DESTROY:
            raise Conflict("The server is being deleted.")
        if _held(server) != freed:
            raise Conflict("The server changed its state just now; try again.")
        _start(DeleteServer, caller, server, serial)
        _busy(server, Server.Task.DESTROY, wanted_on=False)


def set_metadata(
    caller: Caller, uuid: str, wanted: Mapping[str, str], *, replace: bool = False
) -> dict[str, str]:
    """Merge (or replace) a server's metadata; returns all of it."""
    with atomic():
        server = _locked(get(caller, uuid))
        if replace:
            server.metadata.all().delete()
        kept = {row.key: row.value for row in server.metadata.all()}
        _check_metadata({**kept, **wanted})
        server.metadata.filter(key__in=wanted).delete()
        _store_metadata(server, wanted)
        record(caller, "server.metadata", TARGET, server.pk, keys=sorted(wanted))
    return {**kept, **wanted}


def delete_metadata(caller: Caller, uuid: str, key: str) -> None:
    with atomic():
        server = _locked(get(caller, uuid))
        gone, _ = server.metadata.filter(key=key).delete()
        if not gone:
            raise ItemNotFound("Metadata item was not found")
        record(caller, "server.metadata", TARGET, server.pk, removed=key)


def new_password() -> str:
    """Twelve characters with a lower-case letter, a capital and a digit among them."""
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
    chars = [secrets.choice(kind) for kind in kinds]
    chars += [secrets.choice("".join(kinds)) for _ in range(12 - len(kinds))]
    secrets.SystemRandom().shuffle(chars)
    return "".join(chars)


def _begin(caller: Caller, found: Server, action: Action) -> Server:
    """The server's row, locked, if the action is (still) possible."""
    server = _locked(found)
    require(server, action, is_admin=caller.is_admin)
    record(caller, f"server.{action.value}", TARGET, server.pk, project=server.project, name=server.name)
    return server


def _abandon(found: Server) -> None:
    """Give up what is under way on a server that is to be deleted, together with its pending charge.

    A transaction of its own: what the pending charge holds must be free before it can be given back.
    """
    with atomic():
        server = _locked(found)
        if not engine.supersede(TARGET, server.pk, unless=DeleteServer):
            return
        if server.operstate == Server.Oper.BUILD:
            server.operstate, server.fault = Server.Oper.ERROR, "It was deleted while it was being built."
        server.task = Server.Task.NONE
        server.save(update_fields=("operstate", "fault", "task", "updated"))


def _locked(found: Server) -> Server:
    return (
        Server.objects.select_for_update(of=("self",)).select_related("flavor__volume_type").get(pk=found.pk)
    )


def _start(
    procedure: type[Procedure], caller: Caller, server: Server, serial: int | None, **payload: object
) -> None:
    """An operation on the server, in its project, whoever asks for it."""
    engine.start(
        procedure,
        targets=[(TARGET, server.pk)],
        actor=caller,
        project=server.project,
        payload=payload,
        serial=serial,
    )


def _busy(server: Server, task: Server.Task, *, wanted_on: bool) -> None:
    server.task, server.wanted_on = task, wanted_on
    server.save(update_fields=("task", "wanted_on", "updated"))


def _held(server: Server) -> dict[str, int]:
    """What its removal gives back."""
    running = server.flavor.running_charge if server.charged_as_running else {}
    held = {**server.flavor.lasting_charge, **running, "cyclades.disk": volumes.held_bytes(server)}
    return {name: -amount for name, amount in held.items()}


def _flavor(caller: Caller, uuid: str) -> Flavor:
    flavor = flavors.flavors_for(caller).filter(uuid=uuid).first()
    if flavor is None:
        raise BadRequest("Invalid flavorRef provided.")
    if not flavor.allow_create:
        raise Forbidden(f"Servers cannot be made with flavor {flavor.name} any more.")
    return flavor


def _check_fit(flavor: Flavor, image: Image) -> None:
    if image.status != Image.Status.AVAILABLE:
        raise BadRequest(f"Image {image.uuid} is not active.")
    if image.min_disk_gib > flavor.disk:
        raise BadRequest(
            f"Flavor's disk is too small for requested image: it needs {image.min_disk_gib} GiB."
        )
    if image.min_ram_mib > flavor.ram:
        raise BadRequest(
            f"Flavor's memory is too small for requested image: it needs {image.min_ram_mib} MiB."
        )


def _key(caller: Caller, name: str | None) -> str | None:
    if not name:
        return None
    row = keypairs.keypairs_for(caller).filter(name=name).first()
    if row is None:
        raise BadRequest("Invalid key_name provided.")
    return row.content


def _check_request(request: ServerRequest) -> None:
    _check_name(request.name)
    _check_metadata(request.metadata)
    tags.check(request.tags)
    if len(request.user_data) > settings.CYCLADES_USER_DATA_MAX_BYTES:
        raise RequestTooLarge(f"User data is larger than {settings.CYCLADES_USER_DATA_MAX_BYTES} bytes.")


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= 255 or not name.strip() or not name.isprintable():
        raise BadRequest("Invalid input for field/attribute name: 1 to 255 printable characters are needed.")


def _check_metadata(metadata: Mapping[str, str]) -> None:
    if len(metadata) > settings.CYCLADES_VM_MAX_METADATA:
        raise Forbidden(f"Maximum number of metadata items exceeds {settings.CYCLADES_VM_MAX_METADATA}")
    for key, value in metadata.items():
        if not 1 <= len(key) <= MAX_KEY or len(value) > MAX_VALUE:
            raise BadRequest(f"Metadata keys have 1 to {MAX_KEY} characters, values at most {MAX_VALUE}.")


def _store_metadata(server: Server, metadata: Mapping[str, str]) -> None:
    ServerMetadata.objects.bulk_create(
        ServerMetadata(server=server, key=key, value=value) for key, value in metadata.items()
    )
