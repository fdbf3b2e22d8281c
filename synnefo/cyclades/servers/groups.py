"""What may be done with groups of servers: those that shall be on one engine, or on different ones."""

from __future__ import annotations

from django.db.models import QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller, visible
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.cyclades.servers.models import ServerGroup

POLICIES = ("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity")
LONGEST_NAME = 255


def groups_for(caller: Caller) -> QuerySet[ServerGroup]:
    """The one door: groups that the caller may see."""
    return visible(ServerGroup.objects.all(), caller)


def get(caller: Caller, uuid: str) -> ServerGroup:
    found = groups_for(caller).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Instance group {uuid} could not be found.")
    return found


def create(caller: Caller, name: str, policy: str) -> ServerGroup:
    """An empty group. Raises BadRequest."""
    if not 1 <= len(name) <= LONGEST_NAME or not name.strip() or not name.isprintable():
        raise BadRequest(f"A group's name has 1 to {LONGEST_NAME} printable characters.")
    if policy not in POLICIES:
        raise BadRequest(f"Invalid policy {policy!r}: there are {', '.join(POLICIES)}.")
    with atomic():
        group = ServerGroup.objects.create(
            name=name,
            policy=policy,
            userid=caller.user,
            project=caller.project,
            shared_to_project=caller.shares_by_default,
        )
        record(caller, "server_group.create", "server_group", group.pk, name=name, policy=policy)
    return group


def delete(caller: Caller, uuid: str) -> None:
    """Forget a group; its servers stay where they are."""
    with atomic():
        group = get(caller, uuid)
        record(caller, "server_group.delete", "server_group", group.pk, name=group.name)
        group.delete()
