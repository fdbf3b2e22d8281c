"""Images in Synnefo's compute v2.0: what servers are made from. Their files are image v1's business."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound, NotImplementedFault
from synnefo.common.http.plain import answer, empty
from synnefo.common.ids import parse_uuid
from synnefo.cyclades.images import rules
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.synnefo_api import kit

_STATUS = {
    Image.Status.QUEUED: "SAVING",
    Image.Status.SAVING: "SAVING",
    Image.Status.UPLOADING: "SAVING",
    Image.Status.IMPORTING: "SAVING",
    Image.Status.AVAILABLE: "ACTIVE",
    Image.Status.DEACTIVATED: "UNKNOWN",
    Image.Status.ERROR: "ERROR",
}


def _list(request: HttpRequest, caller: Caller) -> HttpResponse:
    rows = _rows(request, caller)
    if rows is None:
        return kit.not_modified()
    return answer({"images": [{"id": row.uuid, "name": row.name} for row in rows]})


def _list_detail(request: HttpRequest, caller: Caller) -> HttpResponse:
    rows = _rows(request, caller)
    if rows is None:
        return kit.not_modified()
    return answer({"images": [_details(request, row) for row in rows]})


def _create(request: HttpRequest, caller: Caller) -> HttpResponse:
    raise NotImplementedFault("Images are not made from servers.")


def _show(request: HttpRequest, caller: Caller, image_id: str) -> HttpResponse:
    return answer({"image": _details(request, found(caller, image_id))})


def _delete(request: HttpRequest, caller: Caller, image_id: str) -> HttpResponse:
    rules.unregister(caller, found(caller, image_id).uuid)
    return empty(204)


def _list_metadata(request: HttpRequest, caller: Caller, image_id: str) -> HttpResponse:
    return answer({"metadata": found(caller, image_id).properties})


def _show_metadata(request: HttpRequest, caller: Caller, image_id: str, key: str) -> HttpResponse:
    properties = found(caller, image_id).properties
    if key not in properties:
        raise ItemNotFound("Metadata key not found.")
    return answer({"meta": {key: properties[key]}})


def _merge_metadata(request: HttpRequest, caller: Caller, image_id: str) -> HttpResponse:
    wanted = _texts(request, "metadata")
    return answer({"metadata": rules.set_properties(caller, found(caller, image_id).uuid, wanted)}, 201)


def _set_metadata(request: HttpRequest, caller: Caller, image_id: str, key: str) -> HttpResponse:
    wanted = _texts(request, "meta")
    if set(wanted) != {key}:
        raise BadRequest("Malformed request")
    rules.set_properties(caller, found(caller, image_id).uuid, wanted)
    return answer({"meta": wanted}, 201)


def _delete_metadata(request: HttpRequest, caller: Caller, image_id: str, key: str) -> HttpResponse:
    if key not in found(caller, image_id).properties:
        raise ItemNotFound("Metadata key not found.")
    rules.set_properties(caller, found(caller, image_id).uuid, {key: None})
    return empty(204)


def found(caller: Caller, image_id: str) -> Image:
    """The image in a path or a body.

    Raises BadRequest for what is no uuid, ItemNotFound, Forbidden for one that is others' own.
    """
    uuid = known_id(image_id)
    try:
        return rules.get(caller, uuid)
    except ItemNotFound:
        if Image.objects.filter(uuid=uuid, deleted=False).exists():
            raise kit.silent(Forbidden) from None
        raise


def known_id(image_id: str) -> str:
    """Raises BadRequest for what is no uuid."""
    uuid = parse_uuid(image_id)
    if uuid is None:
        raise kit.silent(BadRequest)
    return uuid


def links_of(request: HttpRequest, uuid: str) -> list[dict[str, str]]:
    alternate = {"rel": "alternate", "href": kit.address(request, f"image/v1.0/images/{uuid}")}
    return [*kit.links(kit.address(request, f"compute/v2.0/images/{uuid}")), alternate]


def _texts(request: HttpRequest, name: str) -> dict[str, str]:
    """The texts by key that the body has under a name. Raises BadRequest."""
    wanted = kit.part_of(request, name)
    if not all(isinstance(value, str) for value in wanted.values()):
        raise BadRequest("Malformed request")
    return wanted


def _rows(request: HttpRequest, caller: Caller) -> list[Image] | None:
    return kit.listed(request, rules.listed(caller, deleted=None), "uuid")


def _details(request: HttpRequest, image: Image) -> dict[str, Any]:
    return {
        "id": image.uuid,
        "name": image.name,
        "links": links_of(request, image.uuid),
        "updated": kit.stamp(image.updated.replace(microsecond=0)),
        "created": kit.stamp(image.updated.replace(microsecond=0)),  # as image v1 says it
        "status": "DELETED" if image.deleted else _STATUS[Image.Status(image.status)],
        "progress": 100 if image.status == Image.Status.AVAILABLE else 0,
        "user_id": image.userid,
        "tenant_id": image.userid,
        "public": image.is_public,
        "metadata": image.properties,
        "is_snapshot": image.is_snapshot,
    }


ROUTES: kit.Routes = {
    "/images": kit.served(GET=_list, POST=_create),
    "/images/detail": kit.served(GET=_list_detail),
    "/images/{image_id}": kit.served(GET=_show, DELETE=_delete),
    "/images/{image_id}/metadata": kit.served(GET=_list_metadata, POST=_merge_metadata),
    "/images/{image_id}/metadata/{key}": kit.served(
        GET=_show_metadata, PUT=_set_metadata, DELETE=_delete_metadata
    ),
}
