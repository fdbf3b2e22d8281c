"""What is done to volumes by ``action`` in block storage v3, for some of it is done to servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Body, Router

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden
from synnefo.cyclades.openstack import kit
from synnefo.cyclades.servers import volumes as of_servers
from synnefo.cyclades.volume_types import rules as volume_types
from synnefo.cyclades.volumes import rules, snapshots
from synnefo.cyclades.volumes.api import openstack as faces
from synnefo.cyclades.volumes.api import openstack_views as views
from synnefo.cyclades.volumes.models import Volume

router = Router()

Said = Mapping[str, Any]
#: What an action answers: nothing but 202, or a body and a status.
Answer = tuple[dict[str, Any] | None, int]
_DONE: Answer = (None, 202)


@router.post("/volumes/{volume_id}/action")
def act_on_volume(request: HttpRequest, volume_id: str, body: Body[dict[str, Any]]) -> HttpResponse:
    caller = kit.caller_of(request)
    volume = faces.find(caller, volume_id)
    if len(body) != 1:
        raise BadRequest("An action has one name.")
    [(name, said)] = body.items()
    if name not in _ACTIONS:
        raise BadRequest(f"There is no action {name[:50]}.")
    if said is not None and not isinstance(said, dict):
        raise BadRequest(f"{name}: an object is needed.")
    answer, status = _ACTIONS[name](caller, volume, said or {})
    return kit.empty(status) if answer is None else kit.answer(answer, status)


def _attach(caller: Caller, volume: Volume, said: Said) -> Answer:
    """Nova calls this of Cinder; here it does what Nova would do."""
    server = kit.known_id(_text(said, "instance_uuid"), "Instance")
    of_servers.attach(caller, server, volume.uuid)
    return _DONE


def _detach(caller: Caller, volume: Volume, said: Said) -> Answer:
    if volume.server is None:
        raise BadRequest(f"Volume {volume.uuid} is not attached.")
    of_servers.detach(caller, volume.server.uuid, volume.uuid)
    return _DONE


def _reserve(caller: Caller, volume: Volume, said: Said) -> Answer:
    rules.reserve(caller, volume.uuid)
    return _DONE


def _unreserve(caller: Caller, volume: Volume, said: Said) -> Answer:
    rules.unreserve(caller, volume.uuid)
    return _DONE


def _extend(caller: Caller, volume: Volume, said: Said) -> Answer:
    size_gib = faces.size_in(said.get("new_size"))
    if size_gib is None:
        raise BadRequest("new_size is needed.")
    if volume.server is None:
        rules.extend(caller, volume.uuid, size_gib)
    else:
        of_servers.extend(caller, volume.server.uuid, volume.uuid, size_gib)
    return _DONE


def _set_bootable(caller: Caller, volume: Volume, said: Said) -> Answer:
    rules.describe(caller, volume.uuid, bootable=_flag(said, "bootable"))
    return None, 200


def _set_readonly(caller: Caller, volume: Volume, said: Said) -> Answer:
    rules.describe(caller, volume.uuid, readonly=_flag(said, "readonly"))
    return _DONE


def _reset_status(caller: Caller, volume: Volume, said: Said) -> Answer:
    found = views.statuses_of(_text(said, "status"))
    if not found:
        raise BadRequest("There is no such state.")
    rules.reset_status(caller, volume.uuid, Volume.Status(found[0]))
    return _DONE


def _force_delete(caller: Caller, volume: Volume, said: Said) -> Answer:
    if not caller.is_admin:
        raise Forbidden("Only administrators remove volumes by force.")
    rules.reset_status(caller, volume.uuid, Volume.Status.ERROR)
    rules.delete(caller, volume.uuid)
    return _DONE


def _retype(caller: Caller, volume: Volume, said: Said) -> Answer:
    rules.retype(caller, volume.uuid, volume_types.named(caller, _text(said, "new_type")))
    return _DONE


def _upload(caller: Caller, volume: Volume, said: Said) -> Answer:
    """An image of what it holds; of one that is in use only by ``force``."""
    kit.only("disk_format", said.get("disk_format"), "raw")
    kit.only("container_format", said.get("container_format"), "bare")
    if volume.status == Volume.Status.IN_USE and not ("force" in said and _flag(said, "force")):
        raise BadRequest(f"Invalid volume: volume {volume.uuid} is in use; uploading it needs force.")
    image = snapshots.make_image(caller, volume, name=_text(said, "image_name"))
    about = {
        "id": volume.uuid,
        "image_id": image.uuid,
        "image_name": image.name,
        "status": "uploading",
        "size": volume.size_gib,
        "disk_format": "raw",
        "container_format": "bare",
        "visibility": "private",
        "protected": False,
        "display_description": volume.description,
        "updated_at": kit.fine_stamp(volume.updated),
        "volume_type": {"id": volume.volume_type.uuid, "name": volume.volume_type.name},
    }
    return {"os-volume_upload_image": about}, 202


def _set_image_metadata(caller: Caller, volume: Volume, said: Said) -> Answer:
    wanted = said.get("metadata")
    if not isinstance(wanted, dict) or not all(isinstance(value, str) for value in wanted.values()):
        raise BadRequest("metadata: an object of texts is needed.")
    kept = rules.set_image_properties(caller, volume.uuid, wanted)
    return {"metadata": kept}, 200


def _unset_image_metadata(caller: Caller, volume: Volume, said: Said) -> Answer:
    key = _text(said, "key")
    faces.item_of(views.image_metadata(volume), key)
    rules.set_image_properties(caller, volume.uuid, {key: None})
    return None, 200


def _show_image_metadata(caller: Caller, volume: Volume, said: Said) -> Answer:
    return {"metadata": views.image_metadata(volume)}, 200


def _text(said: Said, name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value or "\x00" in value:
        raise BadRequest(f"{name} is needed, a text.")
    return value


def _flag(said: Said, name: str) -> bool:
    value = said.get(name)
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return faces.flag(value)
    raise BadRequest(f"{name} is needed, true or false.")


_ACTIONS: Mapping[str, Callable[[Caller, Volume, Said], Answer]] = {
    "os-attach": _attach,
    "os-detach": _detach,
    "os-reserve": _reserve,
    "os-unreserve": _unreserve,
    "os-extend": _extend,
    "os-set_bootable": _set_bootable,
    "os-update_readonly_flag": _set_readonly,
    "os-reset_status": _reset_status,
    "os-force_delete": _force_delete,
    "os-retype": _retype,
    "os-volume_upload_image": _upload,
    "os-set_image_metadata": _set_image_metadata,
    "os-unset_image_metadata": _unset_image_metadata,
    "os-show_image_metadata": _show_image_metadata,
}
