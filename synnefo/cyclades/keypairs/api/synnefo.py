"""Key pairs in Synnefo's compute v2.0: as Nova's, with codes of their own."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.http.plain import answer, empty
from synnefo.cyclades.keypairs import rules
from synnefo.cyclades.keypairs.models import KeyPair
from synnefo.cyclades.synnefo_api import kit


def _list(request: HttpRequest, caller: Caller) -> HttpResponse:
    return answer({"keypairs": [{"keypair": _brief(row)} for row in rules.keypairs_for(caller)]})


def _create(request: HttpRequest, caller: Caller) -> HttpResponse:
    wanted = kit.part_of(request, "keypair")
    public_key = None if wanted.get("public_key") is None else kit.text_in(wanted, "public_key")
    row, private = rules.create(caller, kit.text_in(wanted, "name"), public_key)
    shown = _brief(row)
    if private is not None:
        shown["private_key"] = private
    return answer({"keypair": shown}, 201)


def _show(request: HttpRequest, caller: Caller, name: str) -> HttpResponse:
    row = rules.get(caller, name)
    shown = {
        **_brief(row),
        "id": row.pk,
        "created_at": row.created.replace(tzinfo=None).isoformat(),
        "updated_at": row.updated.replace(tzinfo=None).isoformat(),
        "deleted": False,
        "deleted_at": None,
    }
    return answer({"keypair": shown})


def _delete(request: HttpRequest, caller: Caller, name: str) -> HttpResponse:
    rules.delete(caller, name)
    return empty(204)


def _brief(row: KeyPair) -> dict[str, Any]:
    return {"name": row.name, "public_key": row.content, "fingerprint": row.fingerprint}


ROUTES: kit.Routes = {
    "/os-keypairs": kit.served(GET=_list, POST=_create),
    "/os-keypairs/{name}": kit.served(GET=_show, DELETE=_delete),
}
