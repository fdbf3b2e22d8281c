"""What single faces keep of a container beside what all of them know: rules of CORS, tags, access lists."""

from __future__ import annotations

from typing import Any

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.transactions import atomic
from synnefo.pithos.namespace import access, containers
from synnefo.pithos.namespace.access import Right


def get(caller: Caller, account: str, name: str, option: str) -> Any:
    """None if it was never set. Raises Forbidden, BadRequest, ItemNotFound."""
    return access.container(caller, account, name, Right.OWN).options.get(option)


def put(caller: Caller, account: str, name: str, option: str, value: Any) -> None:
    """Set an option, which is JSON; remove it with None. Raises as ``get`` does."""
    found = access.container(caller, account, name, Right.OWN)
    with atomic():
        container = containers.lock(found.pk)
        kept = {**container.options, option: value}
        container.options = {key: one for key, one in kept.items() if one is not None}
        container.save(update_fields=("options",))
        record(caller, "container.modify", containers.TARGET, container.pk, name=name, option=option)
