"""Volume types in block storage v3. Nothing is encrypted here."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Body, Query, Router
from pydantic import ConfigDict, Field

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.cyclades.openstack import kit
from synnefo.cyclades.volume_types import rules
from synnefo.cyclades.volume_types.models import VolumeType

router = Router()

#: The extra spec by which an administrator says what disks of a new type are.
TEMPLATE_SPEC = "SNF:disk_template"


class TypeFilters(kit.Listing):
    is_public: kit.Text | None = None
    name: kit.Text | None = None


class NewType(kit.Body):
    model_config = ConfigDict(extra="ignore", strict=True, populate_by_name=True)

    name: kit.Text
    description: kit.Text | None = None
    is_public: bool = Field(True, alias="os-volume-type-access:is_public")
    extra_specs: dict[kit.Text, kit.Text] | None = None


class NewTypeBody(kit.Body):
    volume_type: NewType


class TypeChanges(kit.Body):
    name: kit.Text | None = None
    description: kit.Text | None = None
    is_public: bool | None = None


class TypeChangesBody(kit.Body):
    volume_type: TypeChanges


class SpecsBody(kit.Body):
    extra_specs: dict[kit.Text, kit.Text]


@router.get("/types")
def list_types(request: HttpRequest, filters: Query[TypeFilters]) -> HttpResponse:
    caller = kit.caller_of(request)
    rows = rules.types_for(caller).prefetch_related("specs")
    wanted = (filters.is_public or "none").lower()
    if wanted not in ("none", "true", "false"):
        raise BadRequest("Invalid is_public filter.")
    if wanted != "none":
        rows = rows.filter(public=wanted == "true")
    if filters.name is not None:
        rows = rows.filter(name=filters.name)
    found, _ = kit.page_of(rows, filters)
    return kit.answer({"volume_types": [type_view(caller, row) for row in found]})


@router.post("/types")
def create_type(request: HttpRequest, body: NewTypeBody) -> HttpResponse:
    caller, wanted = kit.caller_of(request), body.volume_type
    specs = dict(wanted.extra_specs or {})
    template = specs.pop(TEMPLATE_SPEC, None)
    made = rules.create(
        caller,
        name=wanted.name,
        disk_template=template or rules.default(caller).disk_template,
        description=wanted.description or "",
        public=wanted.is_public,
        specs=specs,
    )
    return kit.answer({"volume_type": type_view(caller, made)})


@router.get("/types/default")
def show_default_type(request: HttpRequest) -> HttpResponse:
    caller = kit.caller_of(request)
    return kit.answer({"volume_type": type_view(caller, rules.default(caller))})


@router.get("/types/{type_id}")
def show_type(request: HttpRequest, type_id: str) -> HttpResponse:
    caller = kit.caller_of(request)
    return kit.answer({"volume_type": type_view(caller, _find(caller, type_id))})


@router.put("/types/{type_id}")
def update_type(request: HttpRequest, type_id: str, body: TypeChangesBody) -> HttpResponse:
    caller, wanted = kit.caller_of(request), body.volume_type
    if not wanted.model_fields_set:
        raise BadRequest("Specify volume type name, description, is_public or a combination thereof.")
    changed = rules.modify(
        caller,
        _find(caller, type_id),
        name=wanted.name,
        description=wanted.description,
        public=wanted.is_public,
    )
    return kit.answer({"volume_type": type_view(caller, changed)})


@router.delete("/types/{type_id}")
def delete_type(request: HttpRequest, type_id: str) -> HttpResponse:
    caller = kit.caller_of(request)
    rules.remove(caller, _find(caller, type_id))
    return kit.empty(202)


@router.get("/types/{type_id}/encryption")
def show_encryption(request: HttpRequest, type_id: str) -> HttpResponse:
    _find(kit.caller_of(request), type_id)
    return kit.answer({})


@router.get("/types/{type_id}/extra_specs")
def list_specs(request: HttpRequest, type_id: str) -> HttpResponse:
    return kit.answer({"extra_specs": _specs(_find(kit.caller_of(request), type_id))})


@router.post("/types/{type_id}/extra_specs")
def set_specs(request: HttpRequest, type_id: str, body: SpecsBody) -> HttpResponse:
    caller = kit.caller_of(request)
    return kit.answer({"extra_specs": rules.set_specs(caller, _find(caller, type_id), body.extra_specs)})


@router.get("/types/{type_id}/extra_specs/{key}")
def show_spec(request: HttpRequest, type_id: str, key: str) -> HttpResponse:
    found = _specs(_find(kit.caller_of(request), type_id))
    if key not in found:
        raise ItemNotFound(f"Volume type {type_id} has no extra spec {key}.")
    return kit.answer({key: found[key]})


@router.put("/types/{type_id}/extra_specs/{key}")
def set_spec(request: HttpRequest, type_id: str, key: str, body: Body[dict[str, Any]]) -> HttpResponse:
    caller = kit.caller_of(request)
    if list(body) != [key] or not isinstance(body[key], str):
        raise BadRequest("Request body and URI mismatch.")
    return kit.answer(rules.set_specs(caller, _find(caller, type_id), {key: body[key]}))


@router.delete("/types/{type_id}/extra_specs/{key}")
def delete_spec(request: HttpRequest, type_id: str, key: str) -> HttpResponse:
    caller = kit.caller_of(request)
    rules.drop_specs(caller, _find(caller, type_id), [key])
    return kit.empty(202)


@router.get("/types/{type_id}/os-volume-type-access")
def list_access(request: HttpRequest, type_id: str) -> HttpResponse:
    """Raises ItemNotFound for a public type: nobody in particular has access to it."""
    found = _find(kit.caller_of(request), type_id)
    if found.public:
        raise ItemNotFound("Access list not available for public volume types.")
    access = [{"volume_type_id": found.uuid, "project_id": row.project} for row in found.access.all()]
    return kit.answer({"volume_type_access": access})


@router.post("/types/{type_id}/action")
def act_on_type(request: HttpRequest, type_id: str, body: Body[dict[str, Any]]) -> HttpResponse:
    """``addProjectAccess`` and ``removeProjectAccess``."""
    caller = kit.caller_of(request)
    found = _find(caller, type_id)
    deeds = {"addProjectAccess": rules.grant, "removeProjectAccess": rules.revoke}
    for name, deed in deeds.items():
        if name in body:
            project = (body[name] or {}).get("project") if isinstance(body[name], dict) else None
            if not isinstance(project, str) or not project:
                raise BadRequest("A project is needed.")
            deed(caller, found, kit.wanted_id(project))
            return kit.empty(202)
    raise BadRequest("There is no such action.")


def type_view(caller: Caller, found: VolumeType) -> dict[str, Any]:
    """What disks a type has, administrators see alone."""
    specs = {TEMPLATE_SPEC: found.disk_template, **_specs(found)} if caller.is_admin else {}
    return {
        "id": found.uuid,
        "name": found.name,
        "description": found.description or None,
        "is_public": found.public,
        "os-volume-type-access:is_public": found.public,
        "qos_specs_id": None,
        "extra_specs": specs,
    }


def _find(caller: Caller, type_id: str) -> VolumeType:
    return rules.get(caller, kit.known_id(type_id, "Volume type"))


def _specs(found: VolumeType) -> dict[str, str]:
    return {row.key: row.value for row in found.specs.all()}
