"""Images in image v2: imports as tasks, and what imports and stores there are."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from synnefo.common.faults import Forbidden
from synnefo.cyclades.images import imports
from synnefo.cyclades.images.api.openstack import found
from synnefo.cyclades.images.api.openstack_changes import NewImage, announced, properties_of
from synnefo.cyclades.openstack import kit
from synnefo.engine.models import Operation

router = Router()

_MOST_SHOWN = 100


class TaskInput(kit.Body):
    import_from: kit.Text
    import_from_format: kit.Text = ""
    image_properties: NewImage


class NewTask(kit.Body):
    """An image is announced and imported in one."""

    type: kit.Text
    input: TaskInput


@router.get("/info/import")
def show_import_methods(request: HttpRequest) -> HttpResponse:
    methods = {"description": "Import methods available.", "type": "array", "value": list(imports.METHODS)}
    return kit.answer({"import-methods": methods})


@router.get("/info/stores")
def show_stores(request: HttpRequest) -> HttpResponse:
    return kit.answer({"stores": [{"id": imports.STORE, "default": "true"}]})


@router.get("/images/{image_id}/tasks")
def list_tasks_of_image(request: HttpRequest, image_id: str) -> HttpResponse:
    rows = imports.tasks_of(kit.caller_of(request), found(request, image_id).uuid)[:_MOST_SHOWN]
    return kit.answer({"tasks": [_details(row) for row in rows]})


@router.get("/tasks")
def list_tasks(request: HttpRequest) -> HttpResponse:
    rows = imports.tasks(kit.caller_of(request))[:_MOST_SHOWN]
    body = {"tasks": [_details(row) for row in rows], "first": "/v2/tasks", "schema": "/v2/schemas/tasks"}
    return kit.answer(body)


@router.post("/tasks")
def create_task(request: HttpRequest, payload: NewTask) -> HttpResponse:
    """For administrators, as Glance has it; everybody has the import of an image."""
    caller = kit.caller_of(request)
    properties_of(payload.input.image_properties)
    if not caller.is_admin:
        raise Forbidden("Only administrators make tasks: create an image and import it.")
    kit.only("type", payload.type, "import")
    wanted = imports.Wanted("web-download", payload.input.import_from)
    imports.check(wanted)
    image = announced(caller, payload.input.image_properties)
    return kit.answer(_details(imports.start(caller, image.uuid, wanted)), 201)


@router.get("/tasks/{task_id}")
def show_task(request: HttpRequest, task_id: str) -> HttpResponse:
    return kit.answer(_details(imports.task(kit.caller_of(request), kit.known_id(task_id, "Task"))))


def _details(row: Operation) -> dict[str, Any]:
    told = row.payload
    finished = row.finished is not None
    return {
        "id": row.uuid,
        "type": "api_image_import",
        "status": imports.state_of(row),
        "image_id": told["image"],
        "owner": row.project,
        "user_id": row.actor,
        "request_id": row.request_id,
        "input": {
            "image_id": told["image"],
            "import_from": told["uri"],
            "import_req": {"method": {"name": told["method"], "uri": told["uri"]}},
        },
        "result": {"image_id": told["image"]} if finished and not row.error else None,
        "message": row.error,
        "created_at": kit.stamp(row.created),
        "updated_at": kit.stamp(row.updated),
        "expires_at": None,
        "deleted": False,
        "deleted_at": None,
        "self": f"/v2/tasks/{row.uuid}",
        "schema": "/v2/schemas/task",
    }
