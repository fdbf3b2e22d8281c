"""Key pairs in compute v2.1: they are of one user, who alone sees them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import StringConstraints

from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden, ItemNotFound
from synnefo.cyclades.keypairs import rules
from synnefo.cyclades.keypairs.models import KeyPair
from synnefo.cyclades.openstack import kit, microversions

router = Router()
#: The microversions that tell of kinds (and answer with other statuses), of owners, and of pages.
_KINDS, _OWNERS, _PAGES = 2, 10, 35


class Owner(kit.Listing):
    """Whose: everybody's own. Only later microversions have pages."""

    user_id: kit.Text | None = None


class NewKeyPair(kit.Body):
    """Nova's names are made of fewer characters than Synnefo's."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9 ._@-]{1,255}$")]
    public_key: kit.Text | None = None
    type: Literal["ssh", "x509"] | None = None
    user_id: kit.Text | None = None


class NewKeyPairBody(kit.Body):
    keypair: NewKeyPair


@router.get("/os-keypairs")
def list_keypairs(request: HttpRequest, wanted: Query[Owner]) -> HttpResponse:
    rows, more = list(rules.keypairs_for(_owner(request, wanted.user_id))), False
    if microversions.spoken(request) >= _PAGES:
        rows, more = kit.part_of(rows, wanted, lambda row: row.name)
    body: dict[str, Any] = {"keypairs": [{"keypair": brief_of(row, request)} for row in rows]}
    if more:
        following = kit.next_page(request, kit.address(request, "compute/v2.1/os-keypairs"), rows[-1].name)
        body["keypairs_links"] = [{"rel": "next", "href": following}]
    return kit.answer(body)


@router.post("/os-keypairs")
def create_keypair(request: HttpRequest, body: NewKeyPairBody) -> HttpResponse:
    wanted = body.keypair
    microversions.only_since(request, _KINDS, type=wanted.type)
    microversions.only_since(request, _OWNERS, user_id=wanted.user_id)
    kit.only("keypair.type", wanted.type, "ssh")
    row, private = rules.create(_owner(request, wanted.user_id), wanted.name, wanted.public_key)
    shown = {**brief_of(row, request), "user_id": row.userid}
    if private is not None:
        shown["private_key"] = private
    return kit.answer({"keypair": shown}, 201 if microversions.spoken(request) >= _KINDS else 200)


@router.get("/os-keypairs/{path:name}")
def show_keypair(request: HttpRequest, name: str, wanted: Query[Owner]) -> HttpResponse:
    row = rules.get(_owner(request, wanted.user_id), _known(name))
    shown = {
        **brief_of(row, request),
        "id": row.pk,
        "user_id": row.userid,
        "created_at": kit.fine_stamp(row.created),
        "updated_at": None,
        "deleted": False,
        "deleted_at": None,
    }
    return kit.answer({"keypair": shown})


@router.delete("/os-keypairs/{path:name}")
def delete_keypair(request: HttpRequest, name: str, wanted: Query[Owner]) -> HttpResponse:
    rules.delete(_owner(request, wanted.user_id), _known(name))
    return kit.empty(204 if microversions.spoken(request) >= _KINDS else 202)


def brief_of(row: KeyPair, request: HttpRequest) -> dict[str, Any]:
    kind = {"type": "ssh"} if microversions.spoken(request) >= _KINDS else {}
    return {"name": row.name, "public_key": row.content, "fingerprint": row.fingerprint, **kind}


def _owner(request: HttpRequest, user_id: str | None) -> Caller:
    """The caller, who may say that he is meant. Raises Forbidden for anybody else."""
    caller = kit.caller_of(request)
    named = user_id is not None and microversions.spoken(request) >= _OWNERS
    if named and kit.wanted_id(user_id or "") != caller.user:
        raise Forbidden("Key pairs are for their owners alone.")
    return caller


def _known(name: str) -> str:
    if "\x00" in name:
        raise ItemNotFound("No key pair has such a name.")
    return name
