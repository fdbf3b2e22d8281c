"""Groups of servers in compute v2.1."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from synnefo.cyclades.openstack import kit, microversions
from synnefo.cyclades.servers import groups
from synnefo.cyclades.servers.models import ServerGroup

router = Router()
#: The microversion that tells of owners.
_OWNERS = 13


class NewGroup(kit.Body):
    name: kit.Text
    policies: Annotated[list[kit.Text], Field(min_length=1, max_length=1)]


class NewGroupBody(kit.Body):
    server_group: NewGroup


class Groups(kit.Window):
    all_projects: bool = False


@router.get("/os-server-groups")
def list_groups(request: HttpRequest, filters: Query[Groups]) -> HttpResponse:
    caller = kit.caller_of(request)
    rows = groups.groups_for(kit.everyone(caller) if filters.all_projects else caller)
    found = rows.prefetch_related("servers").order_by("created", "id")[filters.part]
    return kit.answer({"server_groups": [_shown(group, request) for group in found]})


@router.post("/os-server-groups")
def create_group(request: HttpRequest, body: NewGroupBody) -> HttpResponse:
    wanted = body.server_group
    made = groups.create(kit.caller_of(request), wanted.name, wanted.policies[0])
    return kit.answer({"server_group": _shown(made, request)})


@router.get("/os-server-groups/{group_id}")
def show_group(request: HttpRequest, group_id: str) -> HttpResponse:
    group = groups.get(kit.caller_of(request), kit.known_id(group_id, "Instance group"))
    return kit.answer({"server_group": _shown(group, request)})


@router.delete("/os-server-groups/{group_id}")
def delete_group(request: HttpRequest, group_id: str) -> HttpResponse:
    groups.delete(kit.caller_of(request), kit.known_id(group_id, "Instance group"))
    return kit.empty(204)


def _shown(group: ServerGroup, request: HttpRequest) -> dict[str, Any]:
    members = sorted(server.uuid for server in group.servers.all() if not server.deleted)
    owners = {"project_id": group.project, "user_id": group.userid}
    return {
        **(owners if microversions.spoken(request) >= _OWNERS else {}),
        "id": group.uuid,
        "name": group.name,
        "policies": [group.policy],
        "members": members,
        "metadata": {},
    }
