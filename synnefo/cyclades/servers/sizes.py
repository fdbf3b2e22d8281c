"""Giving a server another size.

As Synnefo has it, a stopped server is changed for good. As OpenStack has it, one that runs is stopped,
changed and started, and waits for its owner to confirm that or to take it back; a larger disk comes with
the confirmation, since disks never shrink.
"""

from __future__ import annotations

from synnefo.common.accounts import Provision, provisions_for
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict
from synnefo.common.units import GIB
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.operations.sizes import ConfirmResize, ResizeServer, RevertResize
from synnefo.cyclades.servers import acting
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.rules import flavor_named, get
from synnefo.cyclades.servers.states import Action, require
from synnefo.cyclades.volumes.models import Volume
from synnefo.engine.charging import decide

Oper, Task = Server.Oper, Server.Task


def resize(caller: Caller, uuid: str, flavor_ref: str, *, confirm: bool) -> Server:
    """Ask for another size; with ``confirm`` the owner has the last word, and it may run now.

    Raises BadRequest (the same flavor, another disk), Conflict (state, busy), OverLimit.
    """
    action = Action.RESIZE if confirm else Action.RESIZE_COLD
    found = get(caller, uuid)
    require(found, action, is_admin=caller.is_admin)
    flavor = flavor_named(caller, flavor_ref)
    _check_change(found, flavor, confirm=confirm)
    with acting.charged_later(_delta(found, flavor), name="api: server resize") as serial:
        server = acting.begin(caller, found, action)
        acting.same_charge(server, found)
        acting.launch(
            ResizeServer, caller, server, Task.RESIZE, serial=serial, flavor=flavor.pk, old=server.flavor_id,
            runs=server.operstate == Oper.STARTED, confirm=confirm,
        )  # fmt: skip
    return server


def confirm_resize(caller: Caller, uuid: str) -> Server:
    """It stays as it is now. Raises Conflict, OverLimit (its larger disk)."""
    found = get(caller, uuid)
    require(found, Action.CONFIRM, is_admin=caller.is_admin)
    root, more_gib = _growth(found)
    cost: list[Provision] = []
    if root is not None and more_gib > 0:
        cost = provisions_for(root.userid, root.project, {"cyclades.disk": more_gib * GIB})
    with acting.charged_later(cost, name="api: server confirm resize") as serial:
        server = acting.begin(caller, found, Action.CONFIRM)
        if _growth(server) != (root, more_gib):
            raise Conflict("The server changed its state just now; try again.")
        if root is None or more_gib <= 0:
            decide(serial, accept=True)
            _confirmed(server)
            return server
        Volume.objects.select_for_update(of=("self",)).get(pk=root.pk)
        acting.launch(
            ConfirmResize, caller, server, Task.RESIZE, serial=serial, volume=root,
            size_gib=root.size_gib + more_gib,
        )  # fmt: skip
    return server


def revert_resize(caller: Caller, uuid: str) -> Server:
    """It becomes what it was, whatever the quota says."""
    found = get(caller, uuid)
    require(found, Action.REVERT, is_admin=caller.is_admin)
    if found.old_flavor is None:
        raise Conflict("The server has nothing to go back to.")
    back = _delta(found, found.old_flavor)
    with acting.charged_later(back, name="api: server revert resize", force=True) as serial:
        server = acting.begin(caller, found, Action.REVERT)
        acting.same_charge(server, found)
        acting.launch(
            RevertResize, caller, server, Task.REVERT, serial=serial, flavor=found.old_flavor.pk,
            old=server.flavor_id, runs=server.wanted_on, confirm=False,
        )  # fmt: skip
    return server


def _confirmed(server: Server) -> None:
    server.operstate = Oper.STARTED if server.wanted_on else Oper.STOPPED
    server.old_flavor = None
    server.save(update_fields=("operstate", "old_flavor", "updated"))


def _check_change(server: Server, flavor: Flavor, *, confirm: bool) -> None:
    if flavor.pk == server.flavor_id:
        raise BadRequest("When resizing, instances must change flavor!")
    if flavor.volume_type_id != server.flavor.volume_type_id:
        raise BadRequest("Cannot change instance's volume type.")
    if flavor.more_disks_gib != server.flavor.more_disks_gib:
        raise BadRequest("The flavor comes with other disks than those that the server has.")
    if flavor.disk == server.flavor.disk:
        return
    if not confirm:
        raise BadRequest("Cannot resize instance disk.")
    if flavor.disk and flavor.disk < server.flavor.disk:
        raise BadRequest("The flavor's disk is smaller than that of the server.")


def _growth(server: Server) -> tuple[Volume | None, int]:
    """Its first disk, and how much larger that is to be; one of another size than the flavor's stays."""
    root = server.volumes.filter(deleted=False, index=0).first()
    if root is None or server.old_flavor is None or root.size_gib != server.old_flavor.disk:
        return root, 0
    return root, server.flavor.disk - root.size_gib


def _delta(server: Server, flavor: Flavor) -> list[Provision]:
    """What another flavor costs more (or less)."""
    now, then = server.flavor.lasting_charge, flavor.lasting_charge
    if server.charged_as_running:
        now, then = {**now, **server.flavor.running_charge}, {**then, **flavor.running_charge}
    amounts = {name: then[name] - now[name] for name in then}
    return provisions_for(server.userid, server.project, amounts)
