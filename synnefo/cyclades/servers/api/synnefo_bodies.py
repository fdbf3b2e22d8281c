"""What clients of Synnefo's compute v2.0 send about servers, as plain values."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound, NotImplementedFault
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.images.api.synnefo import found as image_found
from synnefo.cyclades.keypairs import rules as keypairs
from synnefo.cyclades.networks import ports
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.servers.requests import NicRequest, ServerRequest
from synnefo.cyclades.synnefo_api import kit

_SHORTEST_PASSWORD = 10
#: Lists that a body may have as long as they are empty.
_NOT_OFFERED = ("personality", "block_device_mapping_v2")


def server_request(caller: Caller, wanted: Mapping[str, Any]) -> ServerRequest:
    """A new server as it is asked for. Raises BadRequest, ItemNotFound, NotImplementedFault."""
    if any(wanted.get(name) is None for name in ("name", "imageRef", "flavorRef")):
        raise BadRequest("Malformed request")
    for name in _NOT_OFFERED:
        if _list_in(wanted, name):
            raise NotImplementedFault(f"Servers with '{name}' are not offered here.")
    flavor = flavors.find(caller, kit.number_of(wanted["flavorRef"], "flavor"))
    if flavor.deleted:
        raise ItemNotFound("Flavor not found.")
    return ServerRequest(
        name=kit.text_in(wanted, "name"),
        image=image_found(caller, kit.text_in(wanted, "imageRef")).uuid,
        flavor=flavor.uuid,
        nics=[_nic(caller, item) for item in _list_in(wanted, "networks")],
        key_name=_key_name(caller, wanted),
        user_data=_user_data(wanted),
        admin_password=_password(wanted),
        metadata=metadata_in(wanted, "metadata", optional=True),
        tags=_tags(wanted),
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


def _key_name(caller: Caller, wanted: Mapping[str, Any]) -> str | None:
    """The name of the one key. Raises BadRequest if both attributes are there, ItemNotFound."""
    names = _list_in(wanted, "SNF:key_names")
    if wanted.get("key_name") is not None:
        if names:
            raise BadRequest("Only one of 'key_name' and 'SNF:key_names' can be given.")
        names = [wanted["key_name"]]
    if not all(isinstance(name, str) for name in names):
        raise BadRequest("Malformed request. Invalid 'SNF:key_names' attribute.")
    names = list(dict.fromkeys(names))
    for name in names:
        keypairs.get(caller, name)
    if len(names) > 1:
        raise NotImplementedFault("Servers with several keys are not offered here.")
    return names[0] if names else None


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
