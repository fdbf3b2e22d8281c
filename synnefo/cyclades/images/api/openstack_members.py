"""Images in image v2: with whom they are shared, and what those say to it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from synnefo.common.faults import ItemNotFound
from synnefo.cyclades.images import members
from synnefo.cyclades.images.api.openstack import found
from synnefo.cyclades.images.api.openstack_changes import router
from synnefo.cyclades.images.models import ImageMember
from synnefo.cyclades.openstack import kit

__all__ = ["router"]


class NewMember(kit.Body):
    member: kit.Text


class Answer(kit.Body):
    status: kit.Text


@router.get("/images/{image_id}/members")
def list_members(request: HttpRequest, image_id: str) -> HttpResponse:
    rows = members.listed(kit.caller_of(request), found(request, image_id).uuid)
    return kit.answer({"members": [_member(row) for row in rows], "schema": "/v2/schemas/members"})


@router.post("/images/{image_id}/members")
def add_member(request: HttpRequest, image_id: str, payload: NewMember) -> HttpResponse:
    uuid = found(request, image_id).uuid
    return kit.answer(_member(members.offer(kit.caller_of(request), uuid, kit.wanted_id(payload.member))))


@router.get("/images/{image_id}/members/{member_id}")
def show_member(request: HttpRequest, image_id: str, member_id: str) -> HttpResponse:
    wanted = kit.known_id(member_id, "Member")
    for row in members.listed(kit.caller_of(request), found(request, image_id).uuid):
        if row.member == wanted:
            return kit.answer(_member(row))
    raise ItemNotFound(f"Member {member_id} could not be found.")


@router.put("/images/{image_id}/members/{member_id}")
def answer_member(request: HttpRequest, image_id: str, member_id: str, payload: Answer) -> HttpResponse:
    uuid, wanted = found(request, image_id).uuid, kit.known_id(member_id, "Member")
    return kit.answer(_member(members.answer(kit.caller_of(request), uuid, wanted, payload.status)))


@router.delete("/images/{image_id}/members/{member_id}")
def remove_member(request: HttpRequest, image_id: str, member_id: str) -> HttpResponse:
    uuid, wanted = found(request, image_id).uuid, kit.known_id(member_id, "Member")
    if not members.remove(kit.caller_of(request), uuid, wanted):
        raise ItemNotFound(f"Member {member_id} could not be found.")
    return kit.empty(204)


def _member(row: ImageMember) -> dict[str, Any]:
    return {
        "image_id": row.image.uuid,
        "member_id": row.member,
        "status": row.status,
        "created_at": kit.stamp(row.created),
        "updated_at": kit.stamp(row.updated),
        "schema": "/v2/schemas/member",
    }
