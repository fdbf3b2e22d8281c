"""Which project a server is charged to, who owns it, and what comes along: its disks and their quota.

Disks of a server that are its owner's, in its project, go where it goes, so that whoever may use a shared
server may use what it consists of.
"""

from __future__ import annotations

from django.conf import settings

from synnefo.audit.rules import record
from synnefo.common.accounts import Provision, provisions_for
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden
from synnefo.common.units import GIB
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.networks.history import associated, disassociated
from synnefo.cyclades.networks.models import IPAddress
from synnefo.cyclades.servers import acting
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.rules import get
from synnefo.cyclades.servers.states import Action, require
from synnefo.cyclades.volumes.models import Volume
from synnefo.engine.charging import decide


def reassign(caller: Caller, uuid: str, project: str, *, shared: bool = False) -> Server:
    """Charge it to another project of the caller's, with its disks; ``shared``: for all members to use.

    Raises BadRequest (not his project), Forbidden (the flavor is not for that project), OverLimit, Conflict.
    """
    if shared and not settings.CYCLADES_SHARED_RESOURCES_ENABLED:
        raise Forbidden("Sharing resources to projects is not enabled.")
    found = get(caller, uuid)
    require(found, Action.REASSIGN, is_admin=caller.is_admin)
    if project not in caller.projects and not caller.is_admin:
        raise BadRequest(f"User {caller.user} not in project {project}")
    there = caller.in_project(project)
    if not caller.is_admin and not flavors.flavors_for(there).filter(pk=found.flavor_id).exists():
        raise Forbidden(f"The project has no access to flavor {found.flavor.name}.")
    moved = _moved(found, project)
    with acting.charged_later(moved, name="api: server reassign") as serial:
        server = acting.begin(caller, found, Action.REASSIGN)
        if _moved(server, project) != moved:
            raise Conflict("The server changed its state just now; try again.")
        related = [volume.pk for volume in _related(server)]
        for volume in Volume.objects.select_for_update(of=("self",)).filter(pk__in=related):
            volume.project, volume.shared_to_project = project, shared
            volume.save(update_fields=("project", "shared_to_project", "updated"))
        old = server.project
        server.project, server.shared_to_project = project, shared
        server.save(update_fields=("project", "shared_to_project", "updated"))
        record(caller, "server.reassign", Server.TARGET, server.pk, project=project, old=old, shared=shared)
        decide(serial, accept=True)
    return server


def change_owner(caller: Caller, uuid: str, user: str, project: str) -> Server:
    """Make it, its disks, cards and addresses another user's, charged to a project of his.

    For administrators. Raises Forbidden, Conflict.
    """
    if not caller.is_admin:
        raise Forbidden("Only administrators change the owner of a server.")
    found = get(caller, uuid)
    moved = _moved(found, project, user=user)
    with acting.charged_later(moved, name="admin: server owner", force=True) as serial:
        server = acting.begin(caller, found, Action.REASSIGN)
        if _moved(server, project, user=user) != moved:
            raise Conflict("The server changed its state just now; try again.")
        ports = list(server.ports.select_for_update(of=("self",)).order_by("pk"))
        for port in ports:
            disassociated(port, "change of owner")
        given = {"userid": user, "project": project, "shared_to_project": False}
        Volume.objects.filter(pk__in=[volume.pk for volume in _related(server)]).update(**given)
        IPAddress.objects.filter(port__in=ports).update(**given)
        server.ports.update(**given)
        old = server.userid
        server.userid, server.project, server.shared_to_project = user, project, False
        server.save(update_fields=("userid", "project", "shared_to_project", "updated"))
        for port in server.ports.all():
            associated(port, "change of owner")
        record(caller, "server.change-owner", Server.TARGET, server.pk, project=project, old=old, new=user)
        decide(serial, accept=True)
    return server


def _related(server: Server) -> list[Volume]:
    """The disks that go where the server goes."""
    own = server.volumes.filter(deleted=False, userid=server.userid, project=server.project)
    return list(own.order_by("pk"))


def _moved(server: Server, project: str, *, user: str = "") -> list[Provision]:
    """The quota that goes along."""
    if (server.project, server.userid) == (project, user or server.userid):
        return []
    running = server.flavor.running_charge if server.charged_as_running else {}
    disk = sum(volume.size_gib for volume in _related(server)) * GIB
    held = {**server.flavor.lasting_charge, **running, "cyclades.disk": disk}
    floating = 0
    if user and user != server.userid:
        floating = IPAddress.objects.filter(port__server=server, floating_ip=True).count()
    held["cyclades.floating_ip"] = floating
    freed = {name: -amount for name, amount in held.items()}
    return [
        *provisions_for(server.userid, server.project, freed),
        *provisions_for(user or server.userid, project, held),
    ]
