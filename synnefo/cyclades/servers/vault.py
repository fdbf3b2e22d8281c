"""Secrets of servers that can be fetched for some time: sealed in the database, gone when read or old.

The administrator's password is for whoever sees the server, until he says that he has noted it. What the
guest itself fetches (VMAPI) is for whoever knows its address, once.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.utils import timezone

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import ItemNotFound
from synnefo.common.sealing import Broken, seal, unseal
from synnefo.common.transactions import atomic
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.servers.models import Server, ServerSecret
from synnefo.cyclades.servers.requests import ServerRequest

_PASSWORD, _PARAMS = "password", "params"


def keep_password(server: Server, password: str) -> None:
    """Keep it for ``CYCLADES_PASSWORD_KEPT_S``, in place of an older one."""
    _keep(server, _PASSWORD, password, settings.CYCLADES_PASSWORD_KEPT_S)


def password_of(server: Server) -> str:
    """The administrator's password. Raises ItemNotFound if it is not kept."""
    row = ServerSecret.objects.filter(server=server, kind=_PASSWORD, expires__gt=timezone.now()).first()
    if row is None:
        raise ItemNotFound("The password is not kept.")
    return _opened(row)


def forget_password(caller: Caller, server: Server) -> None:
    """Its owner has noted it."""
    with atomic():
        ServerSecret.objects.filter(server=server, kind=_PASSWORD).delete()
        record(caller, "server.forget-password", Server.TARGET, server.pk, project=server.project)


def keep_params(
    server: Server, image: Image | None, request: ServerRequest, password: str, keys: Sequence[str]
) -> None:
    """What the guest's set-up asks for at its first boot, in the words of 0.21's VMAPI."""
    properties = image.properties if image is not None else {}
    params: dict[str, Any] = {
        "img_id": "null" if image is None else image.hold,
        "img_passwd": password,
        "img_format": "none" if image is None else image.disk_format,
        "img_personality": json.dumps([file.as_json() for file in request.files]),
        "img_properties": json.dumps({key.upper(): value for key, value in properties.items()}),
    }
    if keys:
        params["auth_keys"] = "\n".join(keys)
    if request.user_data:
        params["cloud_userdata"] = request.user_data.decode(errors="replace")
    _keep(server, _PARAMS, json.dumps(params), settings.CYCLADES_VMAPI_KEPT_S)


def take_params(uuid: str) -> dict[str, Any]:
    """What was kept for a guest, at its secret address; gone with that. Raises ItemNotFound."""
    with atomic():
        rows = ServerSecret.objects.select_for_update().filter(uuid=uuid, kind=_PARAMS)
        row = rows.filter(expires__gt=timezone.now()).first()
        if row is None:
            raise ItemNotFound("There is nothing here.")
        found: dict[str, Any] = json.loads(_opened(row))
        if settings.CYCLADES_VMAPI_RESET_PARAMS:
            row.delete()
    return found


def forget_expired() -> int:
    """Remove what nobody may fetch any more; returns how many."""
    return ServerSecret.objects.filter(expires__lte=timezone.now()).delete()[0]


def _keep(server: Server, kind: str, text: str, for_s: int) -> None:
    ServerSecret.objects.update_or_create(
        server=server,
        kind=kind,
        defaults={
            "sealed": seal(text, f"server {kind}"),
            "expires": timezone.now() + datetime.timedelta(seconds=for_s),
        },
    )


def _opened(row: ServerSecret) -> str:
    try:
        return unseal(row.sealed, f"server {row.kind}")
    except Broken:
        raise ItemNotFound("It was sealed under a key that is not known any more.") from None
