"""What clients of Synnefo's compute v2.0 send about servers, as plain values."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound, RequestTooLarge
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.images.api.synnefo import found as image_found
from synnefo.cyclades.keypairs import rules as keypairs
from synnefo.cyclades.networks import ports
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.servers.requests import DeviceRequest, FileRequest, NicRequest, ServerRequest
from synnefo.cyclades.synnefo_api import kit
from synnefo.cyclades.volumes import rules as volumes

_SHORTEST_PASSWORD = 10


def server_request(caller: Caller, wanted: Mapping[str, Any]) -> ServerRequest:
    """A new server as it is asked for. Raises BadRequest, ItemNotFound, RequestTooLarge."""
    devices = [
        _device(caller, item, is_first=index == 0)
        for index, item in enumerate(_list_in(wanted, "block_device_mapping_v2"))
    ]
    if any(wanted.get(name) is None for name in ("name", "flavorRef")):
        raise BadRequest("Malformed request")
    if not wanted.get("imageRef") and not (devices and devices[0].source in ("image", "snapshot")):
        raise BadRequest("Malformed request: 'imageRef' is missing, and no device says what to boot.")
    flavor = flavors.find(caller, kit.number_of(wanted["flavorRef"], "flavor"))
    if flavor.deleted:
        raise ItemNotFound("Flavor not found.")
    image = image_found(caller, kit.text_in(wanted, "imageRef")).uuid if wanted.get("imageRef") else ""
    return ServerRequest(
        name=kit.text_in(wanted, "name"),
        image=image,
        flavor=flavor.uuid,
        nics=_nics(caller, wanted),
        key_names=_key_names(caller, wanted),
        user_data=_user_data(wanted),
        admin_password=_password(wanted),
        metadata=metadata_in(wanted, "metadata", optional=True),
        tags=_tags(wanted),
        devices=devices,
        files=_files(wanted),
    )


def metadata_in(body: Mapping[str, Any], name: str, *, optional: bool = False) -> dict[str, str]:
    """Texts by key. Raises BadRequest; also for more than a server may have."""
    found = body.get(name)
    if found is None and optional:
        return {}
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise BadRequest("Malformed request")
    if len(found) > settings.CYCLADES_VM_MAX_METADATA:
        most = settings.CYCLADES_VM_MAX_METADATA
        raise BadRequest(f"Virtual Machines cannot have more than {most} metadata items")
    return found


def _nic(caller: Caller, item: object) -> NicRequest:
    if not isinstance(item, dict) or not item.keys() & {"uuid", "port"}:
        raise BadRequest("Malformed request: a network is named by its 'uuid' or a 'port'.")
    if item.get("port") is not None:
        return NicRequest(port=ports.find(caller, kit.number_of(item["port"], "port")).uuid)
    network = networks.find(caller, kit.number_of(item.get("uuid"), "network"))
    fixed_ip = None if item.get("fixed_ip") is None else kit.text_in(item, "fixed_ip")
    return NicRequest(network=network.uuid, fixed_ip=fixed_ip)


def _nics(caller: Caller, wanted: Mapping[str, Any]) -> list[NicRequest] | None:
    """The networks that are asked for; without a word of them those of the settings (None), or none."""
    if wanted.get("networks") is None:
        return None if settings.CYCLADES_DEFAULT_SERVER_NETWORKS else []
    return [_nic(caller, item) for item in _list_in(wanted, "networks")]


def _device(caller: Caller, item: object, *, is_first: bool) -> DeviceRequest:
    """One of ``block_device_mapping_v2``: the first is what the server boots from."""
    if not isinstance(item, dict):
        raise BadRequest("Block device mapping is invalid.")
    source = kit.text_in(item, "source_type")
    if source not in ("image", "volume", "blank", "snapshot"):
        raise BadRequest(f"Block device mapping is invalid: there is no source type '{source[:50]}'.")
    given = item.get("uuid")
    if source != "blank" and (given is None or isinstance(given, (dict, list, bool))):
        raise BadRequest("Block device mapping is invalid: 'uuid' of the source is missing.")
    uuid: str | None = None
    if source == "volume":
        uuid = volumes.find(caller, kit.number_of(given, "volume")).uuid
    elif source != "blank":
        uuid = image_found(caller, str(given)).uuid
    size = item.get("volume_size")
    goes = item.get("delete_on_termination")
    return DeviceRequest(
        source=source,
        uuid=uuid,
        size_gib=None if size in (None, "") else kit.number_of(size, "size"),
        delete_on_termination=None if goes is None else kit.flag_in(item, "delete_on_termination"),
        boot_index=0 if is_first else None,
    )


def _files(wanted: Mapping[str, Any]) -> list[FileRequest]:
    """Files for the guest. Raises BadRequest, RequestTooLarge."""
    found = _list_in(wanted, "personality")
    if len(found) > settings.CYCLADES_MAX_PERSONALITY:
        raise RequestTooLarge("Maximum number of personalities exceeded")
    return [_file(item) for item in found]


def _file(item: object) -> FileRequest:
    if not isinstance(item, dict) or not item.keys() <= {"path", "contents", "owner", "group", "mode"}:
        raise BadRequest("Malformed personality in request")
    try:
        content = base64.b64decode(kit.text_in(item, "contents"), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("Malformed personality in request: the contents are not base64.") from None
    mode = item.get("mode", 0o440)
    if isinstance(mode, bool) or not isinstance(mode, int) or not 0 <= mode <= 0o7777:
        raise BadRequest("Malformed personality in request: 'mode' is a number, as of a file.")
    return FileRequest(
        path=kit.text_in(item, "path"), content=content, owner=kit.text_in(item, "owner", "root"),
        group=kit.text_in(item, "group", "root"), mode=mode,
    )  # fmt: skip


def _key_names(caller: Caller, wanted: Mapping[str, Any]) -> list[str]:
    """The names of the keys. Raises BadRequest if both attributes are there, ItemNotFound."""
    names = list(_list_in(wanted, "SNF:key_names"))
    if wanted.get("key_name") is not None:
        if names:
            raise BadRequest("Only one of 'key_name' and 'SNF:key_names' can be given.")
        names = [wanted["key_name"]]
    if not all(isinstance(name, str) for name in names):
        raise BadRequest("Malformed request. Invalid 'SNF:key_names' attribute.")
    names = list(dict.fromkeys(names))
    for name in names:
        keypairs.get(caller, name)
    return names


def _tags(wanted: Mapping[str, Any]) -> Sequence[str]:
    found = _list_in(wanted, "tags")
    if not all(isinstance(tag, str) for tag in found):
        raise BadRequest("Malformed request. Invalid 'tags' attribute.")
    return found


def _user_data(wanted: Mapping[str, Any]) -> bytes:
    if wanted.get("user_data") is None:
        return b""
    try:
        return base64.b64decode("".join(kit.text_in(wanted, "user_data").split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("Userdata should be base64-encoded") from None


def _password(wanted: Mapping[str, Any]) -> str | None:
    if wanted.get("adminPass") is None:
        return None
    text = kit.text_in(wanted, "adminPass")
    kinds = (str.islower, str.isupper, str.isdigit)
    if len(text) < _SHORTEST_PASSWORD or not all(any(map(kind, text)) for kind in kinds):
        raise BadRequest(
            f"A password has {_SHORTEST_PASSWORD} characters, small and capital letters and a digit."
        )
    return text


def _list_in(wanted: Mapping[str, Any], name: str) -> Sequence[Any]:
    values = wanted.get(name)
    if values is None:
        return []
    if not isinstance(values, list):
        raise BadRequest(f"Malformed request. Invalid '{name}' attribute.")
    return values
