"""Key pairs as Synnefo's own pages knew them: ``userdata/keys``, with ids and the errors of a form."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden
from synnefo.common.http.plain import answer
from synnefo.cyclades.keypairs import rules
from synnefo.cyclades.keypairs.models import KeyPair
from synnefo.cyclades.synnefo_api import kit

_NO_FIELD = "__all__"


def _list(request: HttpRequest, caller: Caller) -> HttpResponse:
    return answer([_view(request, row) for row in rules.keypairs_for(caller).order_by("pk")])


def _create(request: HttpRequest, caller: Caller) -> HttpResponse:
    wanted = kit.body_of(request)
    try:
        row, _ = rules.create(caller, kit.text_in(wanted, "name"), kit.text_in(wanted, "content"))
    except (BadRequest, Conflict, Forbidden) as fault:
        return _invalid(fault.message)
    return answer(_view(request, row))


def _show(request: HttpRequest, caller: Caller, key_id: str) -> HttpResponse:
    return answer(_view(request, _found(caller, key_id)))


def _change(request: HttpRequest, caller: Caller, key_id: str) -> HttpResponse:
    row, wanted = _found(caller, key_id), kit.body_of(request)
    name, content = kit.text_in(wanted, "name", row.name), kit.text_in(wanted, "content", row.content)
    try:
        return answer(_view(request, rules.change(caller, row.pk, name, content)))
    except (BadRequest, Conflict) as fault:
        return _invalid(fault.message)


def _delete(request: HttpRequest, caller: Caller, key_id: str) -> HttpResponse:
    rules.delete(caller, _found(caller, key_id).name)
    return answer("")


def _generate(request: HttpRequest, caller: Caller) -> HttpResponse:
    """A pair that is not kept here."""
    public, private = rules.generate()
    return answer({"private": private, "public": public})


def _found(caller: Caller, key_id: str) -> KeyPair:
    return rules.find(caller, kit.number_of(key_id, "key"))


def _invalid(message: str) -> HttpResponse:
    return answer({"errors": {_NO_FIELD: [message]}, "non_field_key": _NO_FIELD}, 422)


def _view(request: HttpRequest, row: KeyPair) -> dict[str, Any]:
    return {
        "id": row.pk,
        "uri": kit.address(request, f"userdata/keys/{row.pk}"),
        "name": row.name,
        "content": row.content,
        "fingerprint": row.fingerprint,
    }


ROUTES: kit.Routes = {
    "/keys": kit.served(GET=_list, POST=_create),
    "/keys/generate": kit.served(POST=_generate),
    "/keys/{key_id}": kit.served(GET=_show, PUT=_change, DELETE=_delete),
}
