"""Giving volumes away: to another project, to another user, or to whoever knows a key."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from django.conf import settings
from django.db.models import QuerySet

from synnefo.audit.rules import record
from synnefo.common.accounts import provisions_for
from synnefo.common.caller import Caller, visible
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.ids import new_uuid
from synnefo.common.transactions import atomic
from synnefo.cyclades.volumes import rules
from synnefo.cyclades.volumes.models import Volume, VolumeTransfer
from synnefo.cyclades.volumes.states import Action
from synnefo.engine.charging import commissioned, decide


def reassign(caller: Caller, uuid: str, project: str, *, shared: bool = False) -> Volume:
    """Charge another project of the caller's for a volume, which its members see from now on if ``shared``.

    Raises ItemNotFound, Forbidden (not the owner; sharing is off), BadRequest (no project of his), Conflict
    (a server boots from it), OverLimit.
    """
    found = rules.get(caller, uuid)
    if found.userid != caller.user and not caller.is_admin:
        raise Forbidden("Only its owner gives a volume to another project.")
    if shared and not settings.CYCLADES_SHARED_RESOURCES_ENABLED:
        raise Forbidden("Sharing resources with projects is not enabled.")
    if project not in caller.projects and not caller.is_admin:
        raise BadRequest(f"User {caller.user} not in project {project}")
    if found.index == 0 and found.server_id is not None:
        raise Conflict("A server boots from this volume; it goes where the server goes.")
    give(caller, found, found.userid, project, shared=shared)
    return rules.volumes_for(caller).filter(pk=found.pk).first() or Volume.objects.get(pk=found.pk)


def change_owner(caller: Caller, uuid: str, user: str, project: str) -> Volume:
    """Make it another user's, in a project of his. Raises Forbidden, ItemNotFound, OverLimit."""
    found = rules.get(caller, uuid)
    if not caller.is_admin:
        raise Forbidden("Only administrators give things to other users.")
    give(caller, found, user, project, shared=found.shared_to_project)
    return Volume.objects.get(pk=found.pk)


def give(caller: Caller, found: Volume, user: str, project: str, *, shared: bool) -> None:
    """Move a volume with its charge; who may do that is the caller's business. Raises OverLimit."""
    cost = rules.cost(found)
    freed = {name: -amount for name, amount in cost.items()}
    moved = (user, project) != (found.userid, found.project)
    provisions = provisions_for(found.userid, found.project, freed) + provisions_for(user, project, cost)
    with commissioned(provisions if moved else [], name="api: volume reassign") as serial:
        volume = rules.locked(found, Action.REASSIGN)
        if (volume.userid, volume.project, volume.size_gib) != (
            found.userid, found.project, found.size_gib,
        ):  # fmt: skip
            raise Conflict("The volume changed just now; try again.")
        rules.check_room_of_type(volume.volume_type, project, volume.size_gib if moved else 0)
        volume.userid, volume.project, volume.shared_to_project = user, project, shared
        volume.save(update_fields=("userid", "project", "shared_to_project", "updated"))
        VolumeTransfer.objects.filter(volume=volume).delete()
        decide(serial, accept=True)
        record(caller, "volume.reassign", Volume.TARGET, volume.pk, project=project, owner=user)


def transfers_for(caller: Caller) -> QuerySet[VolumeTransfer]:
    """Offers of volumes that the caller sees."""
    mine = visible(Volume.objects.filter(deleted=False), caller)
    return VolumeTransfer.objects.filter(volume__in=mine).select_related("volume")


def transfer(caller: Caller, uuid: str) -> VolumeTransfer:
    found = transfers_for(caller).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Transfer {uuid} could not be found.")
    return found


def offer(caller: Caller, volume_uuid: str, *, name: str = "") -> tuple[VolumeTransfer, str]:
    """Offer a free volume to whoever knows the key that is returned, this once.

    Raises ItemNotFound, WrongState, Conflict (it is offered already), BadRequest.
    """
    rules.check_words(name, "")
    found = rules.get(caller, volume_uuid)
    key = secrets.token_hex(8)
    with atomic():
        volume = rules.locked(found, Action.OFFER)
        if VolumeTransfer.objects.filter(volume=volume).exists():
            raise Conflict(f"Volume {volume_uuid} is offered already.")
        made = VolumeTransfer.objects.create(uuid=new_uuid(), volume=volume, name=name, digest=_digest(key))
        record(caller, "volume.offer", Volume.TARGET, volume.pk, project=volume.project)
    return made, key


def withdraw(caller: Caller, uuid: str) -> None:
    """Take an offer back. Raises ItemNotFound."""
    found = transfer(caller, uuid)
    with atomic():
        found.delete()
        record(caller, "volume.withdraw", Volume.TARGET, found.volume_id, project=found.volume.project)


def accept(caller: Caller, uuid: str, key: str) -> VolumeTransfer:
    """Take what is offered, by its key.

    Raises ItemNotFound, BadRequest (another key), OverLimit, WrongState, Conflict.
    """
    found = VolumeTransfer.objects.select_related("volume").filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Transfer {uuid} could not be found.")
    if not hmac.compare_digest(found.digest, _digest(key)):
        raise BadRequest(f"Attempt to transfer volume {found.volume.uuid} with an invalid auth key.")
    volume = found.volume
    if volume.server_id is not None:
        raise Conflict(f"Volume {volume.uuid} is in use.")
    give(caller, volume, caller.user, caller.project, shared=caller.shares_by_default)
    return found


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
