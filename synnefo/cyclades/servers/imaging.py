"""Images of servers: what their first disk holds, kept as an image of its own."""

from __future__ import annotations

from collections.abc import Mapping

from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.rules import get
from synnefo.cyclades.servers.states import Action, require
from synnefo.cyclades.servers.volumes import volumes_of
from synnefo.cyclades.volumes import snapshots


def create_image(caller: Caller, uuid: str, name: str, metadata: Mapping[str, str] | None = None) -> Image:
    """An image (SAVING, until its content is read) of a server's first disk, on or off.

    Raises ItemNotFound, Forbidden, BadRequest (name, metadata), Conflict (state, busy).
    """
    server: Server = get(caller, uuid)
    require(server, Action.IMAGE, is_admin=caller.is_admin)
    root = volumes_of(server).first()
    if root is None:
        raise Conflict("The server has no disk of its own.")
    properties = {**root.image_properties, **(metadata or {})}
    return snapshots.make_image(caller, root, name=name, properties=properties, server_uuid=server.uuid)
