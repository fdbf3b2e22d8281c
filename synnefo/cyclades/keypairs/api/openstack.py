"""Key pairs in compute v2.1."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import StringConstraints

from synnefo.common.faults import ItemNotFound
from synnefo.cyclades.keypairs import rules
from synnefo.cyclades.keypairs.models import KeyPair
from synnefo.cyclades.openstack import kit

router = Router()


class NewKeyPair(kit.Body):
    """Nova's names are made of fewer characters than Synnefo's."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9 ._@-]{1,255}$")]
    public_key: kit.Text | None = None


class NewKeyPairBody(kit.Body):
    keypair: NewKeyPair


@router.get("/os-keypairs")
def list_keypairs(request: HttpRequest) -> HttpResponse:
    rows = rules.keypairs_for(kit.caller_of(request))
    return kit.answer({"keypairs": [{"keypair": brief_of(row)} for row in rows]})


@router.post("/os-keypairs")
def create_keypair(request: HttpRequest, body: NewKeyPairBody) -> HttpResponse:
    row, private = rules.create(kit.caller_of(request), body.keypair.name, body.keypair.public_key)
    shown = {**brief_of(row), "user_id": row.userid}
    if private is not None:
        shown["private_key"] = private
    return kit.answer({"keypair": shown})


@router.get("/os-keypairs/{path:name}")
def show_keypair(request: HttpRequest, name: str) -> HttpResponse:
    row = rules.get(kit.caller_of(request), _known(name))
    shown = {
        **brief_of(row),
        "id": row.pk,
        "user_id": row.userid,
        "created_at": kit.fine_stamp(row.created),
        "updated_at": None,
        "deleted": False,
        "deleted_at": None,
    }
    return kit.answer({"keypair": shown})


@router.delete("/os-keypairs/{path:name}")
def delete_keypair(request: HttpRequest, name: str) -> HttpResponse:
    rules.delete(kit.caller_of(request), _known(name))
    return kit.empty(202)


def brief_of(row: KeyPair) -> dict[str, Any]:
    return {"name": row.name, "public_key": row.content, "fingerprint": row.fingerprint}


def _known(name: str) -> str:
    if "\x00" in name:
        raise ItemNotFound("No key pair has such a name.")
    return name
